"""What ASE reads: its own `.traj`, VASP's files, FHI-aims', and the output of Quantum ESPRESSO."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from painet_cli.data.formats.frame import Frame, FrameReader
from painet_cli.data.particles.elements import HEAVIEST, symbol
from painet_cli.data.particles.particles import Particles, particles_of_kinds
from painet_cli.errors import RequestError

_PW_STEP = re.compile(rb"Time step +=\s*([.\d]+) a\.u\.,")
_RYDBERG_PS = 4.8377687e-5
"""Picoseconds in the unit of time of Rydberg's atomic units, in which pw.x has its steps."""


class AseReader(FrameReader):
    """Frames of a file as ASE reads them, which says no times; see `FrameReader`.

    Parameters
    ----------
    form
        What ASE calls its format.
    path
        The file.

    Attributes
    ----------
    numbers
        Atomic number of every atom.

    Raises
    ------
    RequestError
        It is damaged, of another format, or its frames have different atoms.
    """

    def __init__(self, form: str, path: Path) -> None:
        import ase.io

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what moves to plug-ins of ASE
                self._images: list[Any] = list(ase.io.read(str(path), index=":", format=form))
        except Exception as error:
            raise RequestError(
                f"{path}: cannot be read", f"check that it is whole, and {form} as ASE has it"
            ) from error
        self.path = path
        self.n_frames = len(self._images)
        self.numbers = tuple(map(int, self._images[0].numbers)) if self._images else ()
        self.n_atoms = len(self.numbers)
        if not self.n_atoms:
            raise RequestError(f"{path}: holds no atoms", "is it the right file?")
        unknown = [number for number in self.numbers if not 1 <= number <= HEAVIEST]
        if unknown:
            raise RequestError(f"{path}: {unknown[0]} is no atomic number", "is it the right file?")
        for k, image in enumerate(self._images):
            if tuple(image.numbers) != self.numbers:
                raise RequestError(
                    f"{path}: frame {k} has other atoms than frame 0",
                    "give frames of the same atoms in the same order",
                )

    def __getitem__(self, number: int) -> Frame:
        """Frame by number."""
        from ase.units import fs

        image = self._images[number]
        box = np.array(image.cell) * image.pbc[:, None] if image.pbc.any() else None
        velocities = None
        if image.has("momenta"):
            velocities = (image.get_velocities() * fs * 1e3).astype(np.float32)
        time_ps = number * (self.frame_time_ps or 0.0)
        return Frame(number, image.positions.astype(np.float32), box, time_ps, velocities)


class EspressoReader(AseReader):
    """Frames of the output of Quantum ESPRESSO's pw.x, its time step between them where it has one.

    The first is where the run began. Raises as `AseReader` does.
    """

    def __init__(self, path: Path) -> None:
        super().__init__("espresso-out", path)
        with path.open("rb") as file:
            said = next((found for line in file if (found := _PW_STEP.search(line))), None)
        if said and self.n_frames > 1:
            self.frame_time_ps = float(f"{float(said[1]) * _RYDBERG_PS:.6g}")


def read_ase(form: str, path: Path) -> Particles:
    """Elements of the atoms of a file that ASE reads; raises as `AseReader` does."""
    elements = tuple(map(symbol, AseReader(form, path).numbers))
    return particles_of_kinds(elements, elements, elements=elements)
