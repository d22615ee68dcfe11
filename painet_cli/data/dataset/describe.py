"""A prepared dataset in numbers: who moves, for how long, how far, and where it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import MANIFEST, Dataset, open_dataset
from painet_cli.data.dataset.manifest import Segment, SplitName
from painet_cli.data.dataset.splits import leak_fraction
from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.particles import Particles, residue_starts
from painet_cli.errors import RequestError

MOST_STEPS = 1000
"""Frames that the typical speed is measured over."""
_CHUNK = 100
SUMMARY = (
    "dataset",
    "name",
    "frames",
    "particles",
    "bonds",
    "segments",
    "windows",
    "split",
    "leak",
    "unit",
    "frame_time_s",
    "sha256",
)
"""Keys of a description that `painet prepare` prints."""


@dataclass(frozen=True)
class Stretch:
    """A segment: its first frame, its frames and the seconds between its ends."""

    name: str
    start: int
    frames: int
    time_s: float


@dataclass(frozen=True)
class SystemLine:
    """One of several systems: its size, its time and its windows."""

    name: str
    particles: int
    bonds: int
    frames: int
    frame_time_s: float
    windows: dict[SplitName, int]


@dataclass(frozen=True)
class Description:
    """All that `painet data show` says; lengths in `unit`."""

    dataset: str
    """Folder."""
    name: str
    sha256: str
    """Fingerprint of all that a result depends on."""
    files: dict[str, str]
    """sha256 by file."""
    bytes: int
    particles: int
    names: list[str]
    types: dict[str, int]
    """Number of particles by type; also types that no particle has."""
    elements: dict[str, int]
    """Number of particles by chemical symbol; empty where the source has none."""
    residues: dict[str, int]
    """Number of residues by name; empty where the source has none."""
    chains: dict[str, int]
    """Number of particles by chain; empty where the source has none."""
    bonds: int
    frames: int
    segments: int
    segment_list: list[Stretch]
    frame_time_s: float
    time_s: float
    """Sum of the segments' times."""
    unit: str
    length_in_metres: float
    up_axis: Axis | None
    split: str
    delta_frames: int
    """Frames from a window's start to its end."""
    window_s: float
    windows: dict[SplitName, int]
    leak: float
    """Share of test windows that overlap a training window."""
    extent: list[float]
    """Width of frame 0 along x, y and z."""
    radius_of_gyration: float
    """Of frame 0, all particles weighing the same."""
    rms_step: float | None
    """Root mean square distance of a particle from one frame to the next; None without a pair."""
    rms_speed_m_s: float | None
    """The same in metres a second, by which a wrong unit shows."""
    origin: dict[str, str]
    systems: list[SystemLine] = field(default_factory=list)
    """The systems, where there are several: sums above are of all, frame 0 is that of the first."""

    def plain(self) -> dict[str, Any]:
        """Everything as plain data, for JSON."""
        return asdict(self)

    def summary(self) -> dict[str, Any]:
        """What `painet prepare` says of it, as plain data."""
        plain = self.plain()
        return {key: plain[key] for key in SUMMARY} | {"notes": self.origin["notes"]}


def describe(dataset: Dataset) -> Description:
    """Describe a dataset; reads frame 0 and at most 1,000 pairs of consecutive frames."""
    manifest = dataset.manifest
    particles, units, split = manifest.particles, manifest.units, manifest.split
    systems = [dataset.only(number) for number in range(len(manifest.each_system))]
    first = systems[0].frames[0].astype(np.float64)
    rms_step, rms_speed = _rms_step(systems)
    apart_s = [one.frame_time_s for one in manifest.each_system]
    segments = [
        Stretch(one.name, one.start, one.length, (one.length - 1) * apart_s[one.system])
        for one in manifest.segments
    ]
    of_type = Counter(particles.types)
    return Description(
        dataset=str(dataset.folder),
        name=manifest.name,
        sha256=dataset.sha256,
        files=manifest.files,
        bytes=folder_bytes(dataset.folder),
        particles=len(particles.names),
        names=list(particles.names),
        types={name: of_type[index] for index, name in enumerate(particles.type_names)},
        elements=dict(Counter(particles.elements)),
        residues=dict(sum((_residues(one.manifest.particles) for one in systems), Counter())),
        chains=dict(Counter(particles.chains)),
        bonds=len(particles.bonds),
        frames=manifest.frame_count,
        segments=len(segments),
        segment_list=segments,
        frame_time_s=units.frame_time_s,
        time_s=sum(segment.time_s for segment in segments),
        unit=units.length,
        length_in_metres=units.length_in_metres,
        up_axis=manifest.up_axis,
        split=split.kind,
        delta_frames=split.delta_frames,
        window_s=split.delta_frames * units.frame_time_s,
        windows=split.counts,
        leak=leak_fraction(split),
        extent=np.ptp(first, axis=0).tolist(),
        radius_of_gyration=float(np.sqrt(first.var(axis=0).sum())),
        rms_step=rms_step,
        rms_speed_m_s=None if rms_speed is None else rms_speed * units.length_in_metres,
        origin=manifest.origin.model_dump(),
        systems=[_line(one) for one in systems] if manifest.systems else [],
    )


@dataclass(frozen=True)
class Listed:
    """A line of `painet data list`; without figures where the dataset cannot be opened."""

    name: str
    dataset: str
    bytes: int
    error: str | None = None
    """What is wrong with it."""
    frames: int | None = None
    particles: int | None = None
    segments: int | None = None
    windows: dict[SplitName, int] | None = None
    split: str | None = None
    label: str | None = None


def list_datasets(data_dir: Path) -> list[Listed]:
    """Look through the folders below `data_dir` that hold a manifest, in the order of their names.

    Every dataset is opened and checked; one that cannot be is listed with what is wrong.
    """
    if not data_dir.is_dir():
        return []
    return [_listed(path.parent) for path in sorted(data_dir.glob(f"*/{MANIFEST}"))]


def folder_bytes(folder: Path) -> int:
    """Size on disk of all files of a folder."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _listed(folder: Path) -> Listed:
    size = folder_bytes(folder)
    try:
        manifest = open_dataset(folder).manifest
    except RequestError as error:
        return Listed(folder.name, str(folder), size, error=error.what)
    return Listed(
        folder.name,
        str(folder),
        size,
        frames=manifest.frame_count,
        particles=len(manifest.particles.names),
        segments=len(manifest.segments),
        windows=manifest.split.counts,
        split=manifest.split.kind,
        label=manifest.origin.label,
    )


def _residues(particles: Particles) -> Counter[str]:
    if not particles.residues:
        return Counter()
    return Counter(particles.residues[first] for first in residue_starts(particles))


def _rms_step(systems: Sequence[Dataset]) -> tuple[float | None, float | None]:
    """Root mean square distance of a particle to the next frame, and its speed in lengths a second.

    Of at most `MOST_STEPS` pairs of frames, spread over all segments of all systems.
    """
    pairs = [_pairs(system.manifest.segments) for system in systems]
    total = sum(map(len, pairs))
    if total == 0:
        return None, None
    squares = squared_speeds = particles = 0.0
    for system, own in zip(systems, pairs, strict=True):
        if not len(own):
            continue
        count = max(1, round(min(MOST_STEPS, total) * len(own) / total))
        chosen = own[np.linspace(0, len(own) - 1, count).round().astype(int)]
        square = 0.0
        for begin in range(0, len(chosen), _CHUNK):  # a large protein's frames are much memory
            some = chosen[begin : begin + _CHUNK]
            step = system.frames[some + 1].astype(np.float64) - system.frames[some]
            square += float(np.square(step).sum())
        squares += square
        squared_speeds += square / system.manifest.units.frame_time_s**2
        particles += count * system.frames.shape[1]
    return float(np.sqrt(squares / particles)), float(np.sqrt(squared_speeds / particles))


def _pairs(segments: Sequence[Segment]) -> NDArray[np.int64]:
    """Frames that have a next one in their segment."""
    return np.concatenate([np.arange(s.start, s.stop - 1) for s in segments])


def _line(system: Dataset) -> SystemLine:
    manifest = system.manifest
    return SystemLine(
        name=manifest.name,
        particles=len(manifest.particles.names),
        bonds=len(manifest.particles.bonds),
        frames=manifest.frame_count,
        frame_time_s=manifest.units.frame_time_s,
        windows=manifest.split.counts,
    )
