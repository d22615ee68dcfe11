"""A network in the manner of siMLPe: layers along time on the cosine transform of the past.

Guo et al., "Back to MLP: A Simple Baseline for Human Motion Prediction", WACV 2023
(arXiv:2207.01567): maps over coordinates, residual maps over time with normalisation between, all
on the discrete cosine transform of the past frames, and the last frame added to what comes out. It
is a yardstick of this benchmark, not a model of painet: it knows no graph and one skeleton.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_BLOCKS = 12
_EPOCHS = 80
_BATCH = 64
_LR = 2e-3


class SiMlpe(nn.Module):
    """Maps past frames to future ones.

    Parameters
    ----------
    joints
        J.
    past, horizon
        Frames it is given, the start's own included, and frames it predicts.
    scale
        Length by which coordinates are divided.
    """

    dct: Tensor

    def __init__(self, joints: int, past: int, horizon: int, scale: float) -> None:
        super().__init__()
        width = 3 * joints
        self.scale = scale
        self.register_buffer("dct", cosine_transform(past))
        self.enter = nn.Linear(width, width)
        self.blocks = nn.ModuleList(_Block(width, past) for _ in range(_BLOCKS))
        self.leave = nn.Linear(width, width)
        self.ahead = nn.Linear(past, horizon)
        nn.init.zeros_(self.ahead.weight)
        nn.init.zeros_(self.ahead.bias)

    def forward(self, past: Tensor) -> Tensor:
        """Positions (B, T, J, 3) that follow past ones, (B, P, J, 3), the latest last."""
        count, frames, joints, _ = past.shape
        root = past[:, -1:, :1]
        x = ((past - root) / self.scale).reshape(count, frames, 3 * joints)
        x = self.enter(self.dct @ x)
        for block in self.blocks:
            x = block(x)
        moved = self.ahead((self.dct.T @ self.leave(x)).transpose(1, 2)).transpose(1, 2)
        ahead: Tensor = past[:, -1:] + self.scale * moved.unflatten(2, (joints, 3))
        return ahead


class _Block(nn.Module):
    """A residual map along time, normalised over coordinates."""

    def __init__(self, width: int, past: int) -> None:
        super().__init__()
        self.along_time = nn.Linear(past, past)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:  # (B, P, 3 J)
        y: Tensor = x + self.norm(self.along_time(x.transpose(1, 2)).transpose(1, 2))
        return y


def cosine_transform(count: int) -> Tensor:
    """(count, count) orthonormal DCT-II: rows are frequencies."""
    k = torch.arange(count, dtype=torch.float64)
    rows = torch.cos(math.pi / count * (k[None] + 0.5) * k[:, None]) * math.sqrt(2 / count)
    rows[0] /= math.sqrt(2)
    return rows.float()


def train_simlpe(
    past: Tensor,  # (S, P, J, 3)
    future: Tensor,  # (S, T, J, 3)
    val: tuple[Tensor, Tensor],
    up: int,
    *,
    seed: int = 1,
    epochs: int = _EPOCHS,
) -> SiMlpe:
    """Train on windows, each turned about the vertical at random; the best epoch on `val` is kept.

    The loss is the mean distance of joints and of their steps from frame to frame, as in the paper.

    Parameters
    ----------
    up
        Axis of height.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        scale = float((past - past[:, -1:, :1]).std())
        model = SiMlpe(past.shape[2], past.shape[1], future.shape[1], scale)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_LR, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    best, weights = math.inf, model.state_dict()
    for _ in range(epochs):
        model.train()
        order = torch.randperm(len(past), generator=generator)
        for first in range(0, len(order), _BATCH):
            part = order[first : first + _BATCH]
            turn = _turns(len(part), up, generator)
            x, y = (torch.einsum("bij,btnj->btni", turn, z[part]) for z in (past, future))
            loss = _loss(model(x), y)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        schedule.step()
        with torch.no_grad():
            error = float((model.eval()(val[0]) - val[1]).norm(dim=-1).mean())
        if error < best:
            best = error
            weights = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(weights)
    return model.eval()


def _loss(predicted: Tensor, truth: Tensor) -> Tensor:
    steps = predicted.diff(dim=1) - truth.diff(dim=1)
    loss: Tensor = (predicted - truth).norm(dim=-1).mean() + steps.norm(dim=-1).mean()
    return loss


def _turns(count: int, up: int, generator: torch.Generator) -> Tensor:
    """(count, 3, 3) rotations about an axis."""
    angle = 2 * math.pi * torch.rand(count, generator=generator)
    i, j = (k for k in range(3) if k != up)
    turn = torch.eye(3).repeat(count, 1, 1)
    turn[:, i, i] = turn[:, j, j] = angle.cos()
    turn[:, i, j], turn[:, j, i] = -angle.sin(), angle.sin()
    return turn
