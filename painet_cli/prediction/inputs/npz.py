"""A molecule in MD17's npz schema, as an input of a prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.md17_npz import read_headers
from painet_cli.data.particles.bonds import covalent_bonds
from painet_cli.data.particles.elements import atoms, symbol
from painet_cli.data.particles.origin import kept_digits
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.described import ParticleRecording
from painet_cli.prediction.inputs.recording import Frames, check_several

_SCHEMA = "expected MD17's schema: R (frames, atoms, 3) in angstrom and z (atoms,)"
_HEAVIEST = 118


class NpzRecording(ParticleRecording):
    """A molecule in MD17's npz schema, read in pieces; it does not say the time of a frame."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise RequestError(f"{path}: no such file", "check the path")
        members = read_headers(path)
        if "R" not in members or "z" not in members:
            held = ", ".join(list(members)[:5]) or "no arrays"
            raise RequestError(f"{path}: holds {held}, but not both R and z", _SCHEMA)
        self._member, numbers = members["R"], members["z"]
        shape, dtype = self._member.shape, self._member.dtype
        if len(shape) != 3 or shape[2] != 3 or not shape[0] or dtype not in ("<f4", "<f8"):
            raise RequestError(f"{self._member.where}: {dtype} {shape}, not positions", _SCHEMA)
        if numbers.shape != shape[1:2] or numbers.dtype.kind not in "iu":
            raise RequestError(f"{numbers.where}: {numbers.dtype} {numbers.shape}", _SCHEMA)
        z = [int(number) for number in numbers.read()]
        unknown = [number for number in z if not 1 <= number <= _HEAVIEST]
        if unknown:
            raise RequestError(f"{numbers.where}: {unknown[0]} is no atomic number", _SCHEMA)
        check_several(path, len(z))
        super().__init__(path, shape[0], None)
        self.first = next(self._member.chunks(1))[0]
        # cKDTree takes finite positions only; the frame itself is refused when it is read
        elements = [symbol(number) for number in z]
        bonds = covalent_bonds(self.first, elements) if np.isfinite(self.first).all() else ()
        self.particles = atoms(z, bonds)

    def _frames(self, first: int, stop: int, indices: NDArray[np.int64]) -> Frames:
        shape = (stop - first, len(indices), 3)
        frames: NDArray[np.floating] = np.empty(shape, dtype=kept_digits(self.first).dtype)
        row = 0
        for block in self._member.chunks():
            low, high = max(first, row), min(stop, row + len(block))
            if low < high:
                frames[low - first : high - first] = block[low - row : high - row, indices]
            row += len(block)
            if row >= stop:
                break
        return Frames(frames)
