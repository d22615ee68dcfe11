"""Sets of frames that are compared, and their halves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FrameSet:
    """T frames after each of S starts.

    Attributes
    ----------
    start
        (S, N, 3)
    frames
        (S, T, N, 3)
    times_s
        (T,) or (S, T) seconds from a start to its frames.
    """

    start: NDArray[np.floating]
    frames: NDArray[np.floating]
    times_s: NDArray[np.float64]

    @property
    def finite(self) -> NDArray[np.bool_]:
        """(S, T) frames whose positions are all numbers."""
        return np.asarray(np.isfinite(self.frames).all(axis=(2, 3)))

    @property
    def flat(self) -> NDArray[np.floating]:
        """(F, N, 3) those frames, one after the other."""
        return self.frames[self.finite]

    def halves(self) -> tuple[FrameSet, FrameSet]:
        """The earlier and the later half, of the starts or, from one start, of the steps."""
        starts, steps = self.frames.shape[:2]
        times = np.broadcast_to(self.times_s, (starts, steps))
        if starts > 1:
            at = starts // 2
            return (
                FrameSet(self.start[:at], self.frames[:at], times[:at]),
                FrameSet(self.start[at:], self.frames[at:], times[at:]),
            )
        at = max(1, steps // 2)
        return (
            FrameSet(self.start, self.frames[:, :at], times[:, :at]),
            FrameSet(
                self.frames[:, at - 1], self.frames[:, at:], times[:, at:] - times[:, at - 1, None]
            ),
        )
