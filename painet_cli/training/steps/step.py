"""One optimiser step: the gradients of a batch, and what the optimisers make of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer

from painet_cli.config.schema import Loss
from painet_cli.models.base import DynamicsModel
from painet_cli.training.distributed.world import SINGLE, Share, World
from painet_cli.training.loss import mean_loss


@dataclass(frozen=True, eq=False)
class Step:
    """Forward, backward, clipping and optimisers; asks the device nothing.

    Attributes
    ----------
    model, optimizers
        What is trained, by what.
    clip_norm
        Largest norm of all gradients together; None leaves them alone.
    world
        The processes whose gradients are added up.
    loss
        What is minimised.
    """

    model: DynamicsModel
    optimizers: tuple[Optimizer, ...]
    clip_norm: float | None = None
    world: World = SINGLE
    loss: Loss = "raw"

    def __call__(self, share: Share) -> Tensor:  # ()
        """Move the weights; gives the loss, summed over the windows of this process."""
        loss = self.gradients(share)
        self.move()
        return loss

    def gradients(self, share: Share) -> Tensor:  # ()
        """Give the parameters the clipped gradients of a batch; gives the summed loss."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        batch = share.batch
        with self.world.averaging(self.model, share.weight):
            if batch is None:
                loss = torch.zeros((), device=next(self.model.parameters()).device)
            else:
                before = batch.writes()
                predicted = self.model(batch)
                batch.check_unwritten(before)
                loss = mean_loss(predicted, batch, self.loss)
                torch.autograd.backward(loss)
                loss = loss.detach() * batch.graph.num_systems
        if self.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        return loss

    def move(self) -> None:
        """Let the optimisers move the weights by the gradients that are there."""
        for optimizer in self.optimizers:
            optimizer.step()
