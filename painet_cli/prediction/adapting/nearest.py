"""The nearest past windows (`prediction/yardsticks.py`) among a recording's own frames."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from painet_cli.data.batches.windows import spread_out
from painet_cli.models.kernel.written import count_windows
from painet_cli.models.layers.body_frame import BodyFrame
from painet_cli.prediction.adapting.blocks import Blocks, thinned
from painet_cli.prediction.adapting.cutter import Cutter
from painet_cli.prediction.adapting.guesses import Candidate
from painet_cli.prediction.adapting.lesson import Lesson
from painet_cli.prediction.yardsticks import (
    NEAREST,
    NEAREST_SUPERPOSED,
    NearestWindow,
    Room,
)

_MOST = 800
_MOST_PARTICLES = 1_000_000
"""Particles of all steps of all windows that the nearest is looked for among."""


def nearest_windows(lesson: Lesson, blocks: Blocks) -> dict[str, Candidate]:
    """Both, as it lies and superposed, among the windows to learn from.

    There is nothing to choose; fitted again, they look among the windows for that too.
    """
    system = lesson.system
    cutter = Cutter(system, hops=0)
    up = cutter.spec.up
    frames: dict[str, Callable[[], BodyFrame]] = {
        NEAREST: Room,
        NEAREST_SUPERPOSED: lambda: BodyFrame(up, cutter.names),
    }

    def among(name: str, known: NDArray[np.int64]) -> Candidate:
        most = _MOST_PARTICLES // (lesson.known.shape[1] * (2 + len(lesson.offsets)))
        starts = thinned(known, min(_MOST, most))
        windows, frame = cutter(lesson.known, starts, lesson.offsets), frames[name]()
        with torch.inference_mode():
            frame.fit(windows)
            nearest = NearestWindow(windows, frame, spread_out(count_windows(windows), _MOST))
        return Candidate(
            cutter.guess(nearest),
            again=lambda other: among(name, np.union1d(other.learn, other.choose)),
        )

    return {name: among(name, blocks.learn) for name in frames}
