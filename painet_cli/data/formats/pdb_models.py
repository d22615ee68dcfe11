"""Models of a PDB file: those with the atoms of its first, their times, and how it ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from painet_cli.data.formats.hybrid36 import in_decimal
from painet_cli.data.formats.text_frames import OPENERS, open_plain
from painet_cli.errors import RequestError

_ATOMS = ("ATOM  ", "HETATM")
_COORDINATES_END = 54
"""Columns up to the end of an atom's z."""
_TIME = re.compile(r"\bt=\s*([-+]?\d+(?:\.\d*)?)\b")
"""What GROMACS writes into the title of every model, in picoseconds."""


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
    with OPENERS.get(path.suffix.lower(), open_plain)(path) as file:
        lines = file.read().decode("latin-1").splitlines(keepends=True)
    changed, notes = in_decimal(lines), []
    while lines and not lines[-1].strip():
        lines.pop()
    if lines and lines[-1].startswith(_ATOMS) and len(lines[-1].rstrip()) < _COORDINATES_END:
        lines.pop()
        changed = True
        notes.append(f"{path.name} is cut short: it ends within the line of an atom, left out")
    elif lines and lines[0].startswith("HEADER") and not lines[-1].startswith(("END", "MASTER")):
        notes.append(f"{path.name} may be cut short: it has a HEADER, and no END")
    if not any(line.startswith("MODEL") for line in lines) and (parted := _by_end(lines)):
        lines, changed = parted, True
    models, times = _models(lines)
    same = [k for k, atoms in enumerate(models) if atoms == models[0]]
    known = [time for k in same if (time := times[k]) is not None]
    return PdbModels(
        "".join(lines) if changed else None,
        tuple(same),
        len(models),
        tuple(known) if len(known) == len(same) else (),
        tuple(notes),
    )


def misplaced(path: Path) -> RequestError | None:
    """Why a PDB file cannot be read: the first atom whose columns hold no coordinates."""
    with OPENERS.get(path.suffix.lower(), open_plain)(path) as file:
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


def _by_end(lines: list[str]) -> list[str]:
    """Number blocks of atoms that end in END as models; empty where there is one block."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.strip() == "END":
            blocks.append([])
        else:
            blocks[-1].append(line.rstrip("\r\n") + "\n")
    full = [block for block in blocks if any(line.startswith(_ATOMS) for line in block)]
    if len(full) < 2:
        return []
    models = [
        [f"MODEL     {number % 10_000:4d}\n", *block, "ENDMDL\n"]
        for number, block in enumerate(full, start=1)
    ]
    return [line for model in models for line in model]


def _models(lines: list[str]) -> tuple[list[int], list[float | None]]:
    """A number that stands for the atoms of each model, and the time that its title gives it."""
    models: list[int] = []
    times: list[float | None] = []
    atoms: list[str] = []
    said: float | None = None
    begun = False
    for line in lines:
        if line.startswith(_ATOMS):
            atoms.append(line[12:17] + line[21:27])
            continue
        model, title = line.startswith("MODEL"), line.startswith("TITLE")
        if (model and begun) or (title and atoms):  # a title is of the next model
            models.append(hash(tuple(atoms)))
            times.append(said)
            atoms, said, begun = [], None, False
        begun |= model
        if title:
            found = _TIME.search(line)
            said = float(found[1]) if found else None
    return [*models, hash(tuple(atoms))], [*times, said]


def other_models_note(path: Path, left_out: int, count: int) -> str:
    """Sentence on models of other atoms."""
    return f"{path.name}: {left_out} of its {count} models have other atoms: left out"
