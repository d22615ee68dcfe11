"""What starts a model was trained on, and how far another lies from the nearest of them.

A start is its positions and velocities in the body's own frame (`layers/body_frame.py`), each in
units of its spread over the training windows. What is far is told by windows that were not trained
on: `rank` is the share of those whose nearest training window is nearer.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.models.kernel.ridge import squared_distances
from painet_cli.models.kernel.written import count_windows, spread_out, write_inputs
from painet_cli.models.layers.body_frame import BodyFrame
from painet_cli.models.layers.fitted_buffers import FittedBuffers

_MOST_NUMBERS = 3_000_000
"""Coordinates that are kept of training starts."""
_MOST, _FEWEST = 500, 5


class Seen(FittedBuffers):
    """Training starts of systems with the same particles, in their frames.

    Attributes
    ----------
    starts
        (m, D) positions and velocities, in units of `scale`.
    scale
        (2,) spread of positions and of velocities.
    usual
        (V,) distances of windows that were not trained on to the nearest start, rising.
    """

    starts: Tensor
    scale: Tensor
    usual: Tensor

    def __init__(self, up: int | None, names: tuple[str, ...]) -> None:
        super().__init__()
        self.frame = BodyFrame(up, names)
        for name, dimensions in {"starts": 2, "scale": 1, "usual": 1}.items():
            self.register_buffer(name, torch.zeros((0,) * dimensions))

    def unlike(self) -> str | None:
        """What does not go together, as the base class has it."""
        fits = self.starts.shape[1] == 6 * len(self.frame.reference)
        return None if fits else "starts are of other particles than the reference"

    @torch.no_grad()
    def fit(self, train: Iterable[Batch], val: Iterable[Batch]) -> bool:
        """Keep training starts; False where systems differ, or are too large to keep any."""
        self.frame.fit(train)
        particles = len(self.frame.reference)
        most = min(_MOST, _MOST_NUMBERS // (6 * particles)) if particles else 0
        if most < _FEWEST:
            return False
        places = spread_out(count_windows(train), most)
        kept, first = [], 0
        for batch in train:
            count = batch.graph.num_systems
            here = places[(places >= first) & (places < first + count)] - first
            if len(here):
                kept.append(self._inputs(batch)[here])
            first += count
        inputs = torch.cat(kept)  # (m, 2, N, 3)
        spread = (inputs - inputs.mean(dim=0)).square().mean(dim=(0, 2, 3)).sqrt()
        self._set("scale", torch.where(spread > 0, spread, 1.0))
        self._set("starts", (inputs / self.scale[:, None, None]).flatten(1))
        self._set("usual", torch.cat([self.distances(batch) for batch in val]).sort().values)
        return True

    @torch.no_grad()
    def distances(self, batch: Batch) -> Tensor:  # (B,)
        """Root mean square distance of starts to the nearest that was trained on."""
        here = (self._inputs(batch) / self.scale[:, None, None]).flatten(1).double()
        nearest = squared_distances(here, self.starts.double()).min(dim=1).values
        return (nearest / here.shape[1]).sqrt()

    @torch.no_grad()
    def rank(self, batch: Batch) -> Tensor:  # (B,)
        """Share of the windows not trained on that are nearer to what was; 1 beyond them all."""
        inside = torch.searchsorted(self.usual.double(), self.distances(batch))
        return inside.double() / max(len(self.usual), 1)

    def _inputs(self, batch: Batch) -> Tensor:  # (B, 2, N, 3)
        near = batch.to(self.frame.speed.device)
        return write_inputs(near, self.frame(near), 0)
