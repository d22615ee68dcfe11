"""A system to predict, as a file, a dataset or arrays give it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.manifest import Axis, Particles
from painet_cli.errors import RequestError, option

Kind = Literal["molecule", "motion", "dataset", "arrays"]
HEAVY = "heavy"
"""Selection of all atoms but hydrogens, beside those of MDAnalysis' language."""
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
        (F, N, 3), F at least 1, in `length_unit`; float32, or float64 where the source has that and
        lies so far from its origin that float32 would lose digits.
    frame_time_s
        Seconds between frames; None where the source does not say, or has one frame.
    length_unit
        `angstrom`, `ASF unit` ...
    up_axis
        Direction of height, where there is one.
    first_frame
        Number in the source of the first of `frames`: only those that are needed are read.
    breaks
        Indices into `frames` at which another recording begins; no motion crosses them.
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


@dataclass(frozen=True, eq=False)
class Selected:
    """Some particles of a source.

    Attributes
    ----------
    language
        The selection that named them.
    particles
        Who they are.
    indices
        (N,) their places among all particles of the source.
    """

    language: str
    particles: Particles
    indices: NDArray[np.int64]


class Source(ABC):
    """Something with known frames, of which no more is read than is asked for.

    Attributes
    ----------
    name, kind, path, length_unit, up_axis
        As `Input` has them.
    frame_count
        Frames in the source.
    frame_time_s
        Seconds between them, where it says so.
    breaks
        Frames at which another recording begins.
    fingerprint
        sha256 that checkpoints know a prepared dataset by; empty for other
    """

    kind: Kind = "molecule"
    length_unit = "angstrom"
    up_axis: Axis | None = None
    breaks: tuple[int, ...] = ()
    fingerprint = ""

    def __init__(self, path: Path, frame_count: int, frame_time_s: float | None) -> None:
        self.path = path
        self.name = path.stem
        self.frame_count = frame_count
        self.frame_time_s = frame_time_s

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
    def _positions(self, first: int, stop: int, indices: NDArray[np.int64]) -> NDArray[np.floating]:
        """(stop - first, N, 3) positions of some particles in consecutive frames."""

    def read(self, selected: Selected, first: int = 0, stop: int | None = None) -> Input:
        """Read consecutive frames of the chosen particles.

        Parameters
        ----------
        first, stop
            Frames of the source, as in a slice.

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
        frames = self._positions(first, stop, selected.indices)
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
        )


def open_input(
    path: Path,
    *,
    topology: Path | None = None,
    frame_time_s: float | None = None,
    data_dir: Path | None = None,
    drop_extra: bool = False,
) -> Source:
    """Open a structure, a trajectory, a recorded motion or a prepared dataset.

    Parameters
    ----------
    path
        A file that MDAnalysis reads, an npz in MD17's schema, an AMC file, the folder of a prepared
        dataset or its name in `data_dir`.
    topology
        Names and bonds of a trajectory's atoms, or the ASF skeleton of an AMC file; by default the
        file itself, or the skeleton beside it.
    frame_time_s
        Seconds between frames, instead of what the file says.
    data_dir
        Where prepared datasets lie.
    drop_extra
        Take the first atoms of a trajectory that has more than its topology.

    Raises
    ------
    RequestError
        It is not there, damaged, of no known format, holds no coordinates or a single particle.
    """
    # MDAnalysis takes a second to import
    from painet_cli.prediction.inputs.input_sources import (
        MotionSource,
        NpzSource,
        PreparedSource,
        dataset_folder,
    )
    from painet_cli.prediction.inputs.molecule import MoleculeSource

    folder = dataset_folder(path, data_dir)
    source: Source
    if folder is not None:
        source = PreparedSource(folder)
    elif path.suffix.lower() in (".amc", ".asf"):
        source = MotionSource(path, topology)
    elif path.suffix.lower() == ".npz":
        source = NpzSource(path)
    else:
        source = MoleculeSource(path, topology, drop_extra=drop_extra)
    if frame_time_s is not None:
        source.frame_time_s = frame_time_s
    return source


def read_input(
    path: Path,
    *,
    topology: Path | None = None,
    select: str | None = None,
    frame_time_s: float | None = None,
    data_dir: Path | None = None,
    first: int = 0,
    stop: int | None = None,
) -> Input:
    """Read frames of a structure, a trajectory, a recorded motion or a prepared dataset.

    Parameters
    ----------
    path, topology, frame_time_s, data_dir
        As `open_input` takes them.
    select
        Particles, in MDAnalysis' selection language, or `heavy`; by default all.
    first, stop
        Frames, as in a slice: `first=-2` reads the last two and no others.

    Raises
    ------
    RequestError
        It cannot be opened, nothing is selected, or the frames cannot be read.
    """
    with open_input(
        path, topology=topology, frame_time_s=frame_time_s, data_dir=data_dir
    ) as source:
        return source.read(source.select(select or "all"), first, stop)
