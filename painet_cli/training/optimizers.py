"""The optimisers of `train.optimizer`, and their state as named tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from painet_cli.config.schema import TrainConfig
from painet_cli.errors import RequestError
from painet_cli.training.soap import Soap

_NARROW = 8  # a matrix with a shorter side is no hidden map: it reads features or writes results


def build_optimizers(
    model: nn.Module, config: TrainConfig, *, fused: bool
) -> tuple[Optimizer, ...]:
    """Optimisers that share a model's parameters between them, each at the rate `config.lr`.

    Parameters
    ----------
    fused
        Whether the parameters' device has Adam in one operation.

    Raises
    ------
    RequestError
        This PyTorch does not have the optimiser.
    """
    return tuple(_BUILD[config.optimizer](list(model.parameters()), config, fused))


def optimizer_state(optimizers: Iterable[Optimizer]) -> dict[str, Tensor]:
    """What resuming needs, as `index/slot`, parameters counted over all optimisers."""
    state: dict[str, Tensor] = {}
    for index, slots in zip(count(), _slots(optimizers), strict=False):
        state |= {f"{index}/{name}": tensor for name, tensor in slots.items()}
    return state


def load_optimizer_state(optimizers: Iterable[Optimizer], state: Mapping[str, Tensor]) -> None:
    """Go on from a state that `optimizer_state` gave."""
    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        index, _, slot = name.partition("/")
        # a tensor in a file need not begin where products expect one, and would round otherwise
        slots.setdefault(int(index), {})[slot] = tensor.clone()
    first = 0
    for optimizer in optimizers:
        groups = optimizer.state_dict()["param_groups"]
        size = sum(len(group["params"]) for group in groups)
        own = {index - first: slots[index] for index in slots if 0 <= index - first < size}
        optimizer.load_state_dict({"state": own, "param_groups": groups})
        first += size


def make_slots(optimizers: Iterable[Optimizer], state: Iterable[str]) -> None:
    """Take a step of gradients that are zero, for the parameters that a state has slots of."""
    touched = {name.partition("/")[0] for name in state}
    index = count()
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                known = str(next(index)) in touched
                parameter.grad = torch.zeros_like(parameter) if known else None
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def _slots(optimizers: Iterable[Optimizer]) -> Iterable[dict[str, Tensor]]:
    for optimizer in optimizers:
        saved = optimizer.state_dict()
        size = sum(len(group["params"]) for group in saved["param_groups"])
        yield from (saved["state"].get(index, {}) for index in range(size))


def _adam(parameters: Sequence[nn.Parameter], config: TrainConfig, fused: bool) -> list[Optimizer]:
    decay = config.weight_decay
    return [torch.optim.Adam(parameters, lr=config.lr, weight_decay=decay, fused=fused)]


def _adamw(parameters: Sequence[nn.Parameter], config: TrainConfig, fused: bool) -> list[Optimizer]:
    decay = config.weight_decay
    return [torch.optim.AdamW(parameters, lr=config.lr, weight_decay=decay, fused=fused)]


def _muon(parameters: Sequence[nn.Parameter], config: TrainConfig, fused: bool) -> list[Optimizer]:
    """Muon for the hidden maps, with steps as long as AdamW's, and AdamW for all else."""
    if not hasattr(torch.optim, "Muon"):
        raise RequestError(
            f"train.optimizer=muon: torch {torch.__version__} does not have it",
            "install torch 2.9 or later, or choose adam, adamw or soap",
        )
    hidden = [p for p in parameters if p.dim() == 2 and min(p.shape) >= _NARROW]
    others = [p for p in parameters if not any(p is one for one in hidden)]
    if not hidden:
        return _adamw(parameters, config, fused)
    muon = torch.optim.Muon(
        hidden, lr=config.lr, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw"
    )
    return [muon, *(_adamw(others, config, fused) if others else [])]


def _soap(parameters: Sequence[nn.Parameter], config: TrainConfig, fused: bool) -> list[Optimizer]:
    return [Soap(parameters, lr=config.lr, weight_decay=config.weight_decay)]


_Build = Callable[[Sequence[nn.Parameter], TrainConfig, bool], list[Optimizer]]
_BUILD: dict[str, _Build] = {"adam": _adam, "adamw": _adamw, "muon": _muon, "soap": _soap}
