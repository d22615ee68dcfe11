"""Adenylate kinase: the benchmark's equilibrium trajectory, or runs of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np

from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import SPLITS, Segment, Split
from painet_cli.data.dataset.origin import About
from painet_cli.data.dataset.splits import split_windows
from painet_cli.data.sources.options import (
    Center,
    DeltaFrames,
    DropExtra,
    FrameTime,
    Horizon,
    Splitting,
    Start,
    Stop,
    Stride,
    Superpose,
    Trajectories,
    Unwrap,
    window_frames,
)
from painet_cli.data.sources.registry import DataSource, Destination, RemoteFile, Source
from painet_cli.data.sources.trajectory import write_trajectories
from painet_cli.data.trajectories.frames import Reading
from painet_cli.data.units import seconds
from painet_cli.errors import RequestError, option
from painet_cli.storage.atomic import file_sha256

DELTA_FRAMES = 50
"""12 ns of the equilibrium trajectory, whose frames are 240 ps apart."""
OWN_LABEL = "AdK, own trajectory"
_NOTES = (
    "The benchmark's sequential split makes 828 test windows of the official 4,187 frames; the "
    "878 that papers print are the frames left for them, the last 50 of which have nothing 50 "
    "frames later."
)


def prepare_adk(
    to: Destination,
    *,
    topology: Annotated[Path | None, "PSF; else the official one."] = None,
    trajectory: Trajectories = (),
    name: Annotated[str, "Name of the dataset."] = "adk",
    start: Start = 0,
    stop: Stop = None,
    stride: Stride = 1,
    unwrap: Unwrap = False,
    center: Center = False,
    superpose: Superpose = False,
    drop_extra: DropExtra = False,
    frame_time: FrameTime = None,
    delta_frames: DeltaFrames = None,
    horizon: Horizon = 1,
    split: Splitting = "published",
) -> Dataset:
    """Write the backbone of adenylate kinase as a dataset.

    Parameters
    ----------
    to
        Where the dataset goes.
    topology, trajectory
        Files at hand, both or neither; without, the official ones are fetched.
    name, start, stop, stride, unwrap, center, superpose, drop_extra, frame_time, horizon
        As annotated.
    delta_frames
        Frames from a window's start to its last target; 50 by default.
    split
        `published`: `sequential_split`, as the benchmark has it.

    Raises
    ------
    RequestError
        As `write_trajectories` does; or the files cannot be fetched.
    """
    window = window_frames(delta_frames or DELTA_FRAMES, horizon)
    to.folder(name)  # refuses before anything is downloaded
    if (topology is None) != (not trajectory):
        raise RequestError(
            f"{option('topology')} and {option('trajectory')} belong together",
            "give both, or neither",
        )
    if topology is None:
        from painet_cli.data.sources.fetch import fetch_files

        fetched = fetch_files("adk", to.downloading)
        topology, trajectory = fetched["topology"], (fetched["trajectory"],)
    kind = split or "published"
    return write_trajectories(
        to,
        name,
        topology,
        trajectory,
        reading=Reading(
            select="backbone",
            start=start,
            stop=stop,
            stride=stride,
            unwrap=unwrap,
            center=center,
            superpose=superpose,
            drop_extra=drop_extra,
            frame_time_s=seconds(frame_time) if frame_time else None,
        ),
        delta_frames=window,
        split=sequential_split if kind == "published" else partial(split_windows, kind, seed=1),
        about=_about(trajectory, kind),
    )


def _about(trajectories: Sequence[Path], kind: str) -> About:
    source = ADK.about
    known = [file.known_hash for file in source.downloads["adk"] if file.key == "trajectory"]
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
    parts = [tuple(part.tolist()) for part in np.split(starts, [train, val])]
    if not all(parts):
        longest = max(segment.length for segment in segments)
        raise RequestError(
            f"windows of {delta_frames} frames: {len(segments)} segments of up to {longest} frames "
            f"have room for {len(starts)}, too few to share out",
            f"give a smaller {option('delta_frames')}",
        )
    return Split(
        kind="published", delta_frames=delta_frames, **dict(zip(SPLITS, parts, strict=True))
    )


# sha256: MDAnalysisData's adk_equilibrium module. bytes: as others measured them for those hashes;
# 4,187 frames of 3,341 atoms with a box are 168,200,164 bytes and a header's 276.
ADK = DataSource(
    Source(
        name="adk",
        title="AdK equilibrium",
        about="adenylate kinase (apo, CHARMM27) in water at 300 K, 1 microsecond, 240 ps a frame",
        licence="CC BY 4.0",
        citation="S. Seyler, O. Beckstein, Molecular dynamics trajectory for benchmarking "
        "MDAnalysis, figshare (2017), doi:10.6084/m9.figshare.5108170.v1.",
        page="https://doi.org/10.6084/m9.figshare.5108170.v1",
        datasets={"adk": "painet prepare adk"},
        by_hand="give both with {topology} {trajectory}",
        downloads={
            "adk": [
                RemoteFile(
                    key="topology",
                    name="adk4AKE.psf",
                    urls=["https://ndownloader.figshare.com/files/8672230"],
                    bytes=789917,
                    known_hash="1aa947d58fb41b6805dc1e7be4dbe65c6a8f4690f0bd7fc2ae03e7bd437085f4",
                ),
                RemoteFile(
                    key="trajectory",
                    name="1ake_007-nowater-core-dt240ps.dcd",
                    urls=["https://ndownloader.figshare.com/files/8672074"],
                    bytes=168200440,
                    known_hash="598fcbcfcc425f6eafbe9997238320fcacc6a4613ecce061e1521732bab734bf",
                ),
            ]
        },
        preset="adk",
    ),
    prepare_adk,
)
