"""The step of several models that are alike, as one by `torch.func`: batched weights, one Adam.

Every model has its own weights, windows and loss; they share shapes, graph, rate and the number of
steps. Adam and AdamW move every number by itself, so that one of them over stacked weights does
what one a model does.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.optim import Optimizer

from painet_cli.config.schema import TrainConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.models.base import DynamicsModel
from painet_cli.training.distributed.world import Share
from painet_cli.training.loss import mean_loss
from painet_cli.training.steps.captured import captures, step_of
from painet_cli.training.steps.optimizers import build_optimizers
from painet_cli.training.steps.step import Step


@dataclass(frozen=True, eq=False, kw_only=True)
class StackedStep(Step):
    """A step of K models; a share holds K batches, and the loss is (K,).

    Attributes
    ----------
    weights, buffers
        (K, ...) those of all models by name; `model` lends its operations alone.
    """

    weights: dict[str, Tensor]
    buffers: dict[str, Tensor]

    def gradients(self, share: Share) -> Tensor:  # (K,)
        """Give the stacked weights their clipped gradients; gives the summed losses."""
        (optimizer,) = self.optimizers
        optimizer.zero_grad(set_to_none=True)
        batches = share.batch
        assert batches is not None  # noqa: S101 - one process has all windows

        def loss_of(
            weights: dict[str, Tensor], buffers: dict[str, Tensor], own: dict[str, Tensor]
        ) -> Tensor:
            batch = replace(batches, graph=batches.graph, **own)
            predicted = functional_call(self.model, (weights, buffers), (batch,))
            return mean_loss(predicted, batch, self.loss)

        losses: Tensor = vmap(loss_of)(self.weights, self.buffers, batches.numbers())
        torch.autograd.backward(losses.sum())
        if self.clip_norm is not None:
            _clip([w.grad for w in self.weights.values() if w.grad is not None], self.clip_norm)
        return losses.detach() * batches.graph.num_systems


def _clip(gradients: Sequence[Tensor], most: float) -> None:
    """Clip the gradients of every model by its own norm, as PyTorch's `clip_grad_norm_` does."""
    norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients]).norm(dim=0)
    share = (most / (norms + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(share.view(-1, *[1] * (gradient.dim() - 1)))


class Stack:
    """K models and their Adams as one; the models' weights are views of the stacked ones.

    Parameters
    ----------
    models, optimizers
        All alike, and as far as each other.
    config
        The `train` section that they share.

    Attributes
    ----------
    step
        Takes a step of all models.
    """

    def __init__(
        self,
        models: Sequence[DynamicsModel],
        optimizers: Sequence[Optimizer],
        config: TrainConfig,
        device: torch.device,
    ) -> None:
        self._optimizers = optimizers
        weights, buffers = stack_module_state(list(models))
        weights = {name: nn.Parameter(value.detach()) for name, value in weights.items()}
        shell = deepcopy(models[0])
        capturable = captures(config, shell, device)
        (self.optimizer,) = build_optimizers(
            nn.ParameterList(weights.values()),
            config,
            fused=device.type in ("cpu", "cuda"),
            capturable=capturable,
        )
        self._weights = list(weights.values())
        self._own = [list(model.parameters()) for model in models]
        for number, own in enumerate(self._own):
            for weight, parameter in zip(self._weights, own, strict=True):
                parameter.data = weight.detach()[number]
        self._take_slots()
        step = StackedStep(
            model=shell,
            optimizers=(self.optimizer,),
            clip_norm=config.clip_norm,
            loss=config.loss,
            weights=weights,
            buffers=buffers,
        )
        self.step = step_of(step, config, device)

    def _take_slots(self) -> None:
        """Stack what the models' optimisers have kept so far."""
        for weight, *own in zip(self._weights, *self._own, strict=True):
            slots = [
                optimizer.state[parameter]
                for optimizer, parameter in zip(self._optimizers, own, strict=True)
            ]
            if slots[0]:
                self.optimizer.state[weight] = {
                    name: value.clone()
                    if name == "step"
                    else torch.stack([each[name] for each in slots])
                    for name, value in slots[0].items()
                }

    def hand_out(self) -> None:
        """Let every model's optimiser have its part of what the stacked one keeps."""
        for weight, *own in zip(self._weights, *self._own, strict=True):
            for number, (optimizer, parameter) in enumerate(
                zip(self._optimizers, own, strict=True)
            ):
                slots = self.optimizer.state.get(weight)
                if slots:
                    optimizer.state[parameter] = {
                        name: value.clone() if name == "step" else value[number]
                        for name, value in slots.items()
                    }


def stacked(batches: Sequence[Batch]) -> Batch:
    """K batches of one shape as one, whose numbers are (K, ...), on the graph of the first."""
    numbers = [batch.numbers() for batch in batches]
    held = {name: torch.stack([each[name] for each in numbers]) for name in numbers[0]}
    return replace(batches[0], graph=batches[0].graph, **held)
