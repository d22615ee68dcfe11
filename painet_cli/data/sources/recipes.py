"""Painet's own sources as one kind of function: a destination and options to a dataset.

The commands of `painet prepare` and `painet_cli.prepare` both call these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack

from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.sources.destination import Destination
from painet_cli.data.sources.registry import DataSource, own_source
from painet_cli.data.sources.source_options import PathLike, ReadingOptions, SplitKind
from painet_cli.errors import RequestError

if TYPE_CHECKING:
    from painet_cli.data.sources.md_collections import Choices, Collection
    from painet_cli.data.trajectories.frames import Reading

DELTA_FRAMES = 10
"""Frames of a window of one's own trajectory, where none are asked for."""


def mocap(to: Destination, *, subject: int, source: PathLike | None = None) -> Dataset:
    """CMU motion capture: subject 35 walking or subject 9 running."""
    from painet_cli.data.sources.mocap import prepare_mocap
    from painet_cli.data.sources.mocap_files import SUBJECTS

    folder = to.data_dir / (SUBJECTS[subject].dataset if subject in SUBJECTS else "mocap")
    return prepare_mocap(
        subject,
        None if source is None else Path(source),
        folder,
        force=to.force,
        command=to.command,
        progress=to.downloading,
    )


def md17(
    to: Destination,
    *,
    molecule: str,
    source: PathLike | None = None,
    split: SplitKind | None = None,
    delta_frames: int | None = None,
    horizon: int = 1,
    frame_time: str | None = None,
    hydrogens: bool = False,
    superpose: bool = False,
    label: str | None = None,
) -> Dataset:
    """MD17: a small molecule at 500 K, from the official npz or its like."""
    from painet_cli.data.sources.md17 import MD17
    from painet_cli.data.sources.md_collections import Choices

    choices = Choices(split, delta_frames, horizon, frame_time, hydrogens, superpose, label)
    return _molecule(MD17, to, molecule, source, choices)


def md22(
    to: Destination,
    *,
    molecule: str,
    source: PathLike | None = None,
    split: SplitKind | None = None,
    delta_frames: int | None = None,
    horizon: int = 1,
    frame_time: str | None = None,
    hydrogens: bool = False,
    superpose: bool = False,
    label: str | None = None,
) -> Dataset:
    """MD22: a molecule of 42 to 370 atoms, from the official npz or its like."""
    from painet_cli.data.sources.md22 import MD22
    from painet_cli.data.sources.md_collections import Choices

    choices = Choices(split, delta_frames, horizon, frame_time, hydrogens, superpose, label)
    return _molecule(MD22, to, molecule, source, choices)


def adk(
    to: Destination,
    *,
    topology: PathLike | None = None,
    trajectories: PathLike | Sequence[PathLike] = (),
    name: str = "adk",
    delta_frames: int | None = None,
    horizon: int = 1,
    split: SplitKind | None = "published",
    **reading: Unpack[ReadingOptions],
) -> Dataset:
    """Adenylate kinase's backbone: the benchmark's equilibrium run, or runs of your own."""
    from painet_cli.data.sources import adk as equilibrium

    window = _window(delta_frames or equilibrium.DELTA_FRAMES, horizon)
    folder = to.folder(name)
    files, top = _paths(trajectories), None if topology is None else Path(topology)
    if top is None and not files:
        top, files = equilibrium.official_files(to.downloading)
    return equilibrium.prepare_adk(
        folder,
        top,
        files,
        reading=_reading(reading),
        delta_frames=window,
        kind=split or "published",
        progress=to.progress,
        force=to.force,
        command=to.command,
    )


def trajectory(
    to: Destination,
    *,
    topology: PathLike,
    name: str,
    trajectories: PathLike | Sequence[PathLike] = (),
    select: str = "all",
    bond_length: float | None = None,
    delta_frames: int | None = None,
    horizon: int = 1,
    split: SplitKind | None = None,
    **reading: Unpack[ReadingOptions],
) -> Dataset:
    """Your own molecules: any topology and trajectories that MDAnalysis reads."""
    from painet_cli.data.sources.trajectory import prepare_trajectory, split_windows

    if split == "published":
        raise RequestError(
            "--split published: a trajectory of your own has none", "choose blocks or random"
        )
    kind: Literal["blocks", "random"] = "random" if split == "random" else "blocks"
    window = _window(delta_frames or DELTA_FRAMES, horizon)
    return prepare_trajectory(
        Path(topology),
        _paths(trajectories),
        to.folder(name),
        reading=replace(_reading(reading), select=select, bond_length=bond_length),
        delta_frames=window,
        split=lambda segments, length: split_windows(kind, segments, length, seed=1),
        progress=to.progress,
        force=to.force,
        command=to.command,
    )


def nbody(
    to: Destination, *, particles: int = 5, seed: int = 1, delta_frames: int | None = None
) -> Dataset:
    """Charged particles, simulated here: the benchmark of the EGNN line, nothing to download."""
    from painet_cli.data.sources import nbody as charges

    return charges.prepare_nbody(
        to.data_dir / "nbody",
        particles=particles,
        delta_frames=delta_frames or charges.DELTA_FRAMES,
        seed=seed,
        force=to.force,
        command=to.command,
        progress=to.progress,
    )


def sample(to: Destination) -> Dataset:
    """The small trajectory in the package: ethanol at MD17's conditions."""
    from painet_cli.data.sources.sample import prepare_sample

    return prepare_sample(to.data_dir / "sample", force=to.force, command=to.command)


MOCAP, MD17, MD22, ADK, TRAJECTORY, NBODY, SAMPLE = (
    DataSource(own_source(recipe.__name__), recipe)
    for recipe in (mocap, md17, md22, adk, trajectory, nbody, sample)
)


def _molecule(
    collection: Collection,
    to: Destination,
    molecule: str,
    source: PathLike | None,
    choices: Choices,
) -> Dataset:
    from painet_cli.data.sources.md_collections import prepare_molecule

    return prepare_molecule(
        collection,
        molecule,
        None if source is None else Path(source),
        to.data_dir / collection.dataset(molecule),
        choices,
        force=to.force,
        command=to.command,
        progress=to.downloading,
    )


def _window(delta_frames: int, horizon: int) -> int:
    """Frames of a window, which must be as many as its targets at least."""
    if horizon > delta_frames:
        raise RequestError(
            f"--horizon {horizon}: targets do not fit a window of --delta-frames {delta_frames}",
            "a window needs at least one frame for each target",
        )
    return delta_frames


def _paths(given: PathLike | Sequence[PathLike]) -> tuple[Path, ...]:
    """Files, of which one may stand alone."""
    return (Path(given),) if isinstance(given, PathLike) else tuple(map(Path, given))


def _reading(options: ReadingOptions) -> Reading:
    from painet_cli.data.trajectories.frames import Reading
    from painet_cli.data.units import seconds

    plain = {key: value for key, value in options.items() if key != "frame_time"}
    time = options.get("frame_time")
    made: Reading = replace(Reading(), **plain)  # type: ignore[arg-type]  # keys are Reading's
    return replace(made, frame_time_s=seconds(time) if time else None)
