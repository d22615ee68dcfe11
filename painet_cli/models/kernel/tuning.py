"""Weights and ridge of a kernel by the error on validation windows: a grid, then its gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch
from torch import Tensor

from painet_cli.models.kernel.ridge import CONSTANT, Solution, Weights, kernel, solve
from painet_cli.models.kernel.ridge import squared_distances as distances

Form = Literal["linear", "rbf", "sum"]
RIDGES = 10.0 ** torch.arange(-5, 1.01, 0.5, dtype=torch.float64)
"""Ridges that are tried, in units of the kernel."""
_KINDS = (0.3, 0.5, 1.0, 2.0)  # weight of velocities, and of the past, against positions
_WIDTHS = (0.3, 1.0, 2.0, 4.0, 8.0)  # of the Gaussian, in median squared distances
_SLOPES = (0.01, 0.1, 1.0)  # of the linear kernel, in units of its mean on the diagonal
_RATE = 0.07
NONE = -1000.0
"""Logarithm of a weight that is nought, as a file may hold it."""
_NO_SLOPE = -10.0  # log of b at which its gradient can still be followed


@dataclass(frozen=True, eq=False)
class Examples:
    """Windows to choose by.

    Attributes
    ----------
    train, targets
        (n, D) and (n, outputs), to learn from.
    val, val_targets
        (v, D) and (v, outputs), to hold against.
    group
        (D,) group of every column.
    kind
        (G,) kind of input of every group: positions, velocities, the past.
    """

    train: Tensor
    targets: Tensor
    val: Tensor
    val_targets: Tensor
    group: Tensor
    kind: Tensor


@dataclass(frozen=True, eq=False)
class Chosen:
    """Weights and ridge, and their mean squared error on the validation windows."""

    weights: Weights
    ridge: float
    error: float


def search(examples: Examples, form: Form) -> Chosen:
    """The best of a grid, each point in one eigendecomposition for all ridges.

    The kinds of inputs are weighed against each other by one form; the `sum` then tries how much of
    a linear kernel to add to the best Gaussian.
    """
    kinds = int(examples.kind.max()) + 1
    shares = [torch.tensor([1.0, *rest]).double() for rest in product(_KINDS, repeat=kinds - 1)]
    points = [point for share in shares for point in _points(examples, share, form)]
    best = min((_at(examples, weights) for weights in points), key=lambda chosen: chosen.error)
    if form == "sum":
        log_a = best.weights.log_a
        share = log_a - log_a[0]
        scaled = examples.train * (0.5 * share).exp()[examples.group]
        diagonal = float(scaled.square().sum(dim=1).mean()) or 1.0
        added = [Weights(log_a, share + math.log(slope / diagonal)) for slope in _SLOPES]
        best = min((best, *(_at(examples, one) for one in added)), key=lambda chosen: chosen.error)
    return best


def _points(examples: Examples, shares: Tensor, form: Form) -> list[Weights]:
    """Weights of the grid for certain shares of the kinds."""
    log_share = 2 * shares.to(examples.train)[examples.kind].log()
    scaled = examples.train * (0.5 * log_share).exp()[examples.group]
    none = torch.full_like(log_share, NONE)
    if form == "linear":
        diagonal = float(scaled.square().sum(dim=1).mean()) or 1.0
        return [Weights(none, log_share - math.log(diagonal))]
    typical = float(distances(scaled, scaled).median()) or 1.0
    return [Weights(log_share - math.log(width * typical), none) for width in _WIDTHS]


def _at(examples: Examples, weights: Weights) -> Chosen:
    """The best ridge at some weights."""
    solution = solve(
        kernel(examples.train, examples.train, examples.group, weights), None, examples.targets
    )
    crossed = kernel(examples.val, examples.train, examples.group, weights)
    return best_ridge(solution, crossed, examples.val_targets, weights)


def best_ridge(solution: Solution, kernels: Tensor, targets: Tensor, weights: Weights) -> Chosen:
    """The ridge with the smallest error on other windows."""
    errors = solution.errors(kernels, targets, RIDGES.to(kernels))
    place = int(errors.argmin())
    return Chosen(weights, float(RIDGES[place]), float(errors[place]))


@torch.enable_grad()
def descend(examples: Examples, start: Chosen, alike: Tensor, form: Form, steps: int) -> Chosen:
    """Follow the gradient of the validation error, from the best of the grid, by Adam.

    Parameters
    ----------
    alike
        (G,) group whose weights a group shares: those of left and right, where neither is nearer.
    steps
        The best of them is taken.
    """
    groups = torch.arange(len(examples.kind), device=examples.kind.device)
    columns = [examples.group == g for g in groups]
    train, val = examples.train, examples.val

    def by_group(pair: Tensor, of: str) -> Tensor:
        if of == "apart":
            return torch.stack([distances(pair[:, c], train[:, c]) for c in columns])
        return torch.stack([pair[:, c] @ train[:, c].t() for c in columns])

    apart, apart_val = by_group(train, "apart"), by_group(val, "apart")
    inner, inner_val = by_group(train, "inner"), by_group(val, "inner")
    log_a = start.weights.log_a.clone().requires_grad_(form != "linear")
    log_b = start.weights.log_b.clamp(min=_NO_SLOPE).clone().requires_grad_(form != "rbf")
    log_ridge = torch.tensor(math.log(start.ridge)).to(train).requires_grad_()
    adam = torch.optim.Adam(
        [one for one in (log_a, log_b, log_ridge) if one.requires_grad],
        lr=_RATE,
        betas=(0.9, 0.95),
    )
    identity = torch.eye(len(train), dtype=train.dtype, device=train.device)

    def kernel_at(distance: Tensor, product: Tensor) -> Tensor:
        made: Tensor = torch.tensordot(log_a[alike].exp(), distance, dims=1).neg().exp() + CONSTANT
        if form == "rbf":
            return made
        linear: Tensor = torch.tensordot(log_b[alike].exp(), product, dims=1)
        return made + linear

    best = start
    for _ in range(steps):
        factor, failed = torch.linalg.cholesky_ex(
            kernel_at(apart, inner) + log_ridge.exp() * identity
        )
        if failed:
            break
        dual = torch.cholesky_solve(examples.targets, factor)
        guess = kernel_at(apart_val, inner_val) @ dual
        loss = (guess - examples.val_targets).square().mean()
        error = float(loss.detach())
        if error < best.error:
            kept_b = start.weights.log_b if form == "rbf" else log_b.detach()[alike]
            weights = Weights(log_a.detach()[alike].clone(), kept_b.clone())
            best = Chosen(weights, float(log_ridge.detach().exp()), error)
        adam.zero_grad()
        torch.autograd.backward(loss)
        adam.step()
    return best
