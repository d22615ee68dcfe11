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
    """

    start: NDArray[np.floating]
    frames: NDArray[np.floating]

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
        if starts > 1:
            at = starts // 2
            return (
                FrameSet(self.start[:at], self.frames[:at]),
                FrameSet(self.start[at:], self.frames[at:]),
            )
        at = max(1, steps // 2)
        return (
            FrameSet(self.start, self.frames[:, :at]),
            FrameSet(self.frames[:, at - 1], self.frames[:, at:]),
        )
