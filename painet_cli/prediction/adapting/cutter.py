"""From a recording's frames to batches of windows, for what is fitted to them without a run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.offsets import Before
from painet_cli.data.particles.origin import is_far, places
from painet_cli.models.base import SystemSpec
from painet_cli.models.confidence.kept import by_start
from painet_cli.prediction.adapting.guesses import Guess
from painet_cli.prediction.inputs.recording import Input

_BATCH, _BATCH_PARTICLES = 100, 500_000
"""Windows, and their particles, side by side."""
_BEFORE = Before(0, "before")

Frames = NDArray[np.floating]
Numbers = NDArray[np.int64]


class Cutter:
    """Cuts batches from a recording's frames: a start, the frame before it, and its targets.

    A recording that begins far from the origin is moved there, and what is guessed moved back.

    Parameters
    ----------
    system
        The recording.
    hops
        Particles up to so many bonds apart are joined; 0 for what reads no edges.
    """

    def __init__(self, system: Input, hops: int = 2) -> None:
        self.names = system.particles.names
        kinds = {name: number for number, name in enumerate(dict.fromkeys(self.names))}
        self.spec = SystemSpec(tuple(kinds), hops, system.up_axis, 0, self.names)
        bonds = system.particles.bonds if hops else ()
        self.graph = bond_graph([kinds[name] for name in self.names], bonds, hops)
        first, up = system.frames[0], system.up_axis
        self._origin = places(first, up) if is_far(first, up) else None
        self._size = max(1, min(_BATCH, _BATCH_PARTICLES // len(self.names)))

    def __call__(self, frames: Frames, starts: Numbers, offsets: Numbers) -> list[Batch]:
        """Batches of windows at some starts."""
        at = np.concatenate([[0], _BEFORE.offsets, offsets])
        made = []
        for part in np.array_split(starts, -(-len(starts) // self._size)):
            cut = frames[part[:, None] + at]
            near = cut if self._origin is None else cut - self._origin
            windows = np.ascontiguousarray(near, dtype=np.float32)
            by_time = torch.from_numpy(windows).transpose(0, 1).flatten(1, 2)
            made.append(_BEFORE.batch(self.graph.repeat(len(part)), by_time))
        return made

    def guess(self, ask: Callable[[Batch], Tensor]) -> Guess:
        """From frames and starts to the positions that batches of them are said to come to."""
        said = self.spread(ask)
        if self._origin is None:
            return said
        origin = self._origin
        return lambda frames, starts: (said(frames, starts) + origin).astype(frames.dtype)

    def spread(self, ask: Callable[[Batch], Tensor]) -> Guess:
        """From frames and starts to what else is said of batches of them, wherever they lie."""

        def each(frames: Frames, starts: Numbers) -> Frames:
            batches = self(frames, starts, np.empty(0, dtype=np.int64))
            with torch.inference_mode():
                made = [by_start(ask(one), one) for one in batches]
            return np.concatenate(made).astype(frames.dtype)

        return each
