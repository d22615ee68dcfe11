"""How predicted motion capture is written: unit, rate, and the known frames before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.motion.length_units import METRES, METRES_OF
from painet_cli.data.units import time_text
from painet_cli.errors import RequestError, option
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.outputs.track import EvenlySpaced, Track

MOST_PAST = 10_000
"""Known frames before a start that are written, at most."""


@dataclass(frozen=True)
class MotionStyle:
    """How motion capture is written.

    Attributes
    ----------
    unit
        `m` or `cm`, of BVH and TRC; None for that of the file in BVH, and metres in TRC.
    rate
        Frames a second, `source` for those of the recording, None for the steps as predicted.
    past
        Whether the known frames before the start come first; then the rate is the recording's.
    """

    unit: str | None = None
    rate: float | str | None = None
    past: bool = False

    def resamples(self, track: Track, system: Input) -> bool:
        """Whether other frames than the steps are written: asked for, or to have one time step."""
        uneven = not track.is_even and system.frame_time_s is not None
        return self.rate is not None or self.past or uneven

    def metres_in(self, length_unit: str) -> float | None:
        """Metres in a unit of length; None where that is not known.

        Raises
        ------
        RequestError
            It is not, and `unit` asks for another.
        """
        metres = METRES_OF.get(length_unit)
        if metres is None and self.unit is not None:
            raise RequestError(
                f"{option('unit', self.unit)}: how long a {length_unit} is, is not known",
                f"leave {option('unit')} out",
            )
        return metres

    def scale(self, system: Input) -> float:
        """What positions are multiplied by to be in `unit`, else in that of the file."""
        if self.unit is None:
            return 1.0 / system.scaled
        return (self.metres_in(system.length_unit) or 1.0) / METRES[self.unit]

    def frames_of(self, track: Track, system: Input) -> EvenlySpaced:
        """The motion of a track as evenly spaced frames, in the unit of the system.

        Between predicted steps it follows a cubic spline.

        Raises
        ------
        RequestError
            The rate is the recording's, which does not say it.
        """
        if not self.resamples(track, system):
            return track.evenly_spaced()
        known_s = system.frame_time_s
        if self.rate in (None, "source") or self.past:
            if known_s is None:
                raise RequestError(
                    f"{system.name}: does not say the time between its frames",
                    f"give {option('frame_time', '10ms')}, or a number to {option('fps')}",
                )
            step = known_s
        else:
            step = 1 / float(self.rate or 1)
        count = int(np.floor(track.times_s[-1] / step + 1e-6))
        grid = np.arange(count + 1) * step
        from scipy.interpolate import make_interp_spline  # the one place that waits for it

        spline = make_interp_spline(
            track.times_s, track.frames, k=min(3, len(track.times_s) - 1), axis=0
        )
        frames = spline(grid)
        at = track.start - system.first_frame
        if track.title == "reference" and step == known_s:  # every frame of it is known
            frames = system.frames[at : at + count + 1]
        past = self._past(track, system) if self.past else track.frames[:0]
        said = f"{len(grid)} frames from the start on"
        if len(past):
            said = f"{len(past)} known frames before the start, then {said}"
        return EvenlySpaced(
            np.concatenate([past, frames]),
            None,
            track.begins_s - len(past) * step,
            step,
            f"{said}, {time_text(step)} apart",
            None,
        )

    @staticmethod
    def _past(track: Track, system: Input) -> NDArray[np.floating]:
        """Known frames before the start of a track, in its recording."""
        at = track.start - system.first_frame
        begins = [0, *(one for one in system.breaks if one <= at)]
        return system.frames[max(begins[-1], at - MOST_PAST) : at]


AS_PREDICTED = MotionStyle()
"""The steps as they are predicted, in the unit of the file."""


def motion_style(unit: str | None, fps: str | None, *, with_past: bool) -> MotionStyle:
    """Read a style as it is typed.

    Raises
    ------
    RequestError
        The unit is neither m nor cm, the rate no number from 1 to 1000, or both it and the past are
        given.
    """
    if unit not in (None, "m", "cm"):
        raise RequestError(f"{option('unit', unit)}: no unit of motion", "expected m or cm")
    rate: float | str | None = fps
    if fps not in (None, "source"):
        try:
            rate = float(fps)
        except ValueError:
            rate = 0.0
        if not 1 <= rate <= 1000:
            raise RequestError(
                f"{option('fps', fps)}: no rate", "expected frames a second, such as 30, or source"
            )
        if with_past:
            raise RequestError(
                f"{option('fps', fps)}: known frames have the rate of the recording",
                f"leave {option('fps')} or {option('with_past')} out",
            )
    return MotionStyle(unit, rate, with_past)
