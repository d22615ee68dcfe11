"""What a prediction starts from: particles and their known frames, read when asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.names import Axis, Treatment
from painet_cli.data.particles.particles import Particles
from painet_cli.data.units import same_time, time_text
from painet_cli.errors import RequestError, option

Kind = Literal["molecule", "motion", "dataset", "arrays"]
LARGEST_BYTES = 2**32
"""Frames of a prediction are held in memory: no more than these."""


@dataclass(frozen=True)
class Input:
    """Particles and the frames of their motion that are known.

    Attributes
    ----------
    name
        Stem of the files that are written.
    kind
        `molecule` where MDAnalysis read it, or an npz in MD17's schema; `motion` for motion
        capture; `dataset` for a prepared one; `arrays` for a library call.
    path
        The file or folder, where there is one.
    particles
        Who moves.
    frames
        (F, N, 3), F at least 1, in `length_unit`; float32, or float64 where the recording has that
        and lies so far from its origin that float32 would lose digits.
    frame_time_s
        Seconds between frames; None where the recording does not say, or has one frame.
    length_unit
        `angstrom`, `ASF unit` ...
    up_axis
        Direction of height, where there is one.
    first_frame
        Number in the recording of the first of `frames`: only those that are needed are read.
    breaks
        Indices into `frames` at which another recording begins; no motion crosses them.
    times_s
        (F,) times that the recording gives the frames, seconds; None where it does not say.
    velocities
        (F, N, 3) that the recording holds, in `length_unit` a second; NaN in a frame that has none,
        None where no frame has.
    boxes
        (F, 3, 3) edges of the periodic box, zero along which it is open; all are in a frame that
        has none, None where no frame has.
    origins
        (F, 3) corner of the box that its edges begin at; None where all are at 0.
    notes
        What the reader left out or changed, a sentence each, for the user to know.
    treatment
        What was done to the frames already.
    scaled
        What lengths of the file were multiplied by to be in `length_unit`.
    """

    name: str
    kind: Kind
    path: Path | None
    particles: Particles
    frames: NDArray[np.floating]
    frame_time_s: float | None
    length_unit: str
    up_axis: Axis | None = None
    first_frame: int = 0
    breaks: tuple[int, ...] = ()
    times_s: NDArray[np.float64] | None = None
    velocities: NDArray[np.floating] | None = None
    boxes: NDArray[np.float64] | None = None
    origins: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()
    treatment: tuple[Treatment, ...] = ()
    scaled: float = 1.0

    def follows(self, frames: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(S,) whether a frame of these indices has one before it in its recording."""
        return ~np.isin(frames, (0, *self.breaks))

    def start_times_s(self, starts: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Times of frames, (S,) by their indices; None where the recording does not say."""
        return None if self.times_s is None else self.times_s[starts]


@dataclass(frozen=True, eq=False)
class Frames:
    """Consecutive frames of some particles, as `Input` has them."""

    positions: NDArray[np.floating]
    times_s: NDArray[np.float64] | None = None
    velocities: NDArray[np.floating] | None = None
    boxes: NDArray[np.float64] | None = None
    origins: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Selected:
    """Some particles of a recording.

    Attributes
    ----------
    language
        The selection that named them.
    particles
        Who they are.
    indices
        (N,) their places among all particles of the recording.
    notes
        What was left out for this selection, a sentence each.
    """

    language: str
    particles: Particles
    indices: NDArray[np.int64]
    notes: tuple[str, ...] = ()


class Recording(ABC):
    """Something with known frames, of which no more is read than is asked for.

    Attributes
    ----------
    name, kind, path, length_unit, up_axis
        As `Input` has them.
    frame_count
        Frames in the recording.
    frame_time_s
        Seconds between them, where it says so.
    breaks
        Frames at which another recording begins.
    fingerprint
        sha256 that checkpoints know a prepared dataset by; empty for other recordings.
    notes, treatment, scaled
        As `Input` has them.
    """

    kind: Kind = "molecule"
    length_unit = "angstrom"
    up_axis: Axis | None = None
    breaks: tuple[int, ...] = ()
    fingerprint = ""
    notes: tuple[str, ...] = ()
    treatment: tuple[Treatment, ...] = ()
    scaled = 1.0

    def __init__(self, path: Path, frame_count: int, frame_time_s: float | None) -> None:
        self.path = path
        self.name = path.stem
        self.frame_count = frame_count
        self.frame_time_s = frame_time_s
        self._times_are_given = False
        self._of_times: tuple[str, ...] = ()

    def give_frame_time(self, frame_time_s: float) -> None:
        """Take these seconds between frames, instead of the times that the file gives them."""
        if self.frame_time_s is not None and not same_time(frame_time_s, self.frame_time_s):
            told = f"{time_text(frame_time_s)} between its frames are taken, as given"
            self._of_times = (f"{self.name}: {told}, in place of {time_text(self.frame_time_s)}",)
        self.frame_time_s = frame_time_s
        self._times_are_given = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        return

    @abstractmethod
    def select(self, language: str) -> Selected:
        """Choose particles by MDAnalysis' selection language, or `HEAVY`.

        Raises
        ------
        RequestError
            Nothing is selected, or what is has neither names nor elements.
        """

    @abstractmethod
    def _frames(self, first: int, stop: int, indices: NDArray[np.int64]) -> Frames:
        """Consecutive frames of some particles."""

    def read(self, selected: Selected, first: int = 0, stop: int | None = None) -> Input:
        """Read consecutive frames of the chosen particles.

        Parameters
        ----------
        first, stop
            Frames of the recording, as in a slice.

        Raises
        ------
        RequestError
            They cannot be read, are more than `LARGEST_BYTES`, or hold NaN or infinity.
        """
        first, stop, _ = slice(first, stop).indices(self.frame_count)
        size = 12 * (stop - first) * len(selected.indices)
        if size > LARGEST_BYTES:
            raise RequestError(
                f"{self.path}: {stop - first:,} frames of {len(selected.indices):,} particles take "
                f"{size / 2**30:.1f} GiB, more than {LARGEST_BYTES // 2**30}",
                f"choose fewer frames, such as {option('start', '0:1000:10')}",
            )
        read = self._frames(first, stop, selected.indices)
        frames = read.positions
        finite = np.isfinite(frames).all(axis=2)
        if not finite.all():
            frame, particle = np.argwhere(~finite)[0].tolist()
            raise RequestError(
                f"{self.path}: frame {first + frame} holds a coordinate that is NaN or infinite, "
                f"of particle {particle} ({selected.particles.names[particle]})",
                f"choose other frames with {option('start')}",
            )
        return Input(
            name=self.name,
            kind=self.kind,
            path=self.path,
            particles=selected.particles,
            frames=frames,
            frame_time_s=self.frame_time_s,
            length_unit=self.length_unit,
            up_axis=self.up_axis,
            first_frame=first,
            breaks=tuple(at - first for at in self.breaks if first < at < stop),
            times_s=None if self._times_are_given else read.times_s,
            velocities=read.velocities,
            boxes=read.boxes,
            origins=read.origins,
            notes=(*self._of_times, *self.notes, *selected.notes),
            treatment=self.treatment,
            scaled=self.scaled,
        )


def check_several(where: Path | str, count: int) -> None:
    """Refuse a single particle.

    Raises
    ------
    RequestError
        There are fewer than two.
    """
    if count < 2:
        raise RequestError(
            f"{where}: a single particle, and none that it moves with", "give a system of several"
        )
