"""Datasets as trajectories: what MDAnalysis writes, other programs open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import Manifest, Segment
from painet_cli.data.trajectories.formats import PDB, Format, check_fits, format_of
from painet_cli.data.trajectories.writer import write_frames, write_topology
from painet_cli.data.units import time_text
from painet_cli.errors import RequestError, option
from painet_cli.storage.atomic import check_new_file, file_stem, new_file
from painet_cli.storage.progress import OnCount

EACH_SEGMENT = "{segment}"
"""Stands for the segment's name in the name of a file a segment."""


@dataclass(frozen=True, eq=False)
class Export:
    """A trajectory file, to be written or written.

    Attributes
    ----------
    path, topology
        The trajectory, and the PDB beside it that holds names and bonds.
    frames
        (F, N, 3) in the dataset's unit. Frame k is at k * `frame_time_s`.
    segments
        Segments that the frames are from, one after the other.
    """

    path: Path
    topology: Path | None
    frames: NDArray[np.float32]
    frame_time_s: float
    segments: list[Segment]

    def plain(self) -> dict[str, Any]:
        """What was written as plain data, for JSON."""
        return {
            "path": str(self.path),
            "topology": self.topology and str(self.topology),
            "frames": len(self.frames),
            "frame_time_s": self.frame_time_s,
            "segments": [segment.name for segment in self.segments],
            "bytes": self.path.stat().st_size,
        }


def export_trajectory(
    dataset: Dataset,
    path: Path,
    *,
    segment: str | None = None,
    start: int = 0,
    stop: int | None = None,
    stride: int = 1,
    topology: bool = True,
    force: bool = False,
    progress: OnCount | None = None,
) -> list[Export]:
    """Write a dataset's frames as a trajectory, and a PDB beside it with names and bonds.

    The numbers are the dataset's own: angstrom where it is in angstrom, otherwise its unit.

    Parameters
    ----------
    path
        Its ending names the format; `{segment}` in its name asks for a file a segment.
    segment
        Name or index of one segment; by default all, one after the other.
    start, stop, stride
        Frames of what is exported to one file, as in a slice.
    topology
        Whether the PDB is written; formats that hold bonds need none.
    force
        Replace files that are there already.

    Returns
    -------
    list[Export]
        What was written. Each file is written whole or not at all.

    Raises
    ------
    RequestError
        The ending, the segment or the frames do not exist, the format cannot hold the frames, or a
        file is there already or cannot be written.
    """
    kind = format_of(path)
    planned = [
        (
            Export(
                file,
                file.with_suffix(".pdb") if topology and not kind.bonds else None,
                _frames(system, own, slice(start, stop, stride)),
                stride * system.manifest.units.frame_time_s,
                own,
            ),
            system.manifest,
        )
        for file, system, own in _files(dataset, path, segment)
    ]
    exports = [export for export, _ in planned]
    total = sum(len(export.frames) for export in exports)
    for export in exports:
        _check(export, kind, force=force)
    ticks = count(1)

    def tick() -> None:
        if progress is not None:
            progress(next(ticks), total)

    for export, manifest in planned:
        _write(export, manifest, kind, tick)
    return exports


def _find(segments: Sequence[Segment], wanted: str) -> int:
    for index, segment in enumerate(segments):
        if segment.name == wanted:
            return index
    if wanted.isdecimal() and int(wanted) < len(segments):
        return int(wanted)
    known = ", ".join(segment.name for segment in segments[:6])
    raise RequestError(
        f"segment {wanted}: no such segment",
        f"there are {len(segments)}, by name or index from 0: {known}"
        f"{', ...' if len(segments) > 6 else ''}",
    )


def _files(
    dataset: Dataset, path: Path, wanted: str | None
) -> list[tuple[Path, Dataset, list[Segment]]]:
    """Files to write, each with the one system whose segments it holds."""
    manifest = dataset.manifest
    every = range(len(manifest.segments))
    chosen = every if wanted is None else [_find(manifest.segments, wanted)]
    systems = [dataset.only(number) for number in range(len(manifest.each_system))]
    own = [(one, segment) for one in systems for segment in one.manifest.segments]
    if EACH_SEGMENT not in path.name:
        first = manifest.segments[chosen[0]].system
        if manifest.segments[chosen[-1]].system != first:
            raise RequestError(
                f"dataset {manifest.name}: {len(systems)} systems, and {path.name} holds one",
                "put {segment} into the name for a file a segment, or choose one with --segment",
            )
        return [(path, systems[first], [own[index][1] for index in chosen])]
    files: dict[Path, tuple[Dataset, list[Segment]]] = {}
    for index in chosen:
        system, segment = own[index]
        name = file_stem(segment.name)
        file = path.with_name(path.name.replace(EACH_SEGMENT, name))
        if file in files:  # names may differ only in what a file's name cannot hold
            file = path.with_name(path.name.replace(EACH_SEGMENT, f"{name}-{index}"))
        files[file] = (system, [segment])
    return [(file, *held) for file, held in files.items()]


def _frames(dataset: Dataset, segments: Sequence[Segment], part: slice) -> NDArray[np.float32]:
    frames = dataset.frames[segments[0].start : segments[-1].stop]
    if len(frames[part]) == 0:
        raise RequestError(
            f"no frame from {part.start} to {part.stop}: there are {len(frames)} frames, from 0",
            f"choose frames with {option('start')} and {option('stop')}",
        )
    return frames[part]


def _check(export: Export, kind: Format, *, force: bool) -> None:
    """Refuse what cannot be written, before anything is."""
    for file in (export.path, export.topology):
        if file is not None:
            check_new_file(file, force=force)
    check_fits(export.path, export.frames, kind)
    if export.topology is not None:
        check_fits(export.topology, export.frames[:0], PDB)


def _write(export: Export, manifest: Manifest, kind: Format, tick: Callable[[], None]) -> None:
    """Write the files of one export; `tick` is called after every frame."""
    units, first = manifest.units, export.segments[0].name
    remarks = [
        f"{export.path.name}: painet's dataset {manifest.name}, {first}"
        + (f" and {len(export.segments) - 1} more segments" if len(export.segments) > 1 else ""),
        f"lengths in {units.length}, frames {time_text(export.frame_time_s)} apart",
    ]
    with ExitStack() as files:
        # The trajectory is the last to take its place: where it is, its topology is.
        staging = files.enter_context(new_file(export.path))
        if export.topology is not None:
            other = files.enter_context(new_file(export.topology))
            write_topology(other, manifest.particles, export.frames[0], remarks=remarks)
        write_frames(
            staging,
            kind,
            manifest.particles,
            export.frames,
            export.frame_time_s,
            remarks=remarks,
            tick=tick,
        )
