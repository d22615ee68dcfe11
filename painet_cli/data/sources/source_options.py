"""Options of painet's own sources, as `prepare` takes them by keyword.

They are those of `painet prepare SOURCE`, whose `--help` says the same.
"""

# no `annotations` from __future__: as text, `Required` would not tell which keys must be given
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Required, TypedDict

PathLike = str | Path
SplitKind = Literal["published", "blocks", "random"]


class MocapOptions(TypedDict, total=False):
    """CMU motion capture."""

    subject: Required[int]
    """35 (walk) or 9 (run)."""
    source: PathLike | None
    """Files at hand: a folder, zip or npz; by default CMU's archive is downloaded."""


class MoleculeOptions(TypedDict, total=False):
    """MD17 and MD22."""

    molecule: Required[str]
    """Which one, `benzene`."""
    source: PathLike | None
    """The npz at hand; by default the official one is downloaded."""
    split: SplitKind | None
    """How windows are shared out; by default as published, where the file is the official one."""
    delta_frames: int | None
    """Frames from a window's start to its last target."""
    horizon: int
    """T, targets that must fit into a window."""
    frame_time: str | None
    """Time between frames, `0.5fs`."""
    hydrogens: bool
    """Keep them; else heavy atoms alone."""
    superpose: bool
    """Shift and turn every frame onto the first."""
    label: str | None
    """What tables call frames of another origin."""


class ReadingOptions(TypedDict, total=False):
    """Which frames of trajectories are read, and how."""

    start: int
    """First frame of every file."""
    stop: int | None
    """Frame of every file to stop before."""
    stride: int
    """Take every so many frames."""
    unwrap: bool
    """Make molecules whole, let them leave the periodic box."""
    center: bool
    """Put every frame's centroid at 0."""
    superpose: bool
    """Shift and turn every frame onto the first."""
    drop_extra: bool
    """Leave out atoms beyond those of the topology."""
    frame_time: str | None
    """Time between frames, where the files' is missing or wrong."""


class AdkOptions(ReadingOptions, total=False):
    """Adenylate kinase."""

    topology: PathLike | None
    """PSF; by default the official one is downloaded, with its trajectory."""
    trajectories: PathLike | Sequence[PathLike]
    """Runs of your own, to go with a topology."""
    name: str
    """Name of the dataset, `adk`."""
    delta_frames: int | None
    """Frames from a window's start to its last target, 50."""
    horizon: int
    """T, targets that must fit into a window."""
    split: SplitKind | None
    """How windows are shared out; by default the benchmark's rule."""


class TrajectoryOptions(ReadingOptions, total=False):
    """Your own molecules."""

    topology: Required[PathLike]
    """Names and bonds: PDB, PSF, PRMTOP, GRO."""
    name: Required[str]
    """Name of the dataset."""
    trajectories: PathLike | Sequence[PathLike]
    """Frames; every further file is a segment."""
    select: str
    """Atoms, in MDAnalysis' selection language."""
    bond_length: float | None
    """Join atoms at most so many angstrom apart in frame 0."""
    delta_frames: int | None
    """Frames from a window's start to its last target, 10."""
    horizon: int
    """T, targets that must fit into a window."""
    split: SplitKind | None
    """`blocks` (the default) or `random`."""


class NbodyOptions(TypedDict, total=False):
    """Charged particles, simulated."""

    particles: int
    """Particles of a system, 5."""
    seed: int
    """Of the simulations."""
    delta_frames: int | None
    """Frames from a window's start to its last target, 100."""
