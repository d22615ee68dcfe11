"""The kernel (models/kernel) on a recording's own frames, in seconds and without a run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.config.schema import KernelConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import bond_graph
from painet_cli.data.batches.windows import Before
from painet_cli.models.base import SystemSpec
from painet_cli.models.confidence.kept import by_start
from painet_cli.models.kernel.model import fit_kernel
from painet_cli.prediction.adapting.blocks import Blocks, thinned
from painet_cli.prediction.adapting.guesses import Candidate
from painet_cli.prediction.inputs.recording import Input

_WINDOWS = 300
_BATCH = 100
_BEFORE = Before(0, "before")

Frames = NDArray[np.floating]
Numbers = NDArray[np.int64]


class Cutter:
    """Cuts batches from a recording's frames: a start, the frame before it, and its targets."""

    def __init__(self, system: Input) -> None:
        self.names = system.particles.names
        kinds = {name: number for number, name in enumerate(dict.fromkeys(self.names))}
        self.spec = SystemSpec(tuple(kinds), 2, system.up_axis, 0, self.names)
        self.graph = bond_graph([kinds[name] for name in self.names], system.particles.bonds, 2)

    def __call__(self, frames: Frames, starts: Numbers, offsets: Numbers) -> list[Batch]:
        """Batches of windows at some starts."""
        at = np.concatenate([[0], _BEFORE.offsets, offsets])
        made = []
        for part in np.array_split(starts, -(-len(starts) // _BATCH)):
            windows = np.ascontiguousarray(frames[part[:, None] + at], dtype=np.float32)
            by_time = torch.from_numpy(windows).transpose(0, 1).flatten(1, 2)
            made.append(_BEFORE.batch(self.graph.repeat(len(part)), by_time))
        return made


def kernel(cutter: Cutter, known: Frames, blocks: Blocks, offsets: Numbers) -> Candidate:
    """The kernel with the velocity from the frame before, fitted to some blocks."""
    learn, choose = (
        cutter(known, thinned(part, _WINDOWS), offsets) for part in (blocks.learn, blocks.choose)
    )
    model = fit_kernel(learn, choose, cutter.spec, KernelConfig(form="rbf"))

    def each(ask: Callable[[Batch], Tensor], frames: Frames, starts: Numbers) -> Frames:
        batches = cutter(frames, starts, offsets[:0])
        with torch.inference_mode():
            made = [by_start(ask(one), one) for one in batches]
        return np.concatenate(made).astype(frames.dtype)

    return Candidate(
        lambda frames, starts: each(model, frames, starts),
        spread=lambda frames, starts: each(model.deviations, frames, starts),
        again=lambda other: kernel(cutter, known, other, offsets),
    )
