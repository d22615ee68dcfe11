r"""What starts a model was trained on, and how far another lies from them.

A start is its positions and velocities in the body's own frame (`layers/body_frame.py`), each in
units of its spread over the training windows. How far it is from those windows is its leverage, the
variance of ridge regression on them:

.. math::
    d^2(z) = \frac1D\, (z - \bar z)^\top (C + \lambda)^{-1} (z - \bar z)

with the covariance C of the training starts: a bond that is stretched is far, though it moved
little. What is far is told by windows that were not trained on: `rank` is the share of those that
are nearer.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.windows import spread_out
from painet_cli.models.kernel.written import count_windows, places_in, write_inputs
from painet_cli.models.layers.body_frame import BodyFrame
from painet_cli.models.layers.fitted_buffers import FittedBuffers

_MOST_NUMBERS = 3_000_000
"""Coordinates that are kept of training starts."""
_MOST, _FEWEST = 500, 5
_RIDGE = 1e-3
"""lambda, in units of the mean variance."""
_SHAPES = {"scale": 1, "mean": 1, "basis": 2, "strength": 1, "usual": 1}


class Seen(FittedBuffers):
    """Training starts of systems with the same particles, in their frames.

    Attributes
    ----------
    scale
        (2,) spread of positions and of velocities.
    mean
        (D,) mean start, in these units.
    basis, strength
        (r, D) principal directions of the starts, and (r,) their variances.
    usual
        (V,) distances of windows that were not trained on, rising.
    """

    scale: Tensor
    mean: Tensor
    basis: Tensor
    strength: Tensor
    usual: Tensor

    def __init__(self, up: int | None, names: tuple[str, ...]) -> None:
        super().__init__()
        self.frame = BodyFrame(up, names)
        for name, dimensions in _SHAPES.items():
            self.register_buffer(name, torch.zeros((0,) * dimensions))

    def unlike(self) -> str | None:
        """What does not go together, as the base class has it."""
        columns, rank = 6 * len(self.frame.reference), len(self.strength)
        if not rank:
            return None
        fits = self.basis.shape == (rank, columns) and self.mean.shape == (columns,)
        return None if fits and self.scale.shape == (2,) else "starts and reference differ in size"

    @torch.no_grad()
    def fit(self, train: Iterable[Batch], val: Iterable[Batch]) -> bool:
        """Keep training starts; False where systems differ, or are too large to keep any."""
        self.frame.fit(train)
        particles = len(self.frame.reference)
        most = min(_MOST, _MOST_NUMBERS // (6 * particles)) if particles else 0
        count = count_windows(train)
        if min(most, count) < _FEWEST:
            return False
        chosen = places_in(train, spread_out(count, most))
        inputs = torch.cat([self._inputs(batch)[here] for batch, here in chosen])  # (m, 2, N, 3)
        spread = (inputs - inputs.mean(dim=0)).square().mean(dim=(0, 2, 3)).sqrt()
        self._set("scale", torch.where(spread > 0, spread, 1.0))
        columns = self._columns(inputs)
        self._set("mean", columns.mean(dim=0))
        _, sizes, basis = torch.linalg.svd(columns - columns.mean(dim=0), full_matrices=False)
        self._set("basis", basis)
        self._set("strength", sizes.square() / len(columns))
        self._set("usual", torch.cat([self.distances(batch) for batch in val]).sort().values)
        return True

    @torch.no_grad()
    def distances(self, batch: Batch) -> Tensor:  # (B,)
        """How far starts are from those that were trained on; about 1 for these."""
        away = self._columns(self._inputs(batch)) - self.mean.double()
        along = away @ self.basis.double().t()
        rest = (away.square().sum(dim=1) - along.square().sum(dim=1)).clamp(min=0.0)
        strength = self.strength.double()
        ridge = _RIDGE * max(float(strength.sum()) / away.shape[1], 1e-12)
        total = (along.square() / (strength + ridge)).sum(dim=1) + rest / ridge
        return (total / away.shape[1]).sqrt()

    @torch.no_grad()
    def rank(self, batch: Batch) -> Tensor:  # (B,)
        """Share of the windows not trained on that are nearer to what was; 1 beyond them all."""
        nearer = torch.searchsorted(self.usual.double(), self.distances(batch))
        return nearer.double() / max(len(self.usual), 1)

    def _inputs(self, batch: Batch) -> Tensor:  # (B, 2, N, 3)
        near = batch.to(self.frame.speed.device)
        return write_inputs(near, self.frame(near), 0)

    def _columns(self, inputs: Tensor) -> Tensor:  # (B, D)
        return (inputs / self.scale.double()[:, None, None]).flatten(1)
