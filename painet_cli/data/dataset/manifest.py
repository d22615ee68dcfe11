"""`dataset.json`: what a prepared dataset says about itself."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, PositiveFloat, model_validator

from painet_cli.data.particles.names import (
    Axis,
    Count,
    FileName,
    Index,
    Name,
    Section,
    Treatment,
    Velocity,
)
from painet_cli.data.particles.particles import Particles

SCHEMA_VERSION = 3
_FINGERPRINTED = 1
"""Schema whose fields a fingerprint covers: those of older datasets stay what they are."""
_UNCOVERED: dict[str, Any] = {
    **dict.fromkeys(
        ("name", "origin", "offset", "content_sha256", "velocity", "treatment", "reference"), True
    ),
    "particles": {"hydrogens", "insertions", "records"},
}
"""Fields that came later, or that no number of a result depends on."""
SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


class Segment(Section):
    """An unbroken stretch of frames (a trial, a replica); no window crosses its ends."""

    name: Name
    start: Index
    """First frame of the segment in `frames.npy`."""
    length: Count
    """Number of frames."""
    system: Index = 0
    """Which of the dataset's systems moves here."""
    types: tuple[Index, ...] | None = None
    """Particle types in this segment, where they are not the dataset's (charges drawn anew for
    every simulation)."""

    @property
    def stop(self) -> int:
        """The frame after its last one."""
        return self.start + self.length


def end_to_end(names: Iterable[str], lengths: Iterable[int]) -> tuple[Segment, ...]:
    """Segments of these names and lengths, one after the other from frame 0."""
    held = tuple(lengths)
    return tuple(
        Segment(name=name, start=start, length=length)
        for name, start, length in zip(names, accumulate(held[:-1], initial=0), held, strict=True)
    )


def segment_names(paths: Sequence[Path]) -> list[str]:
    """Names of files without their endings, told apart where they are the same."""
    names = [path.name.partition(".")[0] or path.name for path in paths]
    return [name if names.count(name) == 1 else f"{name}-{k + 1}" for k, name in enumerate(names)]


class Split(Section):
    """Start frames (indices into `frames.npy`) of the windows of each part."""

    kind: Literal["published", "blocks", "random", "systems"]
    delta_frames: Count
    """Longest window, in frames, that every start leaves room for inside its segment."""
    train: tuple[Index, ...]
    val: tuple[Index, ...]
    test: tuple[Index, ...]

    def starts(self, part: SplitName) -> tuple[int, ...]:
        """Start frames of one part, in the order of the split."""
        return {"train": self.train, "val": self.val, "test": self.test}[part]

    @property
    def counts(self) -> dict[SplitName, int]:
        """Number of windows of each part."""
        return {part: len(self.starts(part)) for part in SPLITS}


class Units(Section):
    """What one unit of `frames.npy` and one frame of it mean."""

    length: Name
    """Name of the length unit, as tables print it (`angstrom`, `ASF unit`)."""
    length_in_metres: PositiveFloat
    frame_time_s: PositiveFloat
    """Seconds between consecutive frames."""


class Origin(Section):
    """Where the numbers came from and what may be done with them."""

    source: str
    licence: str
    citation: str
    prepared_by: str
    """painet's version and the command that prepared the dataset."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Versions of painet, Python and the packages that read the source."""
    label: Name = ""
    """What tables call the data, where it is not the benchmark's own (`sGDML MD`)."""
    notes: str = ""


class System(Section):
    """One of several systems in a dataset: as many of its particles, after those before."""

    name: Name
    particles: Count
    """N, how many of the dataset's particles it has."""
    frame_time_s: PositiveFloat
    """Seconds between its consecutive frames."""


class Manifest(Section):
    """Everything about a prepared dataset except its coordinates."""

    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    name: Name
    origin: Origin
    units: Units
    up_axis: Axis | None = None
    """Direction of height above ground, where the system has one."""
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Where the origin of `frames.npy` lies in the source; not zero where the source is so far from
    its own origin that float32 would lose digits."""
    velocity: Velocity = "next"
    """What `data.velocity` is where a preset does not say: `next` as the published benchmarks have
    it, `before` for one's own recordings, which is what a prediction can know."""
    treatment: tuple[Treatment, ...] = ()
    """What was done to the frames of the source: molecules made whole and followed out of the box,
    centroids put at the origin, frames turned onto one of them."""
    reference: Index = 0
    """Frame that the others were superposed on, where they were."""
    particles: Particles
    """Those of all systems, one system after the other; no bond joins two systems."""
    systems: tuple[System, ...] = ()
    """The systems, where there are several; `frames.npy` then holds (rows, 3), the particles of one
    frame after those of the frame before. Empty: all particles are one system."""
    segments: tuple[Segment, ...]
    """Those of one system lie together, in the order of the systems."""
    split: Split
    files: dict[FileName, str] = Field(default_factory=dict)
    """sha256 of every other file of the folder, filled in as they are written."""
    content_sha256: str = ""
    """Digest of all the rest, by which `painet verify` knows it; empty in schema 1."""

    @property
    def frame_count(self) -> int:
        """Frames of all segments together."""
        return sum(segment.length for segment in self.segments)

    @property
    def each_system(self) -> tuple[System, ...]:
        """The systems, of which there is at least one."""
        return self.systems or (
            System(
                name=self.name,
                particles=len(self.particles.names),
                frame_time_s=self.units.frame_time_s,
            ),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of `frames.npy`: (frames, particles, 3), or (rows, 3) of several systems."""
        if not self.systems:
            return (self.frame_count, len(self.particles.names), 3)
        return (sum(s.length * self.systems[s.system].particles for s in self.segments), 3)

    def segment_at(self, frames: ArrayLike) -> NDArray[np.int64]:
        """Number of the segment that each frame of `frames.npy` is in, of their shape."""
        first = [segment.start for segment in self.segments]
        return np.asarray(np.searchsorted(first, frames, side="right") - 1)

    def began_at(self, frames: ArrayLike) -> NDArray[np.int64]:
        """First frame of the segment that each frame is in, of their shape."""
        return np.array([segment.start for segment in self.segments])[self.segment_at(frames)]

    def fingerprint(self) -> str:
        """Hex sha256 of all that a result depends on: not the name, the origin or the offset."""
        covered = self.model_copy(update={"schema_version": _FINGERPRINTED})
        left_out = dict(_UNCOVERED)
        if not self.systems:  # as in the schemas that had one system alone
            left_out |= {"systems": True, "segments": {"__all__": {"system"}}}
        content = covered.model_dump_json(exclude=left_out)
        return hashlib.sha256(content.encode()).hexdigest()

    @model_validator(mode="after")
    def _systems_fit(self) -> Self:
        if not self.systems:
            if any(segment.system for segment in self.segments):
                raise ValueError("a segment names a system, and the dataset has one alone")
            return self
        sizes = [system.particles for system in self.systems]
        if sum(sizes) != len(self.particles.names):
            raise ValueError(f"{len(self.particles.names)} particles, but {sum(sizes)} in systems")
        if len({system.name for system in self.systems}) < len(sizes):
            raise ValueError("two systems have one name")
        order = [segment.system for segment in self.segments]
        if sorted({*order}) != list(range(len(sizes))) or order != sorted(order):
            raise ValueError("segments are not those of every system, one system after the other")
        if any(segment.types is not None for segment in self.segments):
            raise ValueError("types that differ by segment are for a dataset of one system")
        ends = list(accumulate(sizes))
        for i, j in self.particles.bonds:
            if bisect_right(ends, i) != bisect_right(ends, j):
                raise ValueError(f"bond ({i}, {j}) joins two systems")
        return self

    @model_validator(mode="after")
    def _windows_fit(self) -> Self:
        end = 0
        for segment in self.segments:
            if segment.start != end:
                raise ValueError(
                    f"segment {segment.name} starts at {segment.start}, expected {end}"
                )
            end = segment.stop
            self._check_types(segment)
        ends = [segment.stop for segment in self.segments]
        for part in SPLITS:
            for start in self.split.starts(part):
                inside = bisect_right(ends, start)
                if inside == len(ends) or start + self.split.delta_frames >= ends[inside]:
                    raise ValueError(
                        f"{part} window at frame {start} does not fit {self.split.delta_frames} "
                        "frames inside its segment"
                    )
        return self

    def _check_types(self, segment: Segment) -> None:
        if segment.types is None:
            return
        n, known = len(self.particles.names), len(self.particles.type_names)
        if len(segment.types) != n or max(segment.types) >= known:
            raise ValueError(f"segment {segment.name}: expected {n} particle types below {known}")


def _second(content: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 keeps where the source lay, what versions read it, and a digest of itself."""
    origin = {**content["origin"], "versions": {}}
    return {**content, "origin": origin, "offset": (0.0, 0.0, 0.0)}


def _third(content: dict[str, Any]) -> dict[str, Any]:
    """Schema 3 keeps which velocity is the default, what was done to the frames, and hydrogens.

    It may hold several systems.
    """
    return {**content, "velocity": "next", "treatment": ()}


UPGRADES = {1: _second, 2: _third}
