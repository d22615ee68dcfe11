r"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner.

Vyas et al. 2024 (https://arxiv.org/abs/2409.11321, algorithm 3), as the authors' code has it
(https://github.com/nikhilvyas/SOAP). For every side k of a parameter with gradient G,

.. math::
    L_k \leftarrow \beta_2 L_k + (1 - \beta_2)\, G_{(k)} G_{(k)}^\top, \qquad
    Q_k = \text{its eigenvectors},

and Adam runs on the gradient that all Q_k turn. The Q_k follow by a step of power iteration and a
QR decomposition every ten steps. The first gradient makes the bases and moves nothing. What
differs: sides of one or of more than 512 entries, and vectors, are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

_LARGEST_SIDE = 512
_BETAS = 0.95, 0.95  # decay of the gradient's average; of its square's and the preconditioner's
_EPS = 1e-8  # added to the root of the mean square
_EVERY = 10  # steps between two updates of the bases


class Soap(Optimizer):
    """SOAP with decoupled weight decay.

    Parameters
    ----------
    parameters
        What to train.
    lr
        Learning rate.
    weight_decay
        Share of a parameter that a step takes away, times `lr`.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, lr: float, weight_decay: float
    ) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)
        return loss

    def _move(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state, (beta1, beta2) = self.state[parameter], _BETAS
        if not state:
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = (
                torch.zeros_like(parameter),
                torch.zeros_like(parameter),
            )
            for side in sides(gradient):
                gram = (1 - beta2) * _gram(gradient, side)
                state[f"gram_{side}"] = gram
                state[f"basis_{side}"] = torch.linalg.eigh(gram)[1].flip(1).contiguous()
            return
        state["step"] += 1
        step = int(state["step"])
        turned = _turned(gradient, state)
        state["mean"].lerp_(turned, 1 - beta1)
        state["square"].mul_(beta2).addcmul_(turned, turned, value=1 - beta2)
        scaled = state["mean"] / (state["square"].sqrt() + _EPS)
        rate = group["lr"] * (1 - beta2**step) ** 0.5 / (1 - beta1**step)
        parameter.add_(_turned(scaled, state, back=True), alpha=-rate)
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        for side in sides(gradient):
            state[f"gram_{side}"].lerp_(_gram(gradient, side), 1 - beta2)
        if step % _EVERY == 0:
            _follow(state, sides(gradient))


def sides(gradient: Tensor) -> list[int]:
    """Sides of a parameter that are turned."""
    if gradient.dim() < 2:
        return []
    return [side for side, size in enumerate(gradient.shape) if 1 < size <= _LARGEST_SIDE]


def _gram(gradient: Tensor, side: int) -> Tensor:
    rows = gradient.movedim(side, 0).flatten(1)
    return rows @ rows.t()


def _turned(values: Tensor, state: dict[str, Tensor], *, back: bool = False) -> Tensor:
    """Values in the eigenbases, or `back` from them."""
    for side in sides(values):
        basis = state[f"basis_{side}"]
        values = (values.movedim(side, -1) @ (basis.t() if back else basis)).movedim(-1, side)
    return values


def _follow(state: dict[str, Tensor], turned_sides: list[int]) -> None:
    """Let the bases follow the preconditioner, and what is kept in them follow the bases.

    All stays contiguous, as a saved state is: products of the same numbers in another order of
    memory may round otherwise.
    """
    mean = _turned(state["mean"], state, back=True)
    for side in turned_sides:
        gram, basis = state[f"gram_{side}"], state[f"basis_{side}"]
        order = ((gram @ basis) * basis).sum(dim=0).argsort(descending=True)
        state["square"] = state["square"].index_select(side, order)
        state[f"basis_{side}"] = torch.linalg.qr(gram @ basis[:, order])[0].contiguous()
    state["mean"] = _turned(mean, state).contiguous()
