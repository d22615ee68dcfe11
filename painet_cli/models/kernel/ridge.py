r"""Kernel ridge regression: the kernel, its solution for all ridges at once, and its variance.

The kernel of two windows z, z', whose columns fall into groups g, is

.. math::
    k(z, z') = \exp\Bigl(-\sum_g a_g |z_g - z'_g|^2\Bigr) + \sum_g b_g\, z_g^\top z'_g + c,

a Gaussian, a linear kernel, and a constant. With all b = 0 it is the Gaussian (RBF) alone, with
all a = 0 the linear one alone. The form `rq` has the rational quadratic 1 / (1 + d) in place of the
Gaussian exp(-d), with the tails of all widths.

Ridge regression on n windows is done in the features of m of them, :math:`\phi(z) = P^\top k(z)`
with :math:`K_{mm} = Q \Lambda Q^\top` and :math:`P = Q \Lambda^{-1/2} U`, where U diagonalises
:math:`\sum_n \phi \phi^\top = U S U^\top`. For m = n that is exact kernel ridge regression; for
fewer it is the Nyström method (subset of regressors; Rasmussen and Williams 2006,
http://gaussianprocess.org/gpml, section 8.3.1). In these features the solution for any ridge
is a division, and so is the variance of a Gaussian process with that kernel (equation 8.14).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from painet_cli.config.models import KernelForm

CONSTANT = 10.0
"""c: so large that the mean of the targets costs next to nothing."""
_SMALLEST = 1e-12  # of the largest eigenvalue: what is below is rounding


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of the groups: (G,) logarithms of a and of b."""

    log_a: Tensor
    log_b: Tensor


def squared_distances(
    left: Tensor,  # (B, D)
    right: Tensor,  # (m, D)
) -> Tensor:  # (B, m)
    """Squared Euclidean distances of all pairs of rows."""
    squares = left.square().sum(dim=1)[:, None] + right.square().sum(dim=1)
    return torch.addmm(squares, left, right.t(), alpha=-2.0).clamp(min=0.0)


def near(distance: Tensor, form: KernelForm) -> Tensor:
    """How alike windows are at a weighted squared distance: exp(-d), or 1 / (1 + d) for `rq`."""
    return 1.0 / (1.0 + distance) if form == "rq" else distance.neg().exp()


def kernel(
    left: Tensor,  # (B, D)
    right: Tensor,  # (m, D)
    group: Tensor,  # (D,)
    weights: Weights,
    form: KernelForm,
) -> Tensor:  # (B, m)
    """Kernel of all pairs of windows; `group` is the group of every column."""
    a, b = weights.log_a.exp()[group].sqrt(), weights.log_b.exp()[group]
    alike = near(squared_distances(left * a, right * a), form)
    return torch.addmm(alike, left * b, right.t()) + CONSTANT


def own_kernel(
    rows: Tensor,  # (B, D)
    group: Tensor,  # (D,)
    weights: Weights,
) -> Tensor:  # (B,)
    """Kernel of every window with itself."""
    return 1.0 + rows.square() @ weights.log_b.exp()[group] + CONSTANT


@dataclass(frozen=True, eq=False)
class Solution:
    """Ridge regression for all ridges.

    Attributes
    ----------
    projection
        (m, r) P, from kernels with the m kept windows to features.
    strength
        (r,) S, squared length of each feature over the training windows.
    seen
        (r, D) inner products of features and targets.
    """

    projection: Tensor
    strength: Tensor
    seen: Tensor

    def dual(self, ridge: Tensor | float) -> Tensor:  # (m, D)
        """What kernels with the kept windows are multiplied by."""
        return self.projection @ (self.seen / (self.strength + ridge)[:, None])

    def errors(
        self,
        kernels: Tensor,  # (B, m)
        targets: Tensor,  # (B, D)
        ridges: Tensor,  # (R,)
    ) -> Tensor:  # (R,)
        """Mean squared error of each ridge on other windows."""
        features = kernels @ self.projection
        made = [features @ (self.seen / (self.strength + r)[:, None]) for r in ridges]
        return torch.stack([(guess - targets).square().mean() for guess in made])


def solve(
    among_kept: Tensor,  # (m, m)
    others: Iterable[tuple[Tensor, Tensor]] | None,  # (B, m) kernels and (B, D) targets
    targets: Tensor,  # (m, D), of the kept windows
) -> Solution:
    """Solve for all ridges, in one eigendecomposition where all windows are kept.

    Parameters
    ----------
    among_kept
        Kernel of the kept windows.
    others
        Kernels of all training windows with those kept, piece by piece; None where all are kept.
    targets
        Of the kept windows; read where all are kept.
    """
    values, vectors = torch.linalg.eigh(among_kept)
    real = values > _SMALLEST * values[-1]
    values, vectors = values[real], vectors[:, real]
    projection = vectors * values.rsqrt()
    if others is None:
        return Solution(projection, values, values.sqrt()[:, None] * (vectors.t() @ targets))
    moments = torch.zeros((len(values), len(values)), dtype=values.dtype, device=values.device)
    seen = torch.zeros((len(values), targets.shape[1]), dtype=values.dtype, device=values.device)
    for kernels, wanted in others:
        features = kernels @ projection
        moments += features.t() @ features
        seen += features.t() @ wanted
    strength, turn = torch.linalg.eigh(moments)
    return Solution(projection @ turn, strength.clamp(min=0.0), turn.t() @ seen)


def variances(
    kernels: Tensor,  # (B, m)
    own: Tensor,  # (B,) k(z, z)
    projection: Tensor,  # (m, r)
    strength: Tensor,  # (r,)
    ridge: Tensor | float,
) -> Tensor:  # (B,)
    """Variance of a prediction and its noise, in units of the kernel.

    What features that are left out would explain counts as unknown.
    """
    features = (kernels @ projection).square()
    explained = features @ (strength / (strength + ridge))
    return (own - explained).clamp(min=0.0) + ridge
