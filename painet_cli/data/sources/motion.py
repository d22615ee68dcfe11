"""Motion capture of one's own as a dataset: any skeleton or markers, one segment a take."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import (
    Manifest,
    Origin,
    Segment,
    Units,
    end_to_end,
    segment_names,
)
from painet_cli.data.dataset.origin import About
from painet_cli.data.dataset.splits import checked_split, split_windows
from painet_cli.data.motion.files import read_motion_file
from painet_cli.data.motion.length_units import METRES_OF, UNSAID
from painet_cli.data.motion.motion import Motion, check_extent, common_markers
from painet_cli.data.motion.plausible import with_likely_unit
from painet_cli.data.particles.lengths import bond_lengths
from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.origin import kept_digits
from painet_cli.data.particles.structure import BONE_TOLERANCE
from painet_cli.data.sources.options import (
    DeltaFrames,
    FrameTime,
    Horizon,
    OwnSplitting,
    Positional,
    window_frames,
)
from painet_cli.data.sources.registry import DataSource, Destination, Source
from painet_cli.data.trajectories.readable import MOTION as FORMATS
from painet_cli.data.trajectories.readable import format_of
from painet_cli.data.trajectories.reader import check_file
from painet_cli.data.units import same_time, seconds, time_text
from painet_cli.errors import RequestError, option
from painet_cli.storage.atomic import file_sha256
from painet_cli.storage.progress import OnCount

DELTA_FRAMES = 30
_BETWEEN_UNITS = (2.54, 12, 25.4, 30.48, 39.37, 10, 100, 1000)
"""How many of one unit of length another is: inches, feet, millimetres to metres."""
_UNITS = {"mm": "millimetre", "cm": "centimetre", "m": "metre", "in": "inch"}


def prepare_motion(
    to: Destination,
    *,
    files: Annotated[Sequence[Path], "Takes of one skeleton: AMC, BVH, TRC or C3D.", Positional()],
    name: Annotated[str, "Name of the dataset."],
    topology: Annotated[Path | None, "ASF skeleton of AMC files; else the one beside them."] = None,
    frame_time: FrameTime = None,
    up: Annotated[Axis | None, "Direction of height; else y, of C3D z."] = None,
    unit: Annotated[
        Literal["mm", "cm", "m", "in"] | None, "Unit of ASF or BVH; else CMU's, and cm."
    ] = None,
    delta_frames: DeltaFrames = None,
    horizon: Horizon = 5,
    split: OwnSplitting = "blocks",
) -> Dataset:
    """Write one's own motion capture as a dataset, one segment a take.

    Parameters
    ----------
    to
        Where the dataset goes.
    files, name, topology, up, unit, frame_time, delta_frames, horizon, split
        As annotated: these words are the help of `painet prepare motion`.

    Raises
    ------
    RequestError
        A file is missing, damaged or of no format of motion capture; takes differ in their joints,
        unit, vertical or rate; by the unit given a skeleton is as large as none is; there are too
        few frames; or the folder cannot be written.
    """
    folder = to.folder(name)
    takes = _read(files, topology, up, to.progress)
    check_alike(files, takes)
    check_one_scale(files, takes)
    frame_time_s = seconds(frame_time) if frame_time else common_frame_time(files, takes)
    check_different(files, takes)
    if unit is None:
        takes = [with_likely_unit(take, path.name) for take, path in zip(takes, files, strict=True)]
        check_alike(files, takes)
    segments = segments_of(segment_names(files), takes)
    first = takes[0]
    window = window_frames(delta_frames or DELTA_FRAMES, horizon)
    length = first.length_unit
    if unit:
        if length == "metre":
            raise RequestError(
                f"{option('unit', unit)}: {files[0]} says its unit itself",
                f"leave {option('unit')} out",
            )
        length = _UNITS[unit]
        for path, take in zip(files, takes, strict=True):
            check_extent(path, take.positions[0] * METRES_OF[length], option("unit", unit))
    manifest = Manifest(
        name=folder.name,
        origin=Origin(
            source="own motion capture: "
            + ", ".join(f"{path.name} (sha256 {file_sha256(path)})" for path in files),
            licence=About.licence,
            citation=About.citation,
            prepared_by=to.command,
            notes=" ".join(f"{note}." for take in takes for note in take.notes),
        ),
        units=Units(
            length=length,
            length_in_metres=METRES_OF[length],
            frame_time_s=frame_time_s,
        ),
        up_axis=first.up_axis,
        velocity="before",
        particles=first.particles,
        segments=segments,
        split=checked_split(partial(split_windows, split, seed=1), segments, window),
    )
    frames = kept_digits(np.concatenate([take.positions for take in takes]), first.up_axis)
    return write_dataset(folder, frames, manifest, force=to.force)


def _read(
    files: Sequence[Path], topology: Path | None, up: Axis | None, progress: OnCount
) -> list[Motion]:
    """Read every take; of formats that have markers, those that all have."""
    takes, kinds = [], set()
    for path in files:
        check_file(path)
        kind = format_of(path)
        kind.check_package(path)
        if kind.name not in FORMATS:
            raise RequestError(
                f"{path}: {kind.name} is no format of motion capture",
                f"expected {', '.join(FORMATS)}; molecules are `painet prepare trajectory`",
            )
        takes.append(read_motion_file(path, kind.name, topology, up))
        kinds.add(kind.name)
        progress(len(takes), len(files))
    return common_markers(takes) if kinds <= {"TRC", "C3D"} else takes


def segments_of(names: Sequence[str], takes: Sequence[Motion]) -> tuple[Segment, ...]:
    """A segment for every unbroken stretch of every take."""
    own: list[str] = []
    lengths: list[int] = []
    for name, take in zip(names, takes, strict=True):
        edges = [0, *take.breaks, len(take.positions)]
        lengths += np.diff(edges).tolist()
        own += [f"{name}-{k}" if take.breaks else name for k in range(1, len(edges))]
    return end_to_end(own, lengths)


def check_alike(files: Sequence[Path], takes: Sequence[Motion]) -> None:
    """Refuse takes of other joints, another unit or another vertical than the first.

    Raises
    ------
    RequestError
        One is.
    """
    first = takes[0]
    for path, take in zip(files, takes, strict=True):
        if take.length_unit != first.length_unit:
            raise RequestError(
                f"{path}: lengths in {take.length_unit}, those of {files[0]} in "
                f"{first.length_unit}",
                "prepare them apart",
            )
        if take.up_axis != first.up_axis:
            raise RequestError(
                f"{path}: {take.up_axis} is up, and {first.up_axis} in {files[0]}",
                f"say which it is in all of them with {option('up')}",
            )
        if (take.names, take.parents) != (first.names, first.parents):
            other = sorted({*take.names} ^ {*first.names})
            why = (
                f"only one has {', '.join(other[:5])}" if other else "they hang together otherwise"
            )
            raise RequestError(
                f"{path}: other joints than {files[0]}: {why}", "prepare each skeleton on its own"
            )


def check_one_scale(files: Sequence[Path], takes: Sequence[Motion]) -> None:
    """Refuse skeletons in a unit that is not said which are the first in another unit.

    Raises
    ------
    RequestError
        All bones of one are those of the first times 2.54, 10, 100 ..., or the inverse.
    """
    first, bones = takes[0], np.array(takes[0].bonds, dtype=np.int64)
    if first.length_unit not in UNSAID or not len(bones):
        return
    own = bond_lengths(first.positions[0], bones)
    long = own > 0
    for path, take in zip(files, takes, strict=True):
        ratios = bond_lengths(take.positions[0], bones)[long] / own[long]
        factor = float(np.median(ratios))
        of_units = [max(factor, 1 / factor) / one for one in _BETWEEN_UNITS] if factor > 0 else []
        same = np.abs(ratios - factor).max(initial=0.0) <= BONE_TOLERANCE * factor
        if same and any(abs(one - 1) <= BONE_TOLERANCE for one in of_units):
            raise RequestError(
                f"{path}: all its bones are {factor:.4g} times as long as those of {files[0]}, as "
                "if one were in another unit",
                "bring them to one unit, or prepare them apart",
            )


def check_different(files: Sequence[Path], takes: Sequence[Motion]) -> None:
    """Refuse a take that is there twice: its windows would be trained on and tested with.

    Raises
    ------
    RequestError
        One is.
    """
    for (path, take), (other, same) in combinations(zip(files, takes, strict=True), 2):
        if np.array_equal(take.positions, same.positions):
            raise RequestError(
                f"{other}: the same frames as {path}",
                "give each take once, or it is trained on and tested with",
            )


def common_frame_time(files: Sequence[Path], takes: Sequence[Motion]) -> float:
    """Seconds between frames, the same of all takes.

    Raises
    ------
    RequestError
        A file does not say it, or they differ.
    """
    times: list[float] = []
    for path, take in zip(files, takes, strict=True):
        if take.frame_time_s is None:
            raise RequestError(
                f"{path}: does not say the time between its frames",
                f"give it, such as {option('frame_time', '10ms')}",
            )
        times.append(take.frame_time_s)
        if not same_time(times[0], times[-1]):
            raise RequestError(
                f"{path}: {time_text(times[-1])} between frames, but {files[0]} has "
                f"{time_text(times[0])}",
                f"prepare them apart, or give {option('frame_time')} if the files are wrong",
            )
    return times[0]


MOTION = DataSource(
    Source(
        name="motion",
        title="Your own motion capture",
        about="AMC with ASF, BVH, TRC and C3D, any skeleton",
        licence="your own",
        citation="your own",
        datasets={"{name}": "painet prepare motion FILE... --name {name}"},
        preset="motion",
    ),
    prepare_motion,
)
