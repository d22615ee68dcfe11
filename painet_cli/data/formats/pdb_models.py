"""Which models of a PDB file have the atoms of its first."""

from __future__ import annotations

from pathlib import Path

from painet_cli.data.formats.text_frames import OPENERS, open_plain


def same_models(path: Path) -> list[int]:
    """Numbers of the models with the first one's atoms, from 0.

    Atoms are the same where name, place (altloc), chain, residue number and insertion code are.
    A file without models is one.
    """
    first: int | None = None
    same: list[int] = []
    atoms: list[bytes] = []
    count = 0
    with OPENERS.get(path.suffix.lower(), open_plain)(path) as file:
        for line in file:
            if line.startswith(b"MODEL"):
                if count:
                    first = _compare(atoms, first, same, count - 1)
                count, atoms = count + 1, []
            elif line.startswith((b"ATOM  ", b"HETATM")):
                atoms.append(line[12:17] + line[21:27])
    _compare(atoms, first, same, max(0, count - 1))
    return same


def _compare(atoms: list[bytes], first: int | None, same: list[int], number: int) -> int:
    identity = hash(tuple(atoms))
    if first is None or identity == first:
        same.append(number)
    return identity if first is None else first


def other_models_note(path: Path, left_out: int, count: int) -> str:
    """Sentence on models of other atoms."""
    return f"{path.name}: {left_out} of its {count} models have other atoms: left out"
