"""Rotations, shifts and mirrors of systems, and what becomes of their predictions."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.models.base import DynamicsModel
from painet_cli.testing.systems import normal

TOLERANCE = {torch.float64: 1e-10, torch.float32: 2e-5}
VERTICAL = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)  # SPEC's up axis is y
NOTHING = torch.zeros(3, dtype=torch.float64)
STAYS = torch.eye(3, dtype=torch.float64)


def assert_same(actual: Tensor, expected: Tensor) -> None:
    """Hold two predictions against each other, as tightly as their precision allows."""
    tolerance = TOLERANCE[actual.dtype]
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def orthogonal(seed: int, determinant: int) -> Tensor:
    """Random orthogonal matrix (3, 3) of a determinant, 1 or -1."""
    q, _ = torch.linalg.qr(normal(3, 3, seed=seed))
    q[:, 0] *= determinant * torch.linalg.det(q).sign()
    turn: Tensor = q
    return turn


def turn_about(axis: int, angle: float) -> Tensor:
    """Rotation (3, 3) about a coordinate axis."""
    first, second = (k for k in range(3) if k != axis)
    turn = torch.eye(3, dtype=torch.float64)
    turn[first, first] = turn[second, second] = math.cos(angle)
    turn[first, second], turn[second, first] = -math.sin(angle), math.sin(angle)
    return turn


def moved(batch: Batch, q: Tensor, shift: Tensor) -> Batch:
    """Systems turned by `q` (3, 3) and shifted (3,)."""
    past = None if batch.past is None else batch.past @ q.t()
    return batch.at(batch.positions @ q.t() + shift, batch.velocities @ q.t(), past)


def deviation(
    model: DynamicsModel, batch: Batch, q: Tensor, shift: Tensor
) -> tuple[Tensor, Tensor]:
    """Prediction of the moved systems, and the moved prediction."""
    with torch.no_grad():
        there: Tensor = model(moved(batch, q, shift))
        return there, model(batch) @ q.t() + shift
