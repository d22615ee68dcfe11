"""Recorded motion of a skeleton or of markers, as an input of a prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.motion.files import read_motion_file
from painet_cli.data.motion.plausible import with_likely_unit
from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.origin import kept_digits
from painet_cli.data.trajectories.reader import check_file
from painet_cli.prediction.inputs.described import ParticleRecording
from painet_cli.prediction.inputs.recording import Frames


class MotionRecording(ParticleRecording):
    """Motion capture: AMC on its ASF skeleton (120 frames a second), BVH, TRC or C3D.

    Parameters
    ----------
    path
        The file.
    skeleton
        ASF file of an AMC; None for the one beside it.
    format_name
        Its format, as `Readable` calls it.
    up_axis
        Direction of height; None for what the motion or its format says.
    """

    kind = "motion"

    def __init__(
        self, path: Path, skeleton: Path | None, format_name: str, up_axis: Axis | None
    ) -> None:
        check_file(path)
        motion = read_motion_file(path, format_name, skeleton, up_axis)
        super().__init__(path, len(motion.positions), motion.frame_time_s)
        self.length_unit, self.up_axis = motion.length_unit, motion.up_axis
        self.notes, self.breaks = motion.notes, motion.breaks
        self._motion = motion
        self.particles = motion.particles
        self._all = kept_digits(motion.positions, self.up_axis)
        self.first = self._all[0]

    def scale(self, factor: float, unit: str, whose: str) -> None:
        """Multiply all lengths, and call their unit so; `whose` says what it was taken from."""
        self.notes += (
            f"{self.path.name} does not say its unit of length: with lengths times {factor:.4g} "
            f"its bones are those of {whose}, so they are predicted in its {unit}",
        )
        self._all, self.length_unit, self.scaled = self._all * factor, unit, factor
        self.first = self._all[0]

    def guess_unit(self) -> None:
        """Take the unit of length that makes the skeleton as large as people, if none is said."""
        guessed = with_likely_unit(self._motion, self.path.name)
        self.length_unit, self.notes = guessed.length_unit, guessed.notes

    def _frames(self, first: int, stop: int, indices: NDArray[np.int64]) -> Frames:
        times_s = self._motion.times_s
        if times_s is None and self.frame_time_s is not None:
            times_s = np.arange(self.frame_count, dtype=np.float64) * self.frame_time_s
        times_s = None if times_s is None else times_s[first:stop]
        return Frames(self._all[first:stop, indices], times_s=times_s)
