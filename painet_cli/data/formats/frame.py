"""One frame of a file, what gives frames by their numbers, and the units that files are in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import RequestError

ANGSTROMS = {"angstrom": 1.0, "nanometre": 10.0, "bohr": 0.529177210903, "metre": 1e10}
"""Angstrom in a unit of length; bohr by CODATA 2018."""
_LENGTH_NAMES = {
    **dict.fromkeys(("a", "ang", "angstrom", "angstroms"), "angstrom"),
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), "nanometre"),
    **dict.fromkeys(("au", "a.u.", "a0", "bohr", "bohrs", "atomic_unit"), "bohr"),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), "metre"),
}
LAMMPS_UNITS = {
    "real": (1.0, 1e-3, 1e-3),
    "metal": (1.0, 1.0, 1.0),
    "si": (ANGSTROMS["metre"], 1e12, 1e12),
    "cgs": (1e8, 1e12, 1e12),
    "electron": (ANGSTROMS["bohr"], 1e-3, 1.03275e-3),
    "micro": (1e4, 1e6, 1e6),
    "nano": (ANGSTROMS["nanometre"], 1e3, 1e3),
}
"""Angstrom in LAMMPS' unit of length, picoseconds in that of time and in that of velocities, by
what LAMMPS calls its units."""
LAMMPS_FEMTOSECONDS = (0.05, 50.0)
"""Time steps of LAMMPS that are femtoseconds; those of its other units are smaller or unknown."""

_COARSE = 1e-3
"""Share of the time between frames up to which rounding it does not matter."""
_DOUBT = 0.02
"""The same up to which the mean of many is known."""


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
        (3, 3) edges of the periodic box, angstrom, zero along which it is open; None where there
        is none.
    time_ps
        Time the file gives it, picoseconds; 0 where it gives none.
    velocities
        (N, 3), angstrom a picosecond; None where the file has none.
    origin
        (3,) corner of the box that its edges begin at, angstrom; None where it is at 0.
    """

    number: int
    positions: NDArray[np.float32]
    box: NDArray[np.float64] | None = None
    time_ps: float = 0.0
    velocities: NDArray[np.float32] | None = None
    origin: NDArray[np.float64] | None = None


class FrameReader(Protocol):
    """A file's frames, read when they are asked for.

    Attributes
    ----------
    n_frames, n_atoms
        Frames of the file, atoms of each.
    frame_time_ps
        Picoseconds between frames; None where the file does not say.
    notes
        What was left out or changed in reading, a sentence each.
    """

    n_frames: int
    n_atoms: int
    frame_time_ps: float | None = None
    notes: tuple[str, ...] = ()

    def __getitem__(self, number: int) -> Frame:
        """Frame by number, counted from 0."""

    def close(self) -> None:
        """Let go of the file, where it is still open."""
        return


@dataclass(frozen=True)
class LateTimes:
    """Times of evenly spaced frames so late that single precision rounds them unevenly.

    Attributes
    ----------
    begin_ps, frame_time_ps
        Of the first frame, and from one to the next.
    coarse_ps
        What times are rounded to.
    """

    begin_ps: float
    frame_time_ps: float
    coarse_ps: float

    @classmethod
    def of(cls, begin: float, end: float, count: int, first: float) -> LateTimes | None:
        """What the times of the first and the last frame say; None where it is not needed.

        Of the times between frames that they leave open, the one of the fewest digits is taken.

        Parameters
        ----------
        first
            Picoseconds from the first frame to the next, as the file has them.
        """
        coarse = float(np.spacing(np.float32(max(abs(begin), abs(end)))))
        mean = (end - begin) / (count - 1)
        doubt = coarse / (count - 1)
        if not (_COARSE * mean < coarse and doubt < _DOUBT * mean) or abs(mean - first) > coarse:
            return None
        tries = (float(f"{mean:.{digits}g}") for digits in range(1, 7))
        return cls(begin, next((one for one in tries if abs(one - mean) < doubt), mean), coarse)

    def time_ps(self, number: int, said: float) -> float:
        """Time of a frame; as the file says it where that is another than by rounding."""
        even = self.begin_ps + number * self.frame_time_ps
        return even if abs(even - said) <= self.coarse_ps else said


def angstroms(unit: str, where: str) -> float:
    """Angstrom in a unit of length, by any of its common names.

    Raises
    ------
    RequestError
        It is unknown; `where` names the file and the place.
    """
    name = _LENGTH_NAMES.get(unit.strip().lower())
    if name is None:
        raise RequestError(
            f"{where}: {unit[:40]!r} is no unit of length that is known",
            f"expected one of {', '.join(ANGSTROMS)}",
        )
    return ANGSTROMS[name]


def time_between(times: Sequence[float | None]) -> float | None:
    """Time from a file's first frame to the next; None where there is no next, or one has none."""
    match times:
        case [float(first), float(second), *_]:
            return second - first
    return None


def is_unwritten(positions: NDArray[np.floating]) -> bool:
    """Whether all of several particles, (N, 3), are at one place, as where nothing was written."""
    return len(positions) > 1 and bool((positions == positions[0]).all())
