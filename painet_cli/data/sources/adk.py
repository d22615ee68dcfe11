"""Adenylate kinase: the benchmark's equilibrium trajectory, or runs of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import Segment, Split
from painet_cli.data.sources.registry import find_download
from painet_cli.data.sources.trajectory import About, Splitter, prepare_trajectory, split_windows
from painet_cli.data.trajectories.frames import Progress, Reading
from painet_cli.errors import RequestError
from painet_cli.storage.atomic import check_writable, file_sha256

if TYPE_CHECKING:
    from painet_cli.storage.download import Progress as FetchProgress

DELTA_FRAMES = 50
"""12 ns of the equilibrium trajectory, whose frames are 240 ps apart."""
OWN_LABEL = "AdK, own trajectory"
_NOTES = (
    "The benchmark's sequential split makes 828 test windows of the official 4,187 frames; the "
    "878 that papers print are the frames left for them, the last 50 of which have nothing 50 "
    "frames later."
)


def prepare_adk(
    folder: Path,
    topology: Path | None = None,
    trajectories: Sequence[Path] = (),
    *,
    reading: Reading | None = None,
    delta_frames: int = DELTA_FRAMES,
    kind: Literal["published", "blocks", "random"] = "published",
    seed: int = 1,
    progress: Progress = lambda done, total: None,
    force: bool,
    command: str,
) -> Dataset:
    """Write the backbone of adenylate kinase as a dataset.

    Parameters
    ----------
    folder
        Where the dataset goes.
    topology, trajectories
        Files at hand, both or neither; without, the official ones are fetched.
    reading
        Which frames are read and how; its selection is always the backbone.
    delta_frames
        Frames from a window's start to its last target.
    kind
        `published`: `sequential_split`, as the benchmark has it.
    seed
        Of the draw of the other kinds.
    progress, force, command
        As in `prepare_trajectory`.

    Raises
    ------
    RequestError
        As in `prepare_trajectory`; or the files cannot be fetched.
    """
    check_writable(folder, force=force)
    if (topology is None) != (not trajectories):
        raise RequestError("--topology and --trajectory belong together", "give both, or neither")
    if topology is None:
        topology, trajectories = official_files()
    split: Splitter = sequential_split
    if kind != "published":
        split = partial(split_windows, kind, seed=seed)
    return prepare_trajectory(
        topology,
        trajectories,
        folder,
        reading=replace(reading or Reading(), select="backbone"),
        delta_frames=delta_frames,
        split=split,
        about=_about(trajectories, kind),
        progress=progress,
        force=force,
        command=command,
    )


def official_files(progress: FetchProgress | None = None) -> tuple[Path, tuple[Path, ...]]:
    """Topology and trajectory of the benchmark, downloaded where they are not here yet.

    Raises
    ------
    PainetError
        They cannot be had; says how to get them by hand.
    """
    from painet_cli.data.sources.fetch import fetch_files

    fetched = fetch_files("adk", progress)
    return fetched["topology"], (fetched["trajectory"],)


def _about(trajectories: Sequence[Path], kind: str) -> About:
    source, remote = find_download("adk")
    known = [file.known_hash for file in remote if file.key == "trajectory"]
    own = [file_sha256(path) for path in trajectories if path.is_file()] != known
    return About(
        source="Adenylate kinase" if own else source.title,
        licence=About.licence if own else source.licence,
        citation=About.citation if own else source.citation,
        label=OWN_LABEL if own else "",
        notes=_NOTES if kind == "published" and not own else "",
    )


def sequential_split(segments: Sequence[Segment], delta_frames: int) -> Split:
    """Windows in order of time: the first 60 % train, the next 20 % validate, the rest test.

    F frames in one segment count as n = F - 1 - delta_frames windows, as in the published code of
    EGHN and EGNO; the windows of several segments are laid end to end and counted alike. The
    official 4,187 frames give 2,481, 827 and 828 windows of 50 frames. Papers print 878 test
    windows: the frames left, of which the last 50 have nothing 50 frames later, so that no such
    windows can be made.

    Neighbouring parts share the frames of the windows at their border.

    Raises
    ------
    RequestError
        A part would have no window.
    """
    room = (max(segment.length - delta_frames, 0) for segment in segments)
    starts = np.concatenate(
        [segment.start + np.arange(count) for segment, count in zip(segments, room, strict=True)]
    )[:-1]
    train, val = int(0.6 * len(starts)), int(0.8 * len(starts))
    parts = [part.tolist() for part in np.split(starts, [train, val])]
    if not all(parts):
        longest = max(segment.length for segment in segments)
        raise RequestError(
            f"windows of {delta_frames} frames: {len(segments)} segments of up to {longest} frames "
            f"have room for {len(starts)}, too few to share out",
            "give a smaller --delta-frames",
        )
    return Split(
        kind="published",
        delta_frames=delta_frames,
        train=tuple(parts[0]),
        val=tuple(parts[1]),
        test=tuple(parts[2]),
    )
