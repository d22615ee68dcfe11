"""Topologies and trajectories of any format that is read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.frame import Frame, FrameReader, is_unwritten
from painet_cli.data.formats.lammps_dump import DumpReader
from painet_cli.data.formats.mmcif import refuse_crystal
from painet_cli.data.particles.bonds import FARTHEST
from painet_cli.data.trajectories.atom_elements import listed_bonds
from painet_cli.data.trajectories.guards.claims import check_claims
from painet_cli.data.trajectories.guards.mda_errors import mdanalysis
from painet_cli.data.trajectories.lammps_data import data_units
from painet_cli.data.trajectories.mda_reader import (
    MdaReader,
    mda_name,
    mda_options,
    mda_source,
)
from painet_cli.data.trajectories.own_formats import OWN
from painet_cli.data.trajectories.readable import (
    MOTION,
    TOPOLOGIES,
    TRAJECTORIES,
    Readable,
    format_of,
)
from painet_cli.errors import RequestError, option

REPEATED = (
    "a simulation that was restarted writes frames again: leave one of the two out (`gmx trjcat` "
    "does)"
)
"""What to do where two frames have one time."""
_SMALLEST_BOX = 2.0
"""Angstrom that the longest edge of a cell has at least."""
_NO_COORDINATES = ("PSF", "PRMTOP", "ITP")
_NO_NAMES = (*MOTION, "NPZ")
"""Formats of no atoms, or without their names, that other readers take."""


def open_topology(path: Path, format_name: str | None = None) -> Any:
    """Universe of a topology, without coordinates and with nothing guessed.

    Parameters
    ----------
    format_name
        What the user calls its format; else its name or its first bytes tell.

    Raises
    ------
    RequestError
        It is missing, empty, of an unknown format, or not what its name says.
    """
    import MDAnalysis

    from painet_cli.data.trajectories.universe import bare_universe

    check_file(path)
    kind = format_of(path, format_name)
    kind.check_package(path)
    if kind.name in _NO_NAMES:
        raise _no_topology(path, kind)
    check_claims(path, kind.name)
    if kind.name == "MMCIF":
        refuse_crystal(path)
    particles = OWN[kind.name].particles(path) if kind.name in OWN else None
    if particles is not None:
        universe = bare_universe(particles)
    else:
        try:
            parser = MDAnalysis.topology.core.get_parser_for("", mda_name(kind))
        except (ValueError, TypeError) as error:
            raise _no_topology(path, kind) from error
        source = mda_source(path, kind)
        with mdanalysis(path, kind.mends()), parser(source) as topology:
            universe = MDAnalysis.Universe(topology.parse(**mda_options(path, kind)), to_guess=())
    if kind.name == "MOL2":  # which calls a residue by its name and number: ALA2
        universe.residues.resnames = [
            name.removesuffix(str(number)) or name
            for name, number in zip(
                universe.residues.resnames, universe.residues.resids.tolist(), strict=True
            )
        ]
    if universe.atoms.n_atoms == 0:
        raise RequestError(f"{path}: holds no atoms", f"expected a topology: {TOPOLOGIES}")
    with mdanalysis(path, kind.mends()):
        ends = listed_bonds(universe)
    apart = not (ends[:, 0] == ends[:, 1]).any()
    if len(ends) and not (apart and 0 <= ends.min() <= ends.max() < universe.atoms.n_atoms):
        raise RequestError(
            f"{path}: a bond does not join two of its {universe.atoms.n_atoms:,} atoms",
            kind.mends(),
        )
    universe.filename = str(path)
    return universe


class NoTopologyError(RequestError):
    """A file holds no names of atoms: a trajectory alone, say."""


def _no_topology(path: Path, kind: Readable) -> NoTopologyError:
    return NoTopologyError(
        f"{path}: {kind.name} holds no names of atoms", f"expected a topology: {TOPOLOGIES}"
    )


class NoCoordinatesError(RequestError):
    """A file is of no format that holds coordinates: a topology alone, say."""


class Trajectory:
    """One trajectory file, open for reading; closed by `close`.

    Parameters
    ----------
    path
        The file.
    topology
        File of its topology, for messages.
    atom_count
        Atoms of the topology.
    drop_extra
        Take the first `atom_count` of more atoms, instead of refusing them.
    format_name
        What the user calls its format; else its name or its first bytes tell.

    Attributes
    ----------
    frame_count
        Frames in the file.
    dropped
        Atoms that the topology does not have.
    frame_time_ps
        Time between frames by the file, picoseconds; None where it does not say.
    notes
        What was left out in reading, a sentence each.
    breaks
        Frames that do not follow the one before by the usual time, where only steps say so.

    Raises
    ------
    RequestError
        It is missing, empty, of an unknown format, damaged, or has other atoms than the topology.
    """

    def __init__(
        self,
        path: Path,
        topology: Path,
        atom_count: int,
        *,
        drop_extra: bool,
        format_name: str | None = None,
    ) -> None:
        self.path = path
        self.atom_count = atom_count
        self._reader = _open_reader(path, topology, atom_count, format_name)
        self.frame_count, count = self._reader.n_frames, self._reader.n_atoms
        if count < atom_count or (count > atom_count and not drop_extra):
            self.close()
            raise RequestError(
                f"{path}: {count:,} atoms, but the topology {topology} has {atom_count:,}",
                "give the topology of this trajectory"
                + (
                    f", or take the first {atom_count:,}: {option('drop_extra', value=True)}"
                    * (count > atom_count)
                ),
            )
        self.dropped = count - atom_count
        # frames that all have one time have none
        self.frame_time_ps = self._reader.frame_time_ps or None
        if self.frame_time_ps is not None and self.frame_time_ps < 0:
            self.close()
            raise RequestError(
                f"{path}: frame 1 comes before frame 0 by the times that the file gives them",
                "sort its frames by time",
            )
        if self._reader.frame_time_ps == 0 and self._have_times():
            self.close()
            raise RequestError(f"{path}: frames 0 and 1 are at the same time", REPEATED)
        self.notes = self._reader.notes
        self.breaks: tuple[int, ...] = ()
        if isinstance(self._reader, DumpReader):
            self.breaks = self._reader.breaks
        elif _data_units(path, topology) == "lj":
            self.notes += (
                f"{topology.name} is in units of Lennard-Jones: angstrom and ps of {path.name} are "
                "no real ones",
            )

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def _have_times(self) -> bool:
        """Whether the last frame is at another time than the first."""
        first, last = (self._reader[number].time_ps for number in (0, self.frame_count - 1))
        return first != last

    def frame(self, number: int) -> Frame:
        """Frame by number, counted from 0.

        Raises
        ------
        RequestError
            It cannot be read, or a coordinate is NaN or infinite.
        """
        frame = self._reader[number]
        if len(frame.positions) != self.atom_count + self.dropped:
            raise RequestError(
                f"{self.path}: frame {number} has {len(frame.positions):,} atoms, not "
                f"{self.atom_count + self.dropped:,}",
                "give frames of the same atoms",
            )
        positions = frame.positions[: self.atom_count]
        if not np.isfinite(positions).all():
            raise RequestError(
                f"{self.path}: frame {number} holds a coordinate that is NaN or infinite",
                f"leave it out with {option('stop', number)} or {option('start', number + 1)}",
            )
        if is_unwritten(positions):
            raise RequestError(
                f"{self.path}: frame {number} has all its atoms at one place: it was never written",
                f"leave it out with {option('stop', number)} or {option('start', number + 1)}",
            )
        velocities = None if frame.velocities is None else frame.velocities[: self.atom_count]
        box = frame.box if frame.box is not None and is_box(frame.box) else None
        return replace(frame, positions=positions, box=box, velocities=velocities)


def is_box(edges: NDArray[np.floating]) -> bool:
    """Whether edges, (3, 3) in angstrom, are those of a box that is periodic along some of them.

    An empty or unit box stands for none, as in PDB, and one without end is none.
    """
    if not _SMALLEST_BOX < np.abs(edges).max() < FARTHEST:
        return False
    own = edges[edges.any(axis=1)]
    return bool(np.linalg.det(own @ own.T) > 1e-12)  # a length, an area or a volume


def _open_reader(
    path: Path, topology: Path, atom_count: int, format_name: str | None
) -> FrameReader:
    check_file(path)
    kind = format_of(path, format_name)
    kind.check_package(path)
    if kind.name in (*_NO_COORDINATES, *_NO_NAMES):
        raise NoCoordinatesError(
            f"{path}: {kind.name} holds no coordinates of atoms",
            f"give a trajectory with {option('trajectory')}: {TRAJECTORIES}",
        )
    if kind.name in OWN:
        check_claims(path, kind.name)
        if kind.name == "LAMMPSDUMP":
            return DumpReader(path, _data_units(path, topology))
        return OWN[kind.name].frames(path)
    return MdaReader(path, kind, atom_count)


def _data_units(path: Path, topology: Path) -> str:
    """Units of a simulation, as the LAMMPS data file beside its trajectory calls them, or empty."""
    beside = path != topology and format_of(topology).name == "DATA"
    return data_units(topology) if beside else ""


def check_file(path: Path) -> None:
    """Refuse what is no file, may not be read, or is empty.

    Raises
    ------
    RequestError
        It is one of these.
    """
    if not path.is_file():
        piped = path.is_fifo() or path.is_char_device()
        raise RequestError(
            f"{path}: {'not a file' if path.exists() else 'no such file'}",
            "files are read more than once: save it first" if piped else "check the path",
        )
    if not os.access(path, os.R_OK):
        raise RequestError(f"{path}: may not be read", "check its permissions")
    if path.stat().st_size == 0:
        raise RequestError(f"{path}: empty", "get it again")
