"""LAMMPS' text dumps, with the units, times and elements that they may name.

Format: https://docs.lammps.org/dump.html, https://docs.lammps.org/dump_modify.html
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.frame import LAMMPS_UNITS, Frame, time_between
from painet_cli.data.formats.text_frames import cut_short, lammps_box, last_of, open_unpacked
from painet_cli.data.particles.bonds import bonds_within
from painet_cli.data.particles.elements import elements_by_mass, holds_heavy_hydrogens, is_element
from painet_cli.data.particles.particles import Particles, particles_of_kinds
from painet_cli.errors import RequestError

_HINT = "expected a dump of LAMMPS in text: ITEM: TIMESTEP, NUMBER OF ATOMS, BOX BOUNDS, ATOMS"
_SAME_ATOMS = "a prediction follows the same atoms: dump a group that stays the same"
_POSITIONS = (("xu", "yu", "zu"), ("xsu", "ysu", "zsu"), ("x", "y", "z"), ("xs", "ys", "zs"))
"""Columns of positions, the first that are there are taken, those that no face of the box wraps
before others; `s` are shares of the box."""
_VELOCITIES = ("vx", "vy", "vz")
_LONGEST_HEAD = 64


@dataclass(frozen=True)
class _Head:
    """What stands before the atoms of a frame."""

    count: int
    columns: tuple[str, ...]
    origin: NDArray[np.float64]
    box: NDArray[np.float64]
    periodic: NDArray[np.bool_]
    step: int | None
    time: float | None
    atoms_at: int


class DumpReader:
    """Frames of a dump, atoms in the order of their ids; see `FrameReader`.

    Lengths are taken as angstrom, and velocities are not read, where neither the file names units
    (`dump_modify units yes`) nor `units` does. A box is open along the edges that are not `pp`, and
    is none where all are.

    Parameters
    ----------
    path
        The file.
    units
        What LAMMPS calls the units of a dump that names none; empty where they are not known.

    Attributes
    ----------
    breaks
        Frames that do not follow by the usual number of steps, where no time says so.

    Raises
    ------
    RequestError
        It is no dump, holds no whole frame, or its frames have different atoms.
    """

    def __init__(self, path: Path, units: str = "") -> None:
        self.path, self._units = path, units
        self._file = open_unpacked(path)
        self._heads: list[_Head] = []
        self._ids: list[str] = []
        self._cut = False
        try:
            self._find_frames()
            self.n_frames, self.n_atoms = len(self._heads), self._heads[0].count
            self[0]
        except BaseException:
            self.close()
            raise
        self.frame_time_ps = self._frame_time()
        self.notes: tuple[str, ...] = (cut_short(path, self.n_frames),) if self._cut else ()
        self.breaks = () if self.frame_time_ps else self._uneven()
        if self.breaks:
            self.notes += (
                f"{path.name}: its TIMESTEPs are uneven in {len(self.breaks):,} "
                f"place{'s' * (len(self.breaks) > 1)}, first before frame {self.breaks[0]:,}: no "
                "motion is taken across",
            )
        if self._units == "lj":
            self.notes += (f"{path.name} is in units of Lennard-Jones, taken for angstrom",)
        if not self._ids:
            self.notes += (
                f"{path.name} has no ids: its atoms are taken in the order of their lines, which "
                "LAMMPS may change",
            )

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __getitem__(self, number: int) -> Frame:
        """Frame by number.

        Raises
        ------
        RequestError
            A line is no atom, or has no position; or the ids are others than in frame 0.
        """
        head, rows = self._heads[number], self._sorted(number)
        length, time, of_velocity = LAMMPS_UNITS.get(self._units, (1.0, 1.0, 1.0))
        names = next((one for one in _POSITIONS if {*one} <= {*head.columns}), None)
        if names is None:
            said = " ".join(head.columns)[:60]
            raise RequestError(
                f"{self._where(number)}: no positions among its columns {said}", _HINT
            )
        x = self._numbers(rows, head, names, number)
        if names[0].startswith("xs"):
            x = head.origin + x @ head.box
        velocities = None
        if {*_VELOCITIES} <= {*head.columns} and self._units in LAMMPS_UNITS:
            held = self._numbers(rows, head, _VELOCITIES, number)
            velocities = (held * length / of_velocity).astype(np.float32)
        return Frame(
            number,
            (x * length).astype(np.float32),
            head.box * length * head.periodic[:, None] if head.periodic.any() else None,
            0.0 if head.time is None else head.time * time,
            velocities,
            head.origin * length,
        )

    def column(self, name: str) -> list[str]:
        """A column of the first frame as text; empty where there is none such."""
        columns = self._heads[0].columns
        return [row[columns.index(name)] for row in self._sorted(0)] if name in columns else []

    def _where(self, number: int) -> str:
        return f"{self.path}: frame {number}"

    def _sorted(self, number: int) -> list[list[str]]:
        """Words of every atom of a frame, by id."""
        head = self._heads[number]
        self._file.seek(head.atoms_at)
        rows = [self._file.readline().decode("latin-1").split() for _ in range(head.count)]
        short = next((k for k, row in enumerate(rows) if len(row) < len(head.columns)), None)
        if short is not None:
            raise RequestError(
                f"{self._where(number)}: atom line {short} has {len(rows[short])} columns, not "
                f"{len(head.columns)}",
                _HINT,
            )
        if "id" not in head.columns:
            return rows
        at = head.columns.index("id")
        try:
            rows.sort(key=lambda row: int(row[at]))
        except ValueError:
            raise RequestError(f"{self._where(number)}: an id is no number", _HINT) from None
        ids = [row[at] for row in rows]
        self._ids = self._ids or ids
        if ids != self._ids:
            raise RequestError(
                f"{self._where(number)}: other ids of atoms than in frame 0", _SAME_ATOMS
            )
        return rows

    def _numbers(
        self, rows: list[list[str]], head: _Head, names: tuple[str, ...], number: int
    ) -> NDArray[np.float64]:
        places = [head.columns.index(name) for name in names]
        try:
            return np.array([[row[at] for at in places] for row in rows], dtype=np.float64)
        except ValueError:
            said = " ".join(names)
            raise RequestError(f"{self._where(number)}: {said} are no numbers", _HINT) from None

    def _frame_time(self) -> float | None:
        apart = time_between([head.time for head in self._heads[:2]])
        if apart is None or self._units not in LAMMPS_UNITS:
            return None
        return float(f"{apart * LAMMPS_UNITS[self._units][1]:.6g}")

    def _uneven(self) -> tuple[int, ...]:
        steps = [head.step for head in self._heads if head.step is not None]
        if len(steps) < len(self._heads) or len(steps) < 2:
            return ()
        passed = np.diff(steps)
        return tuple((np.flatnonzero(passed != np.median(passed)) + 1).tolist())

    def _find_frames(self) -> None:
        while True:
            try:
                head = self._head()
            except EOFError:  # within a head
                self._cut = bool(self._heads)
                break
            if head is None:
                break
            if self._heads and head.count != self._heads[0].count:
                raise RequestError(
                    f"{self._where(len(self._heads))} has {head.count:,} atoms, frame 0 has "
                    f"{self._heads[0].count:,}",
                    _SAME_ATOMS,
                )
            last = last_of(self._file, head.count)
            columns = len(last.split())
            if not last or (not last.endswith(b"\n") and columns < len(head.columns)):
                self._cut = True
                break
            self._heads.append(head)
        if not self._heads:
            raise RequestError(f"{self.path}: holds no whole frame", _HINT)

    def _head(self) -> _Head | None:
        """Read up to the atoms of the next frame; None at the end of the file."""
        time: float | None = None
        count, origin, box, periodic = 0, np.zeros(3), np.zeros((3, 3)), np.ones(3, dtype=bool)
        step: int | None = None
        where = self._where(len(self._heads))
        for _ in range(_LONGEST_HEAD):
            line = self._line(begun=count > 0)
            if line is None:
                return None
            item, _, rest = line.removeprefix("ITEM:").strip().partition(" ")
            try:
                if not line.startswith("ITEM:"):
                    raise ValueError(line)
                if item == "UNITS":
                    self._units = self._next().strip().lower()
                elif item == "TIME":
                    time = float(self._next())
                elif item == "TIMESTEP":
                    step = int(self._next())
                elif item == "NUMBER":
                    count = int(self._next())
                elif item == "BOX":
                    origin, box, periodic = lammps_box(rest, [self._next() for _ in range(3)])
                elif item == "ATOMS" and count > 0:
                    columns = tuple(rest.split())
                    at = self._file.tell()
                    return _Head(count, columns, origin, box, periodic, step, time, at)
                else:
                    raise ValueError(line)
            except (ValueError, OverflowError, IndexError):
                raise RequestError(f"{where}: {line[:60]!r} is out of place", _HINT) from None
        raise RequestError(f"{where}: names no atoms", _HINT)

    def _line(self, *, begun: bool) -> str | None:
        line = next((one for one in self._file if one.strip()), b"")
        if begun and not line:
            raise EOFError
        return line.decode("latin-1").strip() if line else None

    def _next(self) -> str:
        line = self._file.readline().decode("latin-1")
        if not line:
            raise EOFError
        return line


def read_dump(path: Path) -> Particles:
    """Who the atoms of a dump are: elements by their symbols or masses, else LAMMPS' types.

    Raises
    ------
    RequestError
        As `DumpReader` does.
    """
    reader = DumpReader(path)
    try:
        elements, masses = reader.column("element"), reader.column("mass")
        types = reader.column("type") or ["1"] * reader.n_atoms
        first = reader[0]
    finally:
        reader.close()
    if masses and not elements:
        try:
            elements = list(_elements_of(np.array(masses, dtype=np.float64), first))
        except ValueError:
            elements = []
    elements = [one.capitalize() for one in elements]
    if not all(map(is_element, elements)):
        elements = []
    return particles_of_kinds(elements or types, elements or types, elements=tuple(elements))


def _elements_of(masses: NDArray[np.float64], first: Frame) -> tuple[str, ...]:
    """Elements by masses; hydrogens that took mass from others are found by where they are."""
    from painet_cli.data.particles.hydrogens import FARTHEST_HYDROGEN

    if not holds_heavy_hydrogens(masses):
        return elements_by_mass(masses)
    near = bonds_within(first.positions, FARTHEST_HYDROGEN, first.box)
    return elements_by_mass(masses, np.array(near, dtype=np.int64).reshape(-1, 2))
