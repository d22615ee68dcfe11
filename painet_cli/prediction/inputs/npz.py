"""A molecule in MD17's npz schema, as an input of a prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.md17_npz import read_molecule
from painet_cli.data.particles.bonds import covalent_bonds
from painet_cli.data.particles.elements import atoms, symbol
from painet_cli.data.particles.origin import kept_digits
from painet_cli.data.particles.stretched import refuse_other_order
from painet_cli.data.particles.unit import refuse_other_unit
from painet_cli.data.sources.plausible import OTHER_Z
from painet_cli.data.trajectories.reader import check_file
from painet_cli.prediction.inputs.described import ParticleRecording
from painet_cli.prediction.inputs.recording import Frames, check_several


class NpzRecording(ParticleRecording):
    """A molecule in MD17's npz schema or rMD17's, read in pieces; it says no time of a frame."""

    def __init__(self, path: Path) -> None:
        check_file(path)
        self._held = read_molecule(path)
        numbers = self._held.numbers
        check_several(path, len(numbers))
        super().__init__(path, self._held.positions.shape[0], None)
        self.first = next(self._held.chunks(1))[0]
        bonds: tuple[tuple[int, int], ...] = ()
        # cKDTree takes finite positions only; the frame itself is refused when it is read
        if np.isfinite(self.first).all():
            elements = tuple(symbol(number) for number in numbers)
            refuse_other_unit(self._held.positions.where, elements, self.first)
            bonds = covalent_bonds(self.first, elements)
            joined = np.array(bonds, dtype=np.int64).reshape(-1, 2)
            refuse_other_order(self._held.positions.where, elements, joined, self.first, OTHER_Z)
        self.particles = atoms(numbers, bonds)

    def _frames(self, first: int, stop: int, indices: NDArray[np.int64]) -> Frames:
        shape = (stop - first, len(indices), 3)
        frames: NDArray[np.floating] = np.empty(shape, dtype=kept_digits(self.first, None).dtype)
        row = 0
        for block in self._held.chunks():
            low, high = max(first, row), min(stop, row + len(block))
            if low < high:
                frames[low - first : high - first] = block[low - row : high - row, indices]
            row += len(block)
            if row >= stop:
                break
        return Frames(frames)
