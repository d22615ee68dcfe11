"""Any topology and trajectory that MDAnalysis reads, as a dataset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack, closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import Manifest, Origin, Units, end_to_end, segment_names
from painet_cli.data.dataset.origin import About, notes_of, source_of
from painet_cli.data.dataset.splits import Splitter, checked_split, split_windows
from painet_cli.data.formats.frame import Frame
from painet_cli.data.particles.names import Velocity
from painet_cli.data.sources.merge import prepare_together
from painet_cli.data.sources.options import (
    Center,
    DeltaFrames,
    DropExtra,
    FormatName,
    FrameTime,
    Horizon,
    OwnSplitting,
    Start,
    Stop,
    Stride,
    Superpose,
    Trajectories,
    Unwrap,
    window_frames,
)
from painet_cli.data.sources.plausible import check_atoms, check_bonds, in_order, time_notes
from painet_cli.data.sources.registry import DataSource, Destination, Source
from painet_cli.data.trajectories.atom_elements import with_hydrogens
from painet_cli.data.trajectories.frames import (
    Reading,
    chosen_frames,
    prepared_frames,
    time_between_frames,
)
from painet_cli.data.trajectories.reader import Trajectory, open_topology
from painet_cli.data.trajectories.topology import (
    altloc_note,
    incomplete_note,
    particles_of,
    select,
    unknown_note,
    virtual_note,
)
from painet_cli.data.trajectories.whole import connections
from painet_cli.data.units import seconds
from painet_cli.errors import RequestError, option

DELTA_FRAMES = 10
"""Frames of a window, where none are asked for."""


def prepare_trajectory(
    to: Destination,
    *,
    topology: Annotated[
        Sequence[Path], "Names and bonds: PDB, PSF, PRMTOP, GRO; again for every further system."
    ],
    name: Annotated[str, "Name of the dataset."],
    trajectory: Trajectories = (),
    select: Annotated[str, "Atoms, in MDAnalysis' selection language."] = "all",
    start: Start = 0,
    stop: Stop = None,
    stride: Stride = 1,
    unwrap: Unwrap = False,
    center: Center = False,
    superpose: Superpose = False,
    bond_length: Annotated[
        float | None, "Join atoms at most so many angstrom apart in frame 0."
    ] = None,
    drop_extra: DropExtra = False,
    frame_time: FrameTime = None,
    format: FormatName = None,  # noqa: A002 - what the command line calls it
    delta_frames: DeltaFrames = None,
    horizon: Horizon = 1,
    split: OwnSplitting = "blocks",
) -> Dataset:
    """Write one's own trajectories as a dataset, one segment a file.

    Several topologies are several systems, and every trajectory belongs to the one whose name its
    own begins with: `ethanol.pdb` and `ethanol-300K.dcd`.

    Parameters
    ----------
    to
        Where the dataset goes.
    topology, name, trajectory, select, start, stop, stride, unwrap, center, superpose, bond_length
        As annotated: these words are the help of `painet prepare trajectory`.
    drop_extra, frame_time, format, delta_frames, horizon, split
        As annotated.

    Raises
    ------
    RequestError
        As `write_trajectories` does; or a trajectory that belongs to none of several topologies.
    """
    write = partial(
        write_trajectories,
        reading=Reading(
            select=select,
            start=start,
            stop=stop,
            stride=stride,
            unwrap=unwrap,
            center=center,
            superpose=superpose,
            bond_length=bond_length,
            drop_extra=drop_extra,
            frame_time_s=seconds(frame_time) if frame_time else None,
            format_name=format,
        ),
        delta_frames=window_frames(delta_frames or DELTA_FRAMES, horizon),
        split=partial(split_windows, split, seed=1),
        velocity="before",  # which is what a prediction can know
    )
    if len(topology) == 1:
        return write(to, name, topology[0], trajectory)
    return prepare_together(
        to,
        name,
        {
            system: partial(write, name=system, topology=path, trajectories=own)
            for system, path, own in _by_topology(topology, trajectory)
        },
    )


def _by_topology(
    topologies: Sequence[Path], trajectories: Sequence[Path]
) -> list[tuple[str, Path, list[Path]]]:
    """Name, topology and trajectories of every system."""
    stems = [path.name.partition(".")[0] for path in topologies]
    for stem in stems:
        if stems.count(stem) > 1:
            raise RequestError(
                f"{option('topology')}: two of them are called {stem}",
                "name every topology after its system",
            )
    own: dict[str, list[Path]] = {stem: [] for stem in stems}
    for path in trajectories:
        fitting = [stem for stem in stems if path.name.startswith(stem)]
        if not fitting:
            raise RequestError(
                f"{option('trajectory', path)}: its name begins like that of no topology",
                "of several systems, ethanol-1.dcd goes with ethanol.pdb",
            )
        own[max(fitting, key=len)].append(path)
    bare = [stem for stem, files in own.items() if trajectories and not files]
    if bare:
        raise RequestError(
            f"{option('topology')} {bare[0]}: no trajectory has a name that begins like it",
            f"give one, such as {bare[0]}-1.dcd",
        )
    return [
        (re.sub(r"[^\w.-]", "-", stem), path, own[stem])  # a dataset's name holds no comma
        for stem, path in zip(stems, topologies, strict=True)
    ]


def write_trajectories(
    to: Destination,
    name: str,
    topology: Path,
    trajectories: Sequence[Path],
    *,
    reading: Reading,
    delta_frames: int,
    split: Splitter,
    about: About | None = None,
    velocity: Velocity = "next",
) -> Dataset:
    """Write trajectories as a dataset in angstrom, one segment a file.

    Velocities in the files are not used. No more than one frame of all atoms is held in memory.

    Parameters
    ----------
    to, name
        Where the dataset goes, and what it is called.
    topology
        Names and bonds of the atoms; its coordinates too, where there are no trajectories.
    trajectories
        Replicas of the same atoms.
    reading
        Which atoms and frames are read, and what is done with them.
    delta_frames
        Frames that are kept, from a window's start to its last target.
    split
        Shares out the windows.
    about
        What the dataset's `origin` says.
    velocity
        Difference that a window's velocity is, where a preset does not say.

    Raises
    ------
    RequestError
        A file is missing, damaged, or of an unknown format; the topology does not match; nothing
        is selected; there are too few frames; a coordinate is not finite; the periodic box cuts a
        molecule, or there is none to unwrap by; frames are in random order; the time between frames
        is unknown, or differs; or the folder cannot be written.
    """
    folder = to.folder(name)
    about = about or About()
    universe = open_topology(topology)
    open_frames = partial(
        Trajectory,
        topology=topology,
        atom_count=universe.atoms.n_atoms,
        drop_extra=reading.drop_extra,
        format_name=reading.format_name,
    )
    with ExitStack() as opened:
        paths = trajectories or [topology]
        files = [opened.enter_context(closing(open_frames(path))) for path in paths]
        chosen = [chosen_frames(file, reading) for file in files]
        frame_time_s = time_between_frames(files, reading)
        segments = end_to_end(segment_names([file.path for file in files]), map(len, chosen))
        shared_out = checked_split(split, segments, delta_frames)
        begin = files[0].frame(chosen[0][0])
        _load_frame(universe, begin)
        selected = select(universe, reading.select, topology)
        joined = connections(universe, begin, reading.bond_length)
        everyone = select(universe, "all", topology)  # each in one place
        for file, numbers in zip(files, chosen, strict=True):
            first_of_file = file.frame(numbers[0])
            check_atoms(file, first_of_file, everyone, joined, listed=reading.bond_length is None)
        frames = prepared_frames(files, chosen, selected.indices, reading, joined, to.progress)
        frames = in_order(frames, files, chosen, frame_time_s)
        first = next(frames)
        particles, bonds = particles_of(
            selected, begin.positions[selected.indices], reading.bond_length, topology, begin.box
        )
        particles = with_hydrogens(particles, selected)
        if reading.bond_length is None:
            check_bonds(particles, first, files[0].path, chosen[0][0])
        incomplete = incomplete_note(universe, topology)
        of_atoms = [
            bonds,
            altloc_note(universe, selected),
            virtual_note(universe, selected),
            unknown_note(universe, selected, reading.select),
            f"{incomplete}." if incomplete else "",
            *time_notes(files[0], chosen[0], particles, selected, frame_time_s),
        ]
        manifest = Manifest(
            name=folder.name,
            origin=Origin(
                source=source_of(about, topology, files),
                licence=about.licence,
                citation=about.citation,
                prepared_by=to.command,
                label=about.label,
                notes=notes_of(about, reading, files, of_atoms),
            ),
            units=Units(length="angstrom", length_in_metres=1e-10, frame_time_s=frame_time_s),
            velocity=velocity,
            treatment=reading.treatment,
            particles=particles,
            segments=segments,
            split=shared_out,
        )
        return write_dataset(folder, chain([first], frames), manifest, force=to.force)


def _load_frame(universe: Any, frame: Frame) -> None:
    """Give the universe coordinates: selections may ask where atoms are."""
    from MDAnalysis.lib.mdamath import triclinic_box

    dimensions = None if frame.box is None else triclinic_box(*frame.box)
    universe.load_new(frame.positions[None], dimensions=dimensions)


TRAJECTORY = DataSource(
    Source(
        name="trajectory",
        title="Your own trajectory",
        about="any topology and trajectory that MDAnalysis reads",
        licence="your own",
        citation="your own",
        datasets={
            "{name}": "painet prepare trajectory --topology FILE --trajectory FILE --name {name}"
        },
        preset="trajectory",
    ),
    prepare_trajectory,
)
