"""Recorded motion of a skeleton, as an input of a prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.acclaim import read_asf, read_motion
from painet_cli.data.particles.origin import kept_digits
from painet_cli.data.particles.particles import Particles
from painet_cli.data.sources.mocap import FRAME_TIME_S
from painet_cli.errors import RequestError, option
from painet_cli.prediction.inputs.described import ParticleRecording
from painet_cli.prediction.inputs.recording import Frames, check_several


class MotionRecording(ParticleRecording):
    """An AMC motion on its ASF skeleton, 120 frames a second."""

    kind = "motion"
    length_unit = "ASF unit"
    up_axis = "y"

    def __init__(self, path: Path, skeleton: Path | None) -> None:
        if path.suffix.lower() == ".asf":
            raise RequestError(
                f"{path}: a skeleton, which holds no motion",
                f"give a motion of it (.amc), and this with {option('topology')}",
            )
        bones = read_asf(skeleton or _skeleton_of(path))
        frames = read_motion(path, bones)
        super().__init__(path, len(frames), FRAME_TIME_S)
        self._all = kept_digits(frames, self.up_axis)
        self.first = self._all[0]
        self.particles = Particles(
            names=bones.names,
            types=tuple(range(len(bones.names))),
            type_names=bones.names,
            bonds=bones.bonds,
        )
        check_several(path, len(bones.names))

    def _frames(self, first: int, stop: int, indices: NDArray[np.int64]) -> Frames:
        return Frames(self._all[first:stop, indices])


def _skeleton_of(path: Path) -> Path:
    """The ASF file beside a motion: of its subject (35.asf for 35_01.amc), or the only one."""
    beside = sorted(p for p in path.parent.iterdir() if p.suffix.lower() == ".asf")
    subject = path.stem.partition("_")[0]
    same = [p for p in beside if p.stem in (subject, path.stem)]
    if len(same) == 1 or len(beside) == 1:
        return (same or beside)[0]
    raise RequestError(
        f"{path}: {'several skeletons' if beside else 'no skeleton'} (.asf) beside it",
        f"give the one it was recorded with: {option('topology', f'{subject}.asf')}",
    )
