"""SDF and MOL files (MDL V2000): elements, bonds and coordinates of a molecule's records.

Format: https://discover.3ds.com/ctfile-documentation-request-form
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.frame import Frame, FrameReader
from painet_cli.data.particles.elements import is_element
from painet_cli.data.particles.particles import Particles, particles_of_kinds
from painet_cli.errors import RequestError
from painet_cli.storage.archives import read_bytes

_RECORD_END = "$$$$"
_HEAD = 4
"""Three lines of title, and that of the counts."""
_HINT = "expected a MOL or SDF file as MDL V2000 has it"


class SdfReader(FrameReader):
    """Records of an SDF file, which have no times; see `FrameReader`.

    Attributes
    ----------
    elements
        Symbol of every atom.
    bonds
        Pairs of atoms.

    Raises
    ------
    RequestError
        It is no such file, or its records are of different molecules.
    """

    def __init__(self, path: Path) -> None:
        lines = read_bytes(path).decode("latin-1").splitlines()
        records, begin = [], 0
        for k, line in enumerate(lines):
            if line.strip() == _RECORD_END:
                records.append((begin, lines[begin:k]))
                begin = k + 1
        if any(line.strip() for line in lines[begin:]):
            records.append((begin, lines[begin:]))
        if not records:
            raise RequestError(f"{path}: holds no molecule", _HINT)
        self._frames = []
        for number, (at, record) in enumerate(records):
            elements, bonds, x = _molecule(record, f"{path}:{at + _HEAD}")
            if not number:
                self.elements, self.bonds = elements, bonds
            elif (elements, bonds) != (self.elements, self.bonds):
                raise RequestError(
                    f"{path}: record {number} is another molecule than record 0",
                    "give the records of one molecule",
                )
            self._frames.append(x)
        self.n_frames, self.n_atoms = len(self._frames), len(self.elements)

    def __getitem__(self, number: int) -> Frame:
        """Frame by number."""
        return Frame(number, self._frames[number])


_DIMENSION = slice(20, 22)
"""Columns of a molecule's second line that say `2D` or `3D`."""


def read_sdf(path: Path) -> Particles:
    """Elements and bonds of the molecule of an SDF file; raises as `SdfReader` does."""
    read = SdfReader(path)
    names = [f"{one}{k}" for k, one in enumerate(read.elements, start=1)]
    return particles_of_kinds(names, read.elements, bonds=read.bonds, elements=read.elements)


def _molecule(
    lines: list[str], where: str
) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...], NDArray[np.float32]]:
    counts = lines[_HEAD - 1] if len(lines) >= _HEAD else ""
    if "V3000" in counts:
        raise RequestError(f"{where}: MDL V3000, which is not read", "write it as V2000 or MOL2")
    try:
        atoms, bonds = int(counts[:3]), int(counts[3:6])
        rows = lines[_HEAD : _HEAD + atoms]
        x = np.array([[float(row[k : k + 10]) for k in (0, 10, 20)] for row in rows])
        elements = tuple(row[30:34].strip().capitalize() for row in rows)
        pairs = [
            (int(row[:3]) - 1, int(row[3:6]) - 1)
            for row in lines[_HEAD + atoms : _HEAD + atoms + bonds]
        ]
    except ValueError:
        raise RequestError(f"{where}: no counts, atoms and bonds follow", _HINT) from None
    if atoms < 1 or len(rows) < atoms or len(pairs) < bonds or not all(map(is_element, elements)):
        raise RequestError(f"{where}: {atoms} atoms are announced, and not there", _HINT)
    _check_drawn(where, lines[1], elements, pairs, x)
    if any(i == j or not 0 <= min(i, j) <= max(i, j) < atoms for i, j in pairs):
        raise RequestError(f"{where}: a bond does not join two of the {atoms} atoms", _HINT)
    return elements, tuple(sorted((min(p), max(p)) for p in pairs)), x.astype(np.float32)


def _check_drawn(
    where: str,
    program: str,
    elements: tuple[str, ...],
    pairs: list[tuple[int, int]],
    x: NDArray[np.float64],  # (N, 3)
) -> None:
    """Refuse a drawing: by what its second line says, or a flat carbon of four bonds."""
    ends = [end for pair in pairs for end in pair]
    flat = not np.ptp(x[:, 2]) and any(
        one == "C" and ends.count(k) > 3 for k, one in enumerate(elements)
    )
    if program[_DIMENSION] == "2D" or flat:
        raise RequestError(
            f"{where}: a drawing in two dimensions, and no structure",
            "make one of it first, such as with RDKit (EmbedMolecule) or obabel --gen3d",
        )
