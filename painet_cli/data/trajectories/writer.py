"""Frames of particles written by MDAnalysis: what it writes, other programs open."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from MDAnalysis.coordinates.core import get_writer_for
from MDAnalysis.lib.mdamath import triclinic_box
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles
from painet_cli.data.trajectories.formats import PDB, Format
from painet_cli.data.trajectories.guards.mda_errors import let_go, not_letters
from painet_cli.data.trajectories.universe import universe_of
from painet_cli.data.units import PICOSECOND

_KEPT_BACK = 2**16
"""More bytes than a library in C keeps back before it writes them."""


def write_frames(
    path: Path,
    kind: Format,
    particles: Particles,
    frames: NDArray[np.floating],  # (F, N, 3)
    frame_time_s: float,
    *,
    first_time_s: float = 0.0,
    velocities: NDArray[np.floating] | None = None,  # (F, N, 3)
    b_factors: NDArray[np.floating] | None = None,  # (F, N)
    box: NDArray[np.floating] | None = None,  # (3, 3)
    remarks: Sequence[str],
    tick: Callable[[], None] | None = None,
) -> None:
    """Write frames as one trajectory.

    Parameters
    ----------
    path
        Its ending may be any: `kind` is what is written.
    frames
        (F, N, 3), F at least 1; the numbers are written as angstrom, whatever they are.
    frame_time_s, first_time_s
        Frame k is at `first_time_s + k * frame_time_s`; DCD keeps the first as a whole number of
        the other.
    velocities
        (F, N, 3) in angstrom a picosecond; passed over where the format has none.
    b_factors
        (F, N) what the B-factor column of a PDB holds; passed over where the format has none.
    box
        (3, 3) edges of the periodic box of every frame, angstrom.
    remarks
        Lines at the head of a PDB; names that are cut to its columns are added.
    tick
        Called after every frame.
    """
    velocities = velocities if kind.velocities else None
    universe = universe_of(particles, frames, frame_time_s, velocities=velocities)
    names = universe.atoms.names.tolist()
    universe.atoms.names = short = kind.short_names(names)
    residues = universe.residues.resnames.tolist()
    universe.residues.resnames = cut = kind.short_names(residues)
    renamed = dict(zip([*names, *residues], [*short, *cut], strict=True))
    said = [*remarks, *(f"{own}: {name}" for name, own in renamed.items() if own != name)]
    # a file's name may hold what ends a line, or bytes that are no letters
    universe.trajectory.remarks = [
        "".join(letter if letter.isprintable() else "?" for letter in one) for one in said
    ]
    if kind is PDB and b_factors is not None:
        universe.add_TopologyAttr("tempfactors", b_factors[0].copy())
    dt = universe.trajectory.dt
    dimensions = None if box is None else triclinic_box(*box)
    options: dict[str, object] = {}
    if kind.name == "DCD":  # the others take the time of each frame
        options = {"dt": dt, "istart": round(first_time_s / frame_time_s)}
    elif kind.name == "NCDF":
        options = {"velocities": velocities is not None}
    elif kind is PDB:  # MDAnalysis would make an object of every bond, which takes seconds
        options = {"bonds": None}
    # The format by name, for the ending of a temporary file says nothing.
    writer_of = get_writer_for(path.name, format=kind.name, multiframe=len(frames) > 1)
    with warnings.catch_warnings():
        # MDAnalysis warns of every column it fills by default (no unit cell, no occupancy).
        warnings.simplefilter("ignore")
        try:
            writer = writer_of(str(path), n_atoms=len(names), **options)
        except UnicodeEncodeError as error:
            let_go(error)
            raise not_letters(path) from error
        try:
            with writer:
                for step in universe.trajectory:
                    if kind is PDB and b_factors is not None:
                        universe.atoms.tempfactors = b_factors[step.frame]
                    step.dimensions = dimensions
                    step.time = first_time_s / PICOSECOND + step.frame * dt
                    writer.write(universe.atoms)
                    if tick is not None:
                        tick()
                if kind is PDB:
                    for record in _bonds_of_each(particles):
                        writer.CONECT(record)
        except BaseException:
            writer.close = lambda: None  # as it is collected it would be closed, and fail, again
            raise
    if kind.name == "XYZ":
        _drop_empty_line(path)
    _check_room(path)


def _drop_empty_line(path: Path) -> None:
    """Take the empty line off the end of an XYZ file, where LAMMPS and others expect a frame."""
    with path.open("r+b") as file:
        end = file.seek(-2, os.SEEK_END)
        if file.read() == b"\n\n":
            file.truncate(end + 1)


def _check_room(path: Path) -> None:
    """Find a disk that filled up as a library in C wrote a file, for none of them says so.

    DCD passes over every write that fails, XTC, TRR and GRO over the last.

    Raises
    ------
    OSError
        The disk has no room for as much more as such a library keeps back.
    """
    with path.open("r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            if file.write(bytes(_KEPT_BACK)) < _KEPT_BACK:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        finally:
            with suppress(OSError):  # a device
                file.truncate(size)


def _bonds_of_each(particles: Particles) -> Iterator[list[int]]:
    """Numbers, from 1, of a particle and of up to four bonded to it, as PDB lists them."""
    near: dict[int, list[int]] = {}
    for i, j in particles.bonds:
        near.setdefault(i + 1, []).append(j + 1)
        near.setdefault(j + 1, []).append(i + 1)
    for number in sorted(near):
        for first in range(0, len(near[number]), 4):
            yield [number, *sorted(near[number])[first : first + 4]]


def write_topology(
    path: Path,
    particles: Particles,
    positions: NDArray[np.floating],  # (N, 3)
    *,
    box: NDArray[np.floating] | None = None,  # (3, 3)
    remarks: Sequence[str],
) -> None:
    """Write a PDB of one frame that holds names, residues, chains, elements and bonds.

    Positions too wide for PDB's columns are moved about the origin, or are zero where that does not
    help: names and bonds are what the file is for. PDB numbers at most 99,999 particles; of more,
    the numbers begin again, as most programs write and read them, and bonds are left out.

    Parameters
    ----------
    positions
        (N, 3) in angstrom.
    box
        (3, 3) edges of the periodic box, angstrom.
    """
    if not PDB.has_room(positions):
        positions = positions - (positions.min(axis=0) + positions.max(axis=0)) / 2
    if not PDB.has_room(positions):
        positions = np.zeros_like(positions)
    if len(positions) > PDB.most_particles:
        particles = particles.model_copy(update={"bonds": ()})
    write_frames(path, PDB, particles, positions[None], 1.0, box=box, remarks=remarks)
