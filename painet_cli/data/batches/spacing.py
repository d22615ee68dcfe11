"""The time between the frames of a window, drawn from a range where a preset gives one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.config.schema import DataConfig
from painet_cli.data.dataset.manifest import Manifest
from painet_cli.data.units import seconds, time_text
from painet_cli.errors import RequestError

_SAME = 1e-6  # relative; frame times are decimal numbers that binary ones do not meet


@dataclass(frozen=True)
class FrameTimes:
    """Range of seconds between the frames that a model may be given.

    Attributes
    ----------
    shortest, longest
        Both included.
    """

    shortest: float
    longest: float

    @property
    def bounds(self) -> tuple[float, float]:
        """Both ends, in seconds."""
        return self.shortest, self.longest

    def __contains__(self, frame_time_s: float) -> bool:
        """Whether frames so many seconds apart lie in the range."""
        return self.shortest * (1 - _SAME) <= frame_time_s <= self.longest * (1 + _SAME)

    def __str__(self) -> str:
        """`2 fs to 50 fs`."""
        return f"{time_text(self.shortest)} to {time_text(self.longest)}"

    def strides(self, frame_time_s: float) -> tuple[int, int]:
        """Fewest and most frames so many seconds apart that make one frame of a window."""
        fewest = np.ceil(self.shortest / frame_time_s * (1 - _SAME))
        return max(1, int(fewest)), int(self.longest / frame_time_s * (1 + _SAME))


def frame_times_of(data: DataConfig) -> FrameTimes | None:
    """Range of `data.delta_time`; None where there is none and every dataset has its own time.

    Raises
    ------
    RequestError
        The range is empty.
    """
    if data.delta_time is None:
        return None
    shortest, longest = map(seconds, data.delta_time)
    if shortest > longest:
        raise RequestError(
            f"data.delta_time: {data.delta_time[0]} is longer than {data.delta_time[1]}",
            "give the shorter time first",
        )
    return FrameTimes(shortest, longest)


@dataclass(frozen=True, eq=False)
class UsualErrors:
    """How large squared errors usually are after some time.

    Attributes
    ----------
    times_s, errors
        (K,) seconds, rising, and mean squared errors, squared unit of length.
    """

    times_s: NDArray[np.float64]
    errors: NDArray[np.float64]

    def after(
        self,
        times_s: NDArray[np.float64],  # (...)
    ) -> NDArray[np.float64]:  # (...)
        """Errors after these times; logarithms go straight from one to the next."""
        at = np.log(self.times_s)
        found: NDArray[np.float64] = np.exp(np.interp(np.log(times_s), at, np.log(self.errors)))
        return found


def draw_strides(
    bounds: NDArray[np.int64],  # (S, 2)
    seed: tuple[int, ...],
) -> NDArray[np.int64]:  # (S,)
    """Draw a whole number between the bounds of every window, evenly in its logarithm.

    Doubling a time is then as likely at the short end of a range as at the long one.
    """
    fewest, most = bounds.T
    drawn = np.random.default_rng(seed).random(len(fewest))
    strides = np.floor(fewest * ((most + 1) / fewest) ** drawn).astype(np.int64)
    bounded: NDArray[np.int64] = np.minimum(strides, most)
    return bounded


def strides_of(
    manifest: Manifest,
    segment: NDArray[np.int64],  # (S,)
    most: NDArray[np.int64],  # (S,)
    frame_times: FrameTimes,
) -> NDArray[np.int64]:  # (S, 2)
    """Fewest and most frames of the dataset that make one of a window, in its segment's system.

    Raises
    ------
    RequestError
        The split leaves no system room for the longest of the times.
    """
    systems = manifest.each_system
    ranges = np.array([frame_times.strides(one.frame_time_s) for one in systems], dtype=np.int64)
    own = ranges[np.array([one.system for one in manifest.segments])[segment]]
    if (most < own[:, 1]).all() and len(most):
        longest = max(
            int(stride) * systems[manifest.segments[k].system].frame_time_s
            for k, stride in zip(segment, most, strict=True)
        )
        raise RequestError(
            f"dataset {manifest.name}: its windows of {manifest.split.delta_frames} frames leave "
            f"room for {time_text(longest) if longest else 'nothing'} between frames, not for "
            f"{time_text(frame_times.longest)}",
            "end data.delta_time there, or prepare it with more --delta-frames",
        )
    return np.stack([own[:, 0], np.minimum(own[:, 1], most)], axis=1)


def check_one_time(manifest: Manifest) -> None:
    """Refuse systems of unlike time between frames, which a window would count alike."""
    times = {one.frame_time_s: one.name for one in manifest.systems}
    if len(times) > 1:
        (short, one), *_, (long, other) = sorted(times.items())
        raise RequestError(
            f"dataset {manifest.name}: frames are {time_text(short)} apart in {one}, "
            f"{time_text(long)} in {other}",
            "give the times that windows are to have: data.delta_time=[2fs, 50fs]",
        )
