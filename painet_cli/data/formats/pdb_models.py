"""Models of a PDB file: those with the atoms of its first, their times, and how it ends.

Residue numbers beyond four digits are read in hybrid-36: http://cci.lbl.gov/hybrid_36/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from painet_cli.data.formats.text_frames import open_unpacked
from painet_cli.errors import RequestError

_ATOMS = ("ATOM  ", "HETATM")
_COORDINATES_END = 54
"""Columns up to the end of an atom's z."""
_TIME = re.compile(r"\bt=\s*([-+]?\d+(?:\.\d*)?)\b")
"""What GROMACS writes into the title of every model, in picoseconds."""
_CP2K_TIME = re.compile(r"REMARK +Step \d+, time = *(\d*\.\d+),")
"""What CP2K writes before every model, in femtoseconds."""
_HYBRID = re.compile(r"[A-Z][0-9A-Z]{3}|[a-z][0-9a-z]{3}")
_NUMBER_COLUMNS = slice(22, 26)
_FIRST_LETTERED = 10_000
"""What `A000` stands for."""


@dataclass(frozen=True)
class PdbModels:
    """What a PDB file says of its models.

    Attributes
    ----------
    text
        The file as MDAnalysis reads it; None where that is the file itself.
    same
        Numbers of the models with the first one's atoms, from 0.
    count
        All models; a file without any is one.
    times_ps
        Picoseconds of the models in `same`; empty where a title leaves one out.
    notes
        That the file was cut, if it was.
    """

    text: str | None
    same: tuple[int, ...]
    count: int
    times_ps: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def frame_time_ps(self) -> float | None:
        """Picoseconds from the first of `same` to the next; None where they are not known."""
        return self.times_ps[1] - self.times_ps[0] if len(self.times_ps) > 1 else None


def read_models(path: Path) -> PdbModels:
    """Look through a PDB file.

    Frames that are parted by `END` alone, as VMD writes them, are models. Residue numbers in
    hybrid-36 become decimal ones. A last line that ends within the coordinates of an atom is left
    out. Atoms of two models are the same where name, place (altloc), chain, residue number and
    insertion code are.
    """
    lines = _Lines(path)
    models, changed, parted = _models(lines)
    notes = []
    if lines.cut:
        notes = [f"{path.name} is cut short: it ends within the line of an atom, left out"]
    elif lines.first.startswith("HEADER") and not lines.last.startswith(("END", "MASTER")):
        notes = [f"{path.name} may be cut short: it has a HEADER, and no END"]
    same = [k for k, (atoms, _) in enumerate(models) if atoms == models[0][0]]
    known = [time for k in same if (time := models[k][1]) is not None]
    return PdbModels(
        _rewritten(lines, parted=parted) if changed or parted or lines.cut else None,
        tuple(same),
        len(models),
        tuple(known) if len(known) == len(same) else (),
        tuple(notes),
    )


class _Lines:
    """Lines of a file, but blank ones and a last one that ends within the coordinates of an atom.

    Attributes
    ----------
    first, last
        Those of the file, known when it has been gone through.
    """

    first = last = ""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def cut(self) -> bool:
        """Whether the last line is left out."""
        return self.last.startswith(_ATOMS) and len(self.last.rstrip()) < _COORDINATES_END

    def __iter__(self) -> Iterator[str]:
        self.first = self.last = ""
        with open_unpacked(self._path) as raw, TextIOWrapper(raw, "latin-1") as file:
            for line in file:
                if line.strip():
                    if self.last:
                        yield self.last
                    self.first, self.last = self.first or line, line
        if self.last and not self.cut:
            yield self.last


def misplaced(path: Path) -> RequestError | None:
    """Why a PDB file cannot be read: the first atom whose columns hold no coordinates."""
    with open_unpacked(path) as file:
        for number, raw in enumerate(file, start=1):
            line = raw.decode("latin-1").rstrip()
            if not line.startswith(_ATOMS) and not line.startswith("ATOM "):
                continue
            try:
                _ = [float(line[a : a + 8]) for a in (30, 38, 46)]
            except ValueError:
                return RequestError(
                    f"{path}:{number}: columns 31 to 54, {line[30:54]!r}, are no coordinates of "
                    "three times eight columns",
                    "PDB has fixed columns: write it anew with a program that keeps them, or as "
                    "mmCIF, which has none",
                )
    return None


def _rewritten(lines: Iterable[str], *, parted: bool) -> str:
    """Text with decimal residue numbers; blocks of atoms that END parts are numbered as models."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if parted and line.strip() == "END":
            blocks.append([])
        else:
            blocks[-1].append(in_decimal(line.rstrip("\n")) + "\n")
    if not parted:
        return "".join(blocks[0])
    full = [block for block in blocks if any(line.startswith(_ATOMS) for line in block)]
    return "".join(
        line
        for number, block in enumerate(full, start=1)
        for line in (f"MODEL     {number % 10_000:4d}\n", *block, "ENDMDL\n")
    )


def in_decimal(line: str) -> str:
    """Write the residue number of an atom's line modulo 10,000, where it is in hybrid-36."""
    number, end = line[_NUMBER_COLUMNS], _NUMBER_COLUMNS.stop
    if not line.startswith(_ATOMS) or not _HYBRID.fullmatch(number):
        return line
    return f"{line[: _NUMBER_COLUMNS.start]}{_decoded(number) % _FIRST_LETTERED:4d}{line[end:]}"


def _decoded(number: str) -> int:
    """Value of four digits: capitals count on from 9999, small letters from ZZZZ."""
    value = int(number, 36) - 10 * 36**3 + _FIRST_LETTERED
    return value + 26 * 36**3 if number[0].islower() else value


def _models(lines: Iterable[str]) -> tuple[list[tuple[int, float | None]], bool, bool]:
    """Go through the models of a file.

    Returns
    -------
    models
        A number that stands for the atoms of each, and the time that its title gives it.
    lettered
        Whether a residue number begins with a letter.
    parted
        Whether it is END that parts them, and no MODEL.
    """
    models: list[tuple[int, float | None]] = []
    atoms: list[str] = []
    said: float | None = None
    numbered = begun = ended = lettered = parted = False
    for line in lines:
        cp2k = _CP2K_TIME.match(line) if line[:6] == "REMARK" else None
        atom, model, title = line.startswith(_ATOMS), line[:5] == "MODEL", line[:5] == "TITLE"
        title = title or cp2k is not None
        if (model and begun) or (atoms and (title or (atom and ended))):
            models.append((hash(tuple(atoms)), said))  # a title is of the next one
            parted |= ended
            atoms, said, begun, ended = [], None, False, False
        if atom:
            atoms.append(line[12:17] + line[21:27])
            lettered |= line[22:23].isalpha()
        elif model:
            numbered, begun, ended = True, True, False
        elif title:
            found = _TIME.search(line)
            said = float(found[1]) if found else None
            said = float(cp2k[1]) * 1e-3 if cp2k else said
        elif line.strip() == "END":
            ended = not numbered
    return [*models, (hash(tuple(atoms)), said)], lettered, parted


def other_models_note(path: Path, left_out: int, count: int) -> str:
    """Sentence on models of other atoms."""
    return f"{path.name}: {left_out} of its {count} models have other atoms: left out"
