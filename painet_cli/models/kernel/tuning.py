"""Weights and ridge of a kernel by the error on validation windows: a grid, then its gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from painet_cli.config.models import KernelForm
from painet_cli.models.kernel.layout import Layout
from painet_cli.models.kernel.ridge import (
    CONSTANT,
    Solution,
    Weights,
    kernel,
    near,
    solve,
    squared_distances,
)

RIDGES = 10.0 ** torch.arange(-5, 1.01, 0.5, dtype=torch.float64)
"""Ridges that are tried, in units of the kernel."""
NONE = -1000.0
"""Logarithm of a weight that is nought, as a file may hold it."""
_KINDS = (0.15, 0.3, 0.5, 1.0, 2.0)  # weight of velocities, and of the past, against positions
_WIDTHS = (0.3, 1.0, 2.0, 4.0, 8.0)  # in median squared distances
_SLOPES = (0.01, 0.1, 1.0)  # of the linear kernel, in units of its mean on the diagonal
_RATE = 0.1
_WIDE, _SMALL_RIDGE = 5.0, 5e-3  # where the descent begins
_NO_SLOPE = -10.0  # logarithm of b at which its gradient can still be followed


@dataclass(frozen=True, eq=False)
class Chosen:
    """Weights and ridge, and their mean squared error on the validation windows."""

    weights: Weights
    ridge: float
    error: float


@dataclass(frozen=True, eq=False)
class Examples:
    """Windows to choose by: (n, D) to learn from, and (v, D) to hold against.

    Attributes
    ----------
    train, val
        Their columns.
    layout
        Groups of the columns.
    form
        Of the kernel.
    """

    train: Tensor
    val: Tensor
    layout: Layout
    form: KernelForm

    def search(self, targets: Tensor, val_targets: Tensor) -> Chosen:
        """The best of a grid, each point in one eigendecomposition for all ridges.

        Positions, velocities and the past are weighed against each other; the form `sum` then tries
        how much of a linear kernel to add to the best Gaussian.
        """

        def at(weights: Weights) -> Chosen:
            return self.at(weights, targets, val_targets)

        shares = torch.ones(int(self.layout.kind.max()) + 1, dtype=torch.float64)
        best = Chosen(Weights(shares, shares), 1.0, math.inf)
        chosen = shares
        for kind in range(1, len(shares)):  # one after the other: few points, not their product
            for weight in _KINDS:
                tried = shares.clone()
                tried[kind] = weight
                for point in map(at, self._points(tried)):
                    if point.error < best.error:
                        best, chosen = point, tried
            shares = chosen
        if self.form == "sum":
            share = best.weights.log_a - best.weights.log_a[0]
            slopes = [share + math.log(slope / self._diagonal(share)) for slope in _SLOPES]
            added = [at(Weights(best.weights.log_a, slope)) for slope in slopes]
            best = min((best, *added), key=lambda chosen: chosen.error)
        return best

    def at(self, weights: Weights, targets: Tensor, val_targets: Tensor) -> Chosen:
        """The best ridge at some weights."""
        group = self.layout.group
        among = kernel(self.train, self.train, group, weights, self.form)
        crossed = kernel(self.val, self.train, group, weights, self.form)
        return best_ridge(solve(among, None, targets), crossed, val_targets, weights)

    def _points(self, shares: Tensor) -> list[Weights]:
        """Weights of the grid for certain shares of the kinds."""
        log_share = 2 * shares.to(self.train)[self.layout.kind].log()
        none = torch.full_like(log_share, NONE)
        if self.form == "linear":
            return [Weights(none, log_share - math.log(self._diagonal(log_share)))]
        scaled = self._scaled(log_share)
        typical = float(squared_distances(scaled, scaled).median()) or 1.0
        return [Weights(log_share - math.log(width * typical), none) for width in _WIDTHS]

    def _scaled(self, log_share: Tensor) -> Tensor:
        return self.train * (0.5 * log_share).exp()[self.layout.group]

    def _diagonal(self, log_share: Tensor) -> float:
        return float(self._scaled(log_share).square().sum(dim=1).mean()) or 1.0

    @cached_property
    def apart(self) -> tuple[Tensor, Tensor]:
        """(G, n, n) and (G, v, n) squared distances, group by group."""
        return self._by_group(squared_distances)

    @cached_property
    def inner(self) -> tuple[Tensor, Tensor]:
        """(G, n, n) and (G, v, n) inner products, group by group."""
        return self._by_group(lambda left, right: left @ right.t())

    def _by_group(self, pair: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        columns = [self.layout.group == g for g in range(len(self.layout.kind))]
        train, val = (
            torch.stack([pair(rows[:, c], self.train[:, c]) for c in columns])
            for rows in (self.train, self.val)
        )
        return train, val

    @torch.enable_grad()
    def descend(
        self, targets: Tensor, val_targets: Tensor, alike: Tensor, steps: int, pull: float
    ) -> Chosen:
        """Follow the gradient of the validation error by Adam, from equal weights.

        Parameters
        ----------
        alike
            (G,) group whose weights a group shares: left and right, where neither is nearer.
        steps
            The best of them is taken.
        pull
            Weight of the spread of the logarithms against the error, in units of the first error.
        """
        linear = self.form in ("linear", "sum")
        bend = self.form != "linear"
        apart, apart_val = self.apart if bend else (None, None)
        inner, inner_val = self.inner if linear else (None, None)
        groups = torch.zeros(len(alike), dtype=targets.dtype, device=targets.device)
        log_a, log_b = groups + NONE, groups + NONE
        if apart is not None:
            log_a = groups - math.log(_WIDE * (float(apart.sum(dim=0).median()) or 1.0))
        if linear:
            log_b = groups + (_NO_SLOPE if bend else -math.log(self._diagonal(groups)))
        log_ridge = groups[0] + math.log(_SMALL_RIDGE)
        learned = [
            one for one, is_on in ((log_a, bend), (log_b, linear), (log_ridge, True)) if is_on
        ]
        for one in learned:
            one.requires_grad_()
        adam = torch.optim.Adam(learned, lr=_RATE, betas=(0.9, 0.95))
        identity = torch.eye(len(targets), dtype=targets.dtype, device=targets.device)

        def kernel_at(distance: Tensor | None, products: Tensor | None) -> Tensor:
            made = torch.zeros((), dtype=targets.dtype, device=targets.device) + CONSTANT
            if distance is not None:
                made = made + near(torch.tensordot(log_a[alike].exp(), distance, dims=1), self.form)
            if products is not None:
                made = made + torch.tensordot(log_b[alike].exp(), products, dims=1)
            return made

        best, least, first = None, math.inf, 1.0
        for step in range(steps + 1):
            regular = kernel_at(apart, inner) + log_ridge.exp() * identity
            factor, failed = torch.linalg.cholesky_ex(regular)
            if failed:
                break
            dual = torch.cholesky_solve(targets, factor)
            error = (kernel_at(apart_val, inner_val) @ dual - val_targets).square().mean()
            first = float(error.detach()) or 1.0 if step == 0 else first
            off = (log_a - log_a.mean()).square().mean() + (log_b - log_b.mean()).square().mean()
            loss = error / first + pull * off
            if float(loss.detach()) < least:
                least = float(loss.detach())
                weights = Weights(log_a.detach()[alike].clone(), log_b.detach()[alike].clone())
                best = Chosen(weights, float(log_ridge.detach().exp()), float(error.detach()))
            adam.zero_grad()
            torch.autograd.backward(loss)
            adam.step()
        return best or self.search(targets, val_targets)


def best_ridge(solution: Solution, kernels: Tensor, targets: Tensor, weights: Weights) -> Chosen:
    """The ridge with the smallest error on other windows."""
    errors = solution.errors(kernels, targets, RIDGES.to(kernels))
    place = int(errors.argmin())
    return Chosen(weights, float(RIDGES[place]), float(errors[place]))
