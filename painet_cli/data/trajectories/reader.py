"""Topologies and trajectories as MDAnalysis reads them, with its many errors made into one."""

from __future__ import annotations

import math
import os
import re
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.trajectories.guards import check_claims
from painet_cli.data.trajectories.xdr_reader import XdrReader
from painet_cli.errors import RequestError, option

PICOSECOND = 1e-12
TOPOLOGIES = "PDB, mmCIF, PSF, GRO, PRMTOP, TPR, MOL2, LAMMPS DATA, XYZ ..."
TRAJECTORIES = "DCD, XTC, TRR, NetCDF, MDCRD, LAMMPSDUMP, XYZ, multi-frame PDB ..."
# Their files do not say how many atoms a frame has.
_NEED_ATOM_COUNT = {"TRJ", "MDCRD", "CRDBOX", "TRZ"}
_PLAIN_COLUMNS = "species:S:1:pos:R:3"


@dataclass(frozen=True)
class Frame:
    """One frame of a trajectory.

    Attributes
    ----------
    number
        Counted from 0 in the file.
    positions
        (N, 3), angstrom.
    box
        (3, 3) edges of the periodic box, angstrom; None where there is none.
    time_ps
        Time the file gives it, picoseconds.
    velocities
        (N, 3), angstrom a picosecond; None where the file has none.
    """

    number: int
    positions: NDArray[np.float32]
    box: NDArray[np.float64] | None
    time_ps: float
    velocities: NDArray[np.float32] | None = None


@contextmanager
def mdanalysis(
    asked: Path | str, expected: str = "", *, failed: str = "MDAnalysis cannot read it"
) -> Iterator[list[warnings.WarningMessage]]:
    """Call MDAnalysis: its warnings are gathered, and any error names the file or option.

    Raises
    ------
    RequestError
        MDAnalysis raised anything at all.
    """
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield caught
    except RequestError:
        raise
    except Exception as error:  # its parsers raise whatever Python does on junk
        # Readers that fail half open are let go now, and their files closed.
        traceback.clear_frames(error.__traceback__)
        reason = " ".join(str(error).split()) or type(error).__name__
        reason = reason if len(reason) <= 200 else f"{reason[:200]} ..."
        raise RequestError(
            f"{asked}: {failed} ({reason})",
            expected or "check that it is whole, and of the format its name says",
        ) from error


def open_topology(path: Path) -> Any:
    """Universe of a topology, without coordinates and with nothing guessed.

    Raises
    ------
    RequestError
        It is missing, empty, of an unknown format, or not what its name says.
    """
    import MDAnalysis

    _check_file(path)
    try:
        parser = MDAnalysis.topology.core.get_parser_for(str(path), _format_of(path))
    except (ValueError, TypeError) as error:
        raise RequestError(
            f"{path}: not a topology of a format that MDAnalysis reads", f"expected {TOPOLOGIES}"
        ) from error
    check_claims(path, _formats(parser))
    with mdanalysis(path, f"expected a topology: {TOPOLOGIES}"), parser(str(path)) as topology:
        universe = MDAnalysis.Universe(topology.parse(), to_guess=())
        if universe.atoms.n_atoms == 0:
            raise RequestError(f"{path}: holds no atoms", f"expected a topology: {TOPOLOGIES}")
        return universe


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

    Attributes
    ----------
    frame_count
        Frames in the file.
    dropped
        Atoms that the topology does not have.
    frame_time_ps
        Time between frames by the file, picoseconds; None where it does not say.

    Raises
    ------
    RequestError
        It is missing, empty, of an unknown format, damaged, or has other atoms than the topology.
    """

    def __init__(self, path: Path, topology: Path, atom_count: int, *, drop_extra: bool) -> None:
        self.path = path
        self.atom_count = atom_count
        self._reader = _open_reader(path, atom_count)
        try:
            with mdanalysis(path):
                self.frame_count = int(self._reader.n_frames)
                count = int(self._reader.n_atoms)
            if count < atom_count or (count > atom_count and not drop_extra):
                raise RequestError(
                    f"{path}: {count:,} atoms, but the topology {topology} has {atom_count:,}",
                    "give the topology of this trajectory"
                    + (
                        f", or take the first {atom_count:,}: {option('drop_extra', value=True)}"
                        * (count > atom_count)
                    ),
                )
            self.dropped = count - atom_count
            self.frame_time_ps = self._frame_time()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with mdanalysis(self.path):
            self._reader.close()

    def frame(self, number: int) -> Frame:
        """Frame by number, counted from 0.

        Raises
        ------
        RequestError
            It cannot be read, or a coordinate is NaN or infinite.
        """
        from MDAnalysis.lib.mdamath import triclinic_vectors

        with mdanalysis(self.path):
            step = self._reader[number]
            positions = np.array(step.positions[: self.atom_count], dtype=np.float32)
            dimensions, time = step.dimensions, float(step.time)
            velocities = _velocities(step, self.atom_count)
            box = None if dimensions is None else triclinic_vectors(dimensions, dtype=np.float64)
            if self._reader.format == "XYZ":
                box = self._lattice(number)
        if positions.shape != (self.atom_count, 3):
            raise RequestError(f"{self.path}: frame {number} has {len(positions)} atoms")
        if not np.isfinite(positions).all():
            raise RequestError(
                f"{self.path}: frame {number} holds a coordinate that is NaN or infinite",
                f"leave it out with {option('stop', number)} or {option('start', number + 1)}",
            )
        if box is not None and not abs(np.linalg.det(box)) > 1e-6:
            box = None  # an empty box stands for none
        return Frame(number, positions, box, time, velocities)

    def _lattice(self, number: int) -> NDArray[np.float64] | None:
        """Box in the comment of extended XYZ, which MDAnalysis passes over."""
        from MDAnalysis.lib.util import anyopen

        with anyopen(str(self.path)) as file:
            file.seek(self._reader._offsets[number])
            file.readline()
            comment = file.readline()
        found = re.search(r'Lattice="([^"]*)"', comment)
        if not found or re.search(r'pbc="\s*F\s+F\s+F\s*"', comment):
            return None
        return np.array(found[1].split(), dtype=np.float64).reshape(3, 3)

    def _frame_time(self) -> float | None:
        with mdanalysis(self.path) as caught:
            time = float(self._reader.dt)
        # MDAnalysis takes 1 ps where a file has no times.
        invented = any("no dt information" in str(one.message) for one in caught)
        if invented or not (time > 0 and math.isfinite(time)):
            return None
        return float(f"{time:.6g}")  # files hold it in single precision


def _velocities(step: Any, atom_count: int) -> NDArray[np.float32] | None:
    """Velocities of a frame, where it has any and all are finite."""
    if not getattr(step, "has_velocities", False):
        return None
    velocities = np.array(step.velocities[:atom_count], dtype=np.float32)
    return velocities if np.isfinite(velocities).all() else None


class NoCoordinatesError(RequestError):
    """A file is of no format that holds coordinates: a topology alone, say."""


def _open_reader(path: Path, atom_count: int) -> Any:
    from MDAnalysis.coordinates.core import get_reader_for

    _check_file(path)
    try:
        reader = get_reader_for(str(path), _format_of(path))
    except (ValueError, TypeError) as error:
        raise NoCoordinatesError(
            f"{path}: holds no coordinates in a format that MDAnalysis reads",
            f"give a trajectory with {option('trajectory')}: {TRAJECTORIES}",
        ) from error
    formats = _formats(reader)
    check_claims(path, formats)
    if "XYZ" in formats:
        _check_columns(path)
    if formats & {"XTC", "TRR"}:
        reader = XdrReader
    needs_count = bool(formats & _NEED_ATOM_COUNT)
    with mdanalysis(path, f"expected a trajectory: {TRAJECTORIES}"):
        return reader(str(path), **({"n_atoms": atom_count} if needs_count else {}))


def _formats(reader: Any) -> set[str]:
    """Names of the formats that a reader or parser of MDAnalysis' takes."""
    return {reader.format} if isinstance(reader.format, str) else set(reader.format)


def _format_of(path: Path) -> str | None:
    """Format, where MDAnalysis does not know the file's suffix."""
    return "XYZ" if path.suffix.lower() == ".extxyz" else None


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise RequestError(
            f"{path}: {'not a file' if path.exists() else 'no such file'}", "check the path"
        )
    if not os.access(path, os.R_OK):
        raise RequestError(f"{path}: may not be read", "check its permissions")
    if path.stat().st_size == 0:
        raise RequestError(f"{path}: empty", "get it again")


def _check_columns(path: Path) -> None:
    """Refuse extended XYZ whose columns are not those that MDAnalysis takes for granted."""
    from MDAnalysis.lib.util import openany

    with mdanalysis(path), openany(str(path), mode="rt") as file:
        count, comment = file.readline(200).strip(), file.readline(20_000)
    # It would look for as many lines as the first one says, however many that are.
    if not count.isdecimal() or not 0 < int(count) <= 2**24:
        raise RequestError(
            f"{path}:1: {count[:40]!r} is not a number of atoms", "expected an XYZ file"
        )
    _, found, properties = comment.partition("Properties=")
    if found and not properties.strip('"').startswith(_PLAIN_COLUMNS):
        raise RequestError(
            f"{path}:2: columns {properties.split()[0] if properties.split() else 'unknown'}",
            f"expected Properties={_PLAIN_COLUMNS}: name, then x, y and z",
        )
