"""The motion from one start frame, as files of one time step can hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.units import time_text


class EvenlySpaced(NamedTuple):
    """Frames that are one time step apart."""

    frames: NDArray[np.floating]
    velocities: NDArray[np.float64] | None
    first_time_s: float
    frame_time_s: float
    said: str
    """What they are, in words."""
    sigma: NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class Track:
    """The motion from one start frame, predicted or known.

    Attributes
    ----------
    title
        Which of the two, as names of files have it.
    start
        Number of the start frame.
    frames
        (1 + T, N, 3), the start frame first; fewer where later ones are not finite.
    times_s
        (1 + T,) seconds since the start.
    begins_s
        Seconds of the start on the recording's clock, 0 where it has none.
    lost
        Steps that were left out for a coordinate that is NaN or infinite.
    sigma
        (1 + T, N) radii that hold 90 % of the particles, nought at the start; None where they are
        not known.
    """

    title: Literal["predicted", "reference"]
    start: int
    frames: NDArray[np.floating]
    times_s: NDArray[np.float64]
    begins_s: float
    lost: int
    sigma: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        title: Literal["predicted", "reference"],
        start: int,
        begin: NDArray[np.floating],  # (N, 3)
        steps: NDArray[np.floating],  # (T, N, 3)
        times_s: NDArray[np.float64],  # (T,)
        begins_s: float = 0.0,
        radius: NDArray[np.float64] | None = None,  # (T, N)
    ) -> Track:
        """Join the start frame and the steps after it, up to the first that is not finite."""
        finite = np.isfinite(steps).all(axis=(1, 2))
        kept = len(steps) if finite.all() else int(finite.argmin())
        frames = np.concatenate([begin[None], steps[:kept]])
        times = np.concatenate([[0.0], times_s[:kept]])
        sigma = None
        if radius is not None:
            sigma = np.concatenate([np.zeros((1, radius.shape[1])), radius[:kept]])
        return cls(title, start, frames, times, begins_s, len(steps) - kept, sigma)

    @property
    def clock_s(self) -> NDArray[np.float64]:
        """Seconds on the recording's clock, (1 + T,)."""
        return self.begins_s + self.times_s

    @property
    def what(self) -> str:
        """Which motion this is, in words."""
        name = "prediction" if self.title == "predicted" else "what really came next"
        broken = f", which ends where {self.lost:,} steps are not finite" if self.lost else ""
        return f"{name} from frame {self.start}{broken}"

    def velocities(self) -> NDArray[np.float64] | None:
        """Differences to the next frame, of the last frame to the one before, (1 + T, N, 3).

        In unit of length a second; None of a single frame.
        """
        if len(self.frames) == 1:
            return None
        gaps = np.diff(self.times_s)[:, None, None]
        ahead = np.diff(self.frames.astype(np.float64), axis=0) / gaps
        return np.concatenate([ahead, ahead[-1:]])

    @property
    def is_even(self) -> bool:
        """Whether the steps are evenly spaced; the start may lie farther off."""
        gaps = np.diff(self.times_s)[1:]
        return bool(np.allclose(gaps, gaps[:1], rtol=1e-3, atol=0))

    def evenly_spaced(self) -> EvenlySpaced:
        """The frames that one time step can hold.

        Motion capture is predicted at the last steps of a window, so the start frame is farther
        from the first step than that is from the second: it is left out then.
        """
        gaps = np.diff(self.times_s)
        skip = 1 if len(gaps) > 1 and not np.isclose(gaps[0], gaps[1], rtol=1e-3, atol=0) else 0
        gaps = gaps[skip:]
        step = float(np.median(gaps)) if len(gaps) else 1e-12
        steps = len(self.frames) - 1
        counted = f"{steps} step{'s' if steps != 1 else ''}"
        if skip:
            said = (
                f"{counted}, {time_text(step)} apart, the first {time_text(self.times_s[1])} after "
                "the start; the start frame is left out, for the file has one time step"
            )
        else:
            said = f"the start frame and {counted}, {time_text(step)} apart"
        if not np.allclose(gaps, step, rtol=1e-3, atol=0):
            said += "; some are farther apart, prediction.npz has the times"
        velocities = self.velocities()
        return EvenlySpaced(
            self.frames[skip:],
            None if velocities is None else velocities[skip:],
            float(self.clock_s[skip]),
            step,
            said,
            None if self.sigma is None else self.sigma[skip:],
        )
