"""The optimisers of `train.optimizer`, and their state as named tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from painet_cli.config.schema import TrainConfig
from painet_cli.errors import PainetError
from painet_cli.training.steps.muon import Muon
from painet_cli.training.steps.soap import Soap

_Parameters = Sequence[nn.Parameter]
_Options = Mapping[str, Any]  # of Adam and AdamW
_NARROW = 8  # a matrix with a shorter side is no hidden map: it reads features or writes results


def build_optimizers(
    model: nn.Module, config: TrainConfig, *, fused: bool, capturable: bool = False
) -> tuple[Optimizer, ...]:
    """Optimisers that share a model's parameters between them, each at the rate `config.lr`.

    Parameters
    ----------
    fused
        Whether the parameters' device has Adam in one operation.
    capturable
        Whether steps are recorded: Adam and AdamW then count and read their rate on the device.

    Raises
    ------
    PainetError
        There is nothing to learn.
    """
    parameters = list(model.parameters())
    if not any(parameter.requires_grad for parameter in parameters):
        raise PainetError(
            f"{type(model).__name__}: no parameter that learns",
            "one that is fitted otherwise, or not at all, has a `fit`, and `closed_form = True` in "
            "its class and its Config",
        )
    rate: float | Tensor = config.lr
    if capturable:
        rate = torch.tensor(config.lr, dtype=torch.float32, device=parameters[0].device)
    adams = {
        "lr": rate,
        "weight_decay": config.weight_decay,
        "fused": fused,
        "capturable": capturable,
    }
    return tuple(_BUILD[config.optimizer](parameters, config, adams))


def set_rate(optimizers: Iterable[Optimizer], rate: float) -> None:
    """Give all parameters a learning rate; on the device where steps are recorded."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate


def optimizer_state(optimizers: Iterable[Optimizer]) -> dict[str, Tensor]:
    """What resuming needs, as `index/slot`, parameters counted over all optimisers."""
    state: dict[str, Tensor] = {}
    for index, slots in enumerate(_slots(optimizers)):
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


def _adam(parameters: _Parameters, config: TrainConfig, adams: _Options) -> list[Optimizer]:
    return [torch.optim.Adam(parameters, **adams)]


def _adamw(parameters: _Parameters, config: TrainConfig, adams: _Options) -> list[Optimizer]:
    return [torch.optim.AdamW(parameters, **adams)]


def _muon(parameters: _Parameters, config: TrainConfig, adams: _Options) -> list[Optimizer]:
    """Muon for the hidden maps, with steps as long as AdamW's, and AdamW for all else."""
    hidden = [p for p in parameters if p.dim() == 2 and min(p.shape) >= _NARROW]
    others = [p for p in parameters if not any(p is one for one in hidden)]
    if not hidden:
        return _adamw(parameters, config, adams)
    muon = Muon(hidden, lr=config.lr, weight_decay=config.weight_decay)
    return [muon, *(_adamw(others, config, adams) if others else [])]


def _soap(parameters: _Parameters, config: TrainConfig, adams: _Options) -> list[Optimizer]:
    return [Soap(parameters, lr=config.lr, weight_decay=config.weight_decay)]


_Build = Callable[[_Parameters, TrainConfig, _Options], list[Optimizer]]
_BUILD: dict[str, _Build] = {"adam": _adam, "adamw": _adamw, "muon": _muon, "soap": _soap}
