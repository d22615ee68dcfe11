"""XYZ in the dialects of the programs that write it, with what their comments say.

A frame is a number of atoms, a comment, and a line an atom: element (or atomic number), x, y, z in
angstrom. Extended XYZ (ASE, QUIP, painet) names its columns, box and time in the comment, CP2K its
time, i-PI its box and units. A plain comment says nothing.

Formats: https://github.com/libAtoms/extxyz, https://manual.cp2k.org, https://docs.ipi-code.org
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.frame import LAMMPS_FEMTOSECONDS, Frame, angstroms, time_between
from painet_cli.data.formats.text_frames import TextFrames, is_number
from painet_cli.data.particles.elements import HEAVIEST, elements_named, symbol
from painet_cli.data.particles.particles import Particles, particles_of_kinds
from painet_cli.errors import RequestError

_PROPERTIES = re.compile(r'Properties="?([^\s"]+)"?', re.IGNORECASE)
_LATTICE = re.compile(r'Lattice="([^"]*)"', re.IGNORECASE)
_PBC = re.compile(r'pbc=["\[{\s]*' + r"[\s,]+".join([r"([TF01])\w*"] * 3), re.IGNORECASE)
_TIME = re.compile(r"\bt(?:ime)?\s*[=:]\s*([-+.\deE]+)\s*((?:fs|ps|ns|a\.?u)\b\.?)?", re.IGNORECASE)
_CP2K = re.compile(r"\bi\s*=\s*\d+\s*,\s*time\s*=")
_IPI_CELL = re.compile(r"CELL\(abcABC\):((?:\s+[-+.\deE]+){6})")
_IPI_UNIT = re.compile(r"\b(\w+)\{(\w+)\}")
_IPI_POSITIONS = ("positions", "x_centroid")
_LAMMPS = re.compile(r"Atoms\. Timestep: \d+")
_LAMMPS_STEP = re.compile(r"Timestep=(\d{1,18}) Time=")
"""How LAMMPS begins the comments of extended XYZ, with times and velocities in its own units."""
_PICOSECONDS = {"fs": 1e-3, "ps": 1.0, "ns": 1e3, "au": 2.4188843265864e-5}
_PLAIN = (("species", 1), ("pos", 3))
_VELOCITIES = ("velo", "vel", "velocity", "velocities")


@dataclass(frozen=True)
class Comment:
    """What the comment of a frame says.

    Attributes
    ----------
    columns
        Names and widths of the columns.
    scale
        Angstrom in the unit of the positions.
    box
        (3, 3) edges, angstrom, zero along which it is open; None where it names none.
    time_ps
        Picoseconds; None where it names no time, or no unit of it.
    numbers_are_types
        Whether numbers in place of elements count kinds of atoms (LAMMPS), not protons.
    lammps_step
        Time step of LAMMPS' extended XYZ; None of others.
    """

    columns: tuple[tuple[str, int], ...]
    scale: float
    box: NDArray[np.float64] | None
    time_ps: float | None
    numbers_are_types: bool
    lammps_step: int | None

    @classmethod
    def read(cls, text: str, where: str) -> Comment:
        """Read a comment; `where` is what messages call the frame.

        Raises
        ------
        RequestError
            It declares columns without positions or names, velocities or forces alone, or a unit
            that is not known.
        """
        units = dict(_IPI_UNIT.findall(text))
        step = _LAMMPS_STEP.match(text.strip())
        found = _LATTICE.search(text)
        box, holds = None, "positions"
        if found:
            box = _numbers(found[1].replace(",", " ").split(), 9, f"{where}: Lattice").reshape(3, 3)
            said = _PBC.search(text)
            box *= np.array([[one in "tT1"] for one in (said.groups() if said else "TTT")])
            box = box if box.any() else None
        elif "lattice=" in text.lower() and _PROPERTIES.search(text):
            raise RequestError(
                f"{where}: its Lattice is not nine numbers between quotation marks",
                'expected Lattice="ax ay az bx by bz cx cy cz"',
            )
        elif cell := _IPI_CELL.search(text):
            from MDAnalysis.lib.mdamath import triclinic_vectors

            edges = _numbers(cell[1].split(), 6, f"{where}: CELL")
            box = triclinic_vectors(edges, dtype=np.float64)
            box *= angstroms(units.pop("cell", "angstrom"), where)
            holds = next(iter(units), holds)
            if holds not in _IPI_POSITIONS:
                raise RequestError(f"{where}: holds {holds} and no positions", "give those")
        return cls(
            columns=_columns(text, where),
            scale=angstroms(units.get(holds, "angstrom"), where),
            box=box,
            time_ps=_time_ps(text),
            numbers_are_types=bool(_LAMMPS.match(text.strip())),
            lammps_step=int(step[1]) if step else None,
        )


class XyzReader:
    """Frames of an XYZ file; see `FrameReader`.

    Attributes
    ----------
    names
        What the file calls each atom: an element or, in place of an atomic number, its symbol.

    Raises
    ------
    RequestError
        It is no XYZ file, or its frames have different numbers of atoms.
    """

    def __init__(self, path: Path) -> None:
        self._text = TextFrames(path, count_line=0, tail=0)
        self.path = path
        self.n_atoms, self._timed = self._text.n_atoms, True
        try:
            self.names, _ = self._read(0)
            self._text.check_end(self._read)
            self.n_frames, self.notes = self._text.n_frames, self._text.notes
            first = [self._comment(number) for number in range(min(2, self.n_frames))]
        except BaseException:
            self.close()
            raise
        self._timed = _in_femtoseconds(first)
        self.frame_time_ps = time_between([one.time_ps for one in first]) if self._timed else None
        if not self._timed:
            self.notes += (
                f"{path.name} does not say LAMMPS' unit of time, and it is not known to be fs: its "
                "times and velocities are not used",
            )

    def close(self) -> None:
        """Let go of the file."""
        self._text.close()

    def __getitem__(self, number: int) -> Frame:
        """Frame by number.

        Raises
        ------
        RequestError
            A line is no atom, or the atoms are others than those of frame 0.
        """
        names, frame = self._read(number)
        if names != self.names:
            other = next(
                k for k, (a, b) in enumerate(zip(names, self.names, strict=True)) if a != b
            )
            raise RequestError(
                f"{self.path}: atom {other} of frame {number} is {names[other]}, that of frame 0 "
                f"is {self.names[other]}: the atoms change their order",
                "give frames that list the same atoms in the same order",
            )
        return frame

    def _comment(self, number: int) -> Comment:
        return Comment.read(self._text.lines(number)[1], f"{self.path}: frame {number}")

    def _read(self, number: int) -> tuple[tuple[str, ...], Frame]:
        lines = self._text.lines(number)
        where = f"{self.path}: frame {number}"
        comment = Comment.read(lines[1], where)
        rows = [line.split() for line in lines[2:]]
        *places, width = accumulate((size for _, size in comment.columns), initial=0)
        at = {name.lower(): place for (name, _), place in zip(comment.columns, places, strict=True)}
        for k, row in enumerate(rows):
            if len(row) < width:
                raise RequestError(
                    f"{where}: {' '.join(row)[:40]!r} is no atom ({len(row)} words, of {width})",
                    f"expected {self.n_atoms:,} lines of a name and its coordinates; see atom {k}",
                )
        named = at.get("species", at.get("z", 0))
        names = tuple(
            _named(row[named], numbers_are_types=comment.numbers_are_types) for row in rows
        )
        positions = _table(rows, at["pos"], where) * comment.scale
        velocities = None
        for key in _VELOCITIES:
            if key in at and self._timed:  # angstrom a femtosecond in extended XYZ
                velocities = (_table(rows, at[key], where) * 1e3).astype(np.float32)
        return names, Frame(
            number,
            positions.astype(np.float32),
            comment.box,
            (self._timed and comment.time_ps) or 0.0,
            velocities,
        )


def _in_femtoseconds(first: list[Comment]) -> bool:
    """Whether times are in fs, by those of the first frames: of LAMMPS a step of molecules is.

    One frame does not tell: LAMMPS' then are not taken.
    """
    steps = [one.lammps_step for one in first]
    if None in steps:
        return True
    passed = (steps[-1] or 0) - (steps[0] or 0)
    low, high = LAMMPS_FEMTOSECONDS
    step = ((first[-1].time_ps or 0.0) - (first[0].time_ps or 0.0)) * 1e3 / (passed or 1)
    return low <= step <= high


def read_xyz(path: Path) -> Particles:
    """Names of the atoms of an XYZ file, and elements where they are such.

    Raises
    ------
    RequestError
        As `XyzReader` does.
    """
    reader = XyzReader(path)
    reader.close()
    names = reader.names
    elements = elements_named(names)
    return particles_of_kinds(names, elements or names, elements=elements)


def _columns(text: str, where: str) -> tuple[tuple[str, int], ...]:
    found = _PROPERTIES.search(text)
    if not found:
        return _PLAIN
    words = found[1].split(":")
    triples = [words[k : k + 3] for k in range(0, len(words), 3)]
    if not all(len(one) == 3 and re.fullmatch(r"[1-9]\d{0,2}", one[2]) for one in triples):
        raise RequestError(
            f"{where}: Properties={found[1][:60]} names no columns",
            "expected name:type:width, such as species:S:1:pos:R:3",
        )
    columns = tuple((name, int(size)) for name, _, size in triples)
    named = {name.lower(): size for name, size in columns}
    if named.get("pos") != 3 or not {"species", "z"} & named.keys():
        raise RequestError(
            f"{where}: Properties={found[1][:60]} has no names or no positions",
            "expected species:S:1 and pos:R:3 among the columns",
        )
    if wrong := next((key for key in _VELOCITIES if named.get(key, 3) != 3), None):
        raise RequestError(
            f"{where}: Properties={found[1][:60]} has {named[wrong]} columns of {wrong}",
            f"expected {wrong}:R:3",
        )
    return columns


def _table(rows: list[list[str]], at: int, where: str) -> NDArray[np.float64]:
    try:
        return np.array([row[at : at + 3] for row in rows], dtype=np.float64)
    except ValueError:
        bad = next(k for k, row in enumerate(rows) if not all(map(is_number, row[at : at + 3])))
        raise RequestError(
            f"{where}: {' '.join(rows[bad][at : at + 3])[:60]!r} of atom {bad} are no coordinates",
            "expected a name, then x, y and z",
        ) from None


def _numbers(words: list[str], count: int, where: str) -> NDArray[np.float64]:
    if len(words) != count or not all(map(is_number, words)):
        raise RequestError(f"{where} is not {count} numbers", "expected the edges of the box")
    return np.array(words, dtype=np.float64)


def _named(word: str, *, numbers_are_types: bool) -> str:
    number = int(word) if word.isdecimal() and len(word) < 10 else 0
    return symbol(number) if 1 <= number <= HEAVIEST and not numbers_are_types else word


def _time_ps(text: str) -> float | None:
    """Time, where its unit is known: named, CP2K's (fs), or `Time` of extended XYZ (fs)."""
    found = _TIME.search(text)
    if not found or not is_number(found[1]):
        return None
    extended = _PROPERTIES.search(text) and found[0].startswith("Time")
    unit = found[2] or ("fs" if extended or _CP2K.search(text) else None)
    return float(found[1]) * _PICOSECONDS[unit.lower().replace(".", "")] if unit else None
