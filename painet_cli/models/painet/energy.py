r"""The energy whose descent the attention is (section 3.1), for tests and for reading.

With the potential of equation 6 and the coefficients :math:`b = \psi / 4`, :math:`a = \phi + \psi`,
the derivative of the potential at unit embeddings is the attention weight of equation 7:

.. math::
    \rho(z) = a z - b z^2, \qquad
    \rho'(\|h_i - h_j\|^2) = \phi_{ij} + \psi_{ij}\, h_i^\top h_j .

For symmetric positive weights a step of any size eta in (0, 1] cannot raise the pair term: the
tangent of a concave potential lies above it, and on the tangent the step is H - eta D^-1 L H, where
D^-1 L has its spectrum in [0, 2].
"""

from __future__ import annotations

import torch
from torch import Tensor


def potential(
    squared: Tensor,  # (N, N)
    phi: Tensor,  # (N, N)
    psi: Tensor,  # (N, N)
) -> Tensor:  # (N, N)
    """Potential rho of the squared distance of every pair (equation 6)."""
    return (phi + psi) * squared - psi / 4 * squared.square()


def pair_weights(
    h: Tensor,  # (N, d)
    phi: Tensor,  # (N, N)
    psi: Tensor,  # (N, N)
) -> Tensor:  # (N, N)
    """Derivative of the potential at unit embeddings: the weights omega of equation 7."""
    return phi + psi * (h @ h.t())


def energy(
    h: Tensor,  # (N, d)
    before: Tensor,  # (N, d)
    phi: Tensor,  # (N, N)
    psi: Tensor,  # (N, N)
    strength: float = 1.0,
) -> Tensor:  # ()
    """Energy of equation 3: distance from the embeddings before, plus `strength` x pair term."""
    return (h - before).square().sum() + strength * pair_energy(h, phi, psi)


def pair_energy(
    h: Tensor,  # (N, d)
    phi: Tensor,  # (N, N)
    psi: Tensor,  # (N, N)
) -> Tensor:  # ()
    """Second term of equation 3 without its factor: the potential, summed over all pairs."""
    squared = (h[:, None] - h[None, :]).square().sum(dim=-1)
    return potential(squared, phi, psi).sum()


def descent_step(
    h: Tensor,  # (N, d)
    phi: Tensor,  # (N, N)
    psi: Tensor,  # (N, N)
    eta: float,
) -> Tensor:  # (N, d)
    """One step of equation 7 from unit embeddings."""
    weights = pair_weights(h, phi, psi)
    return torch.lerp(h, weights @ h / weights.sum(dim=1, keepdim=True), eta)
