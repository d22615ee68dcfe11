"""Turns from directions and moments, and sums by system: what frames are made of."""

from __future__ import annotations

import torch
from torch import Tensor

from painet_cli.data.batches.by_system import mean_by_system
from painet_cli.data.batches.graph import Graph

TIE = 1e-6
"""Weight of what decides where the rule itself does not."""
_TYPE_TIE = 1e-3  # of types against positions, in principal axes


def horizontal(up: int | None) -> tuple[int, int]:
    """The two axes that are not up: to the side, and forward."""
    first, second = (axis for axis in range(3) if axis != up)
    return first, second


def turn_to(heading: Tensor, up: int | None) -> Tensor:
    """(B, 3, 3) turns about the vertical that bring headings (B, 3) forward; none where nought."""
    a, b = horizontal(up)
    size = torch.hypot(heading[:, a], heading[:, b])
    still = size == 0
    size = torch.where(still, torch.ones_like(size), size)
    sin = heading[:, a] / size
    cos = torch.where(still, torch.ones_like(size), heading[:, b] / size)
    turn = torch.zeros((len(heading), 3, 3), dtype=heading.dtype, device=heading.device)
    turn[:, up, up] = 1.0
    turn[:, a, a] = turn[:, b, b] = cos
    turn[:, b, a], turn[:, a, b] = -sin, sin
    return turn


def principal_axes(apart: Tensor, v: Tensor, graph: Graph) -> Tensor:
    """(B, 3, 3) principal axes as columns, right-handed."""
    weight = (1 + graph.types)[:, None].to(apart.dtype)
    size = mean_by_system(apart.square().sum(dim=-1, keepdim=True), graph)  # (B, 1)
    pace = mean_by_system(v.square().sum(dim=-1, keepdim=True), graph)
    # both in units of their own size, so that the weights of what breaks ties mean the same
    x = apart * inverse_root(size).index_select(0, graph.system)
    v = v * inverse_root(pace).index_select(0, graph.system)
    pairs = outer((1 + _TYPE_TIE * weight) * x, x) + TIE * outer(v, v)
    moments = mean_by_system(pairs, graph).view(-1, 3, 3)
    axes = torch.linalg.eigh(moments).eigenvectors.flip(-1)
    of_particles = axes.index_select(0, graph.system)
    along, moving = (torch.einsum("mi,mik->mk", vectors, of_particles) for vectors in (x, v))
    side = mean_by_system(weight * along**3 + TIE * moving, graph)
    first, second = (
        axes[..., k] * torch.where(side[:, k, None] < 0, -1.0, 1.0).to(x) for k in (0, 1)
    )
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def best_rotations(moments: Tensor) -> Tensor:
    """Rotations of rows x onto rows y, x @ R, of least squared distance, from sums of x_i y_i^T.

    Kabsch 1976 (https://doi.org/10.1107/S0567739476001873), by singular values; never a mirror
    image.

    Parameters
    ----------
    moments
        (..., 3, 3), of positions about their centroids.
    """
    left, _, right = torch.linalg.svd(moments)
    proper = torch.ones_like(moments[..., 0])
    proper[..., 2] = torch.linalg.det(left @ right)
    turn: Tensor = (left * proper[..., None, :]) @ right
    return turn


def inverse_root(squares: Tensor) -> Tensor:
    """One over the root, and nought of nought."""
    return torch.where(squares > 0, squares, torch.inf).rsqrt()


def outer(left: Tensor, right: Tensor) -> Tensor:
    """(M, 9) products of all pairs of components."""
    return (left[:, :, None] * right[:, None, :]).flatten(1)
