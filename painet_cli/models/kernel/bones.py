"""Bones of a prediction brought to the lengths that they have at the start."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def paths(parent: NDArray[np.int64], depth: NDArray[np.int64]) -> Tensor:
    """(N, N) whether a particle's way to the root goes by another's bone."""
    path = np.zeros((len(parent), len(parent)))
    for particle in np.argsort(depth, kind="stable"):
        if parent[particle] != particle:
            path[particle] = path[parent[particle]]
            path[particle, particle] = 1.0
    return torch.from_numpy(path)


def with_bones_of(
    start: Tensor,  # (B, N, 3)
    predicted: Tensor,  # (B, T, N, 3)
    parent: Tensor,  # (N,)
    path: Tensor,  # (N, N)
) -> Tensor:  # (B, T, N, 3)
    """Positions with the predicted root and directions of bones, and the lengths of the start."""
    bones = predicted - predicted.index_select(-2, parent)
    lengths = (start - start.index_select(-2, parent)).norm(dim=-1, keepdim=True)
    wanted = torch.nn.functional.normalize(bones, dim=-1, eps=1e-9) * lengths[:, None]
    kept: Tensor = predicted + path.to(predicted) @ (wanted - bones)
    return kept
