"""Predictions that need no learning, each written once, for whoever holds a start.

They are what `painet predict` chooses among, and what every figure of `painet evaluate` stands
beside. A mean structure and the nearest window are what they take from other frames.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.particles.superpose import stretches, superposed
from painet_cli.models.kernel.ridge import squared_distances
from painet_cli.models.kernel.written import gather, write_inputs
from painet_cli.models.layers.body_frame import BodyFrame, Frames

Floats = NDArray[np.floating]

STILL, STRAIGHT = "nothing moves", "straight on"
RECENT, MEAN = "mean of the last frames", "mean structure"
MEAN_AS_IT_LIES = "mean structure, as it lies"
NEAREST, NEAREST_SUPERPOSED = "nearest window", "nearest window, superposed"
LAST = 10
"""Frames whose mean is a yardstick, the start's own included."""
_MOST_STRUCTURES, _FEWEST_STRUCTURES = 200, 20
_STRUCTURE_PARTICLES = 2_000_000
"""Particles of all frames that a mean structure is the mean of."""


def nothing_moves(
    x: Floats,  # (S, N, 3)
    steps: int,
) -> Floats:  # (S, T, N, 3)
    """X(0) at every step."""
    return np.broadcast_to(x[:, None], (len(x), steps, *x.shape[1:]))


def straight_on(
    x: Floats,  # (S, N, 3)
    velocities: Floats,  # (S, N, 3)
    offsets: NDArray[np.int64],  # (T,)
) -> Floats:  # (S, T, N, 3)
    """X(0) + t V(0)."""
    made: Floats = x[:, None] + offsets[:, None, None].astype(x.dtype) * velocities[:, None]
    return made


def mean_of_last(
    frames: Floats,  # (F, N, 3)
    starts: NDArray[np.int64],  # (S,)
    began: NDArray[np.int64] | int = 0,
) -> NDArray[np.float64]:  # (S, N, 3)
    """Mean of the last `LAST` frames; `began` is the first that may be looked at, of each start."""
    first = np.maximum(starts - LAST + 1, began)
    return np.stack(
        [
            np.mean(frames[a : b + 1], axis=0, dtype=np.float64)
            for a, b in zip(first.tolist(), starts.tolist(), strict=True)
        ]
    )


def mean_structure(frames: Floats) -> NDArray[np.float64]:
    """(N, 3) mean of frames, each superposed on the last."""
    most = max(min(_MOST_STRUCTURES, _STRUCTURE_PARTICLES // frames.shape[1]), _FEWEST_STRUCTURES)
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), most)).round().astype(int)
    total = np.zeros(frames.shape[1:])
    for some in stretches(len(chosen), frames.shape[1]):
        total += superposed(frames[chosen[some]], frames[-1]).sum(axis=0)
    return total / len(chosen)


class NearestWindow:
    """What became of the window whose start and velocity are nearest in a frame.

    Positions and velocities are each in units of their spread over the windows that are known, and
    all distances of a batch are one matrix product.

    Parameters
    ----------
    windows
        Batches of windows to look among, with their targets, of equal systems.
    frame
        In which windows are held against each other; `Room` where they are as they lie.
    places
        (S,) which of the windows, ascending.
    """

    def __init__(self, windows: Iterable[Batch], frame: BodyFrame, places: Tensor) -> None:
        self._frame = frame
        seen = gather(windows, frame, 0, places)
        spread = seen.inputs.sub(seen.inputs.mean(dim=0)).square().mean(dim=(0, 2, 3), keepdim=True)
        self._scale = torch.where(spread > 0, spread, 1.0).sqrt()
        self._inputs = (seen.inputs / self._scale).flatten(1)
        self._ahead = seen.inputs[:, None, 0] + seen.targets

    def __call__(
        self,
        batch: Batch,
        barred: Tensor | None = None,  # (B, S)
    ) -> Tensor:  # (T, M, 3)
        """What it predicts of the starts of a batch, from windows that are not barred to each."""
        frames = self._frame(batch)
        here = (write_inputs(batch, frames, 0) / self._scale).flatten(1)
        apart = squared_distances(here, self._inputs)
        nearest = (apart if barred is None else apart.masked_fill(barred, torch.inf)).argmin(dim=1)
        ahead = self._ahead[nearest].transpose(0, 1).flatten(1, 2)
        origin = frames.origin.index_select(0, batch.graph.system)
        made: Tensor = frames.back(ahead) + origin
        return made.to(batch.positions)


class Room(BodyFrame):
    """The frame of the room, in which a system lies where it lies."""

    def __init__(self) -> None:
        super().__init__(None)

    def forward(self, batch: Batch) -> Frames:
        """Origin and axes of the coordinates themselves."""
        count = batch.graph.num_systems
        axes = torch.eye(3, dtype=torch.float64).expand(count, 3, 3)
        return Frames(torch.zeros(count, 3, dtype=torch.float64), axes, batch.graph)
