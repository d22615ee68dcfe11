"""What the headers of DCD files say of their writer, the time between frames, and a cut end.

CHARMM, NAMD and OpenMM write the time step in AKMA units (48.888 fs), CP2K in fs, LAMMPS in its own
unit (fs with `units real`); VMD and mdtraj know no times and write 1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from painet_cli.data.formats.frame import LAMMPS_FEMTOSECONDS
from painet_cli.errors import RequestError

AKMA_PS = 0.04888821
"""Picoseconds in CHARMM's unit of time."""
_LONGEST_STEP = 0.4
"""AKMA units, 20 fs: a time step beyond it is in another unit, unless its writer is known."""
_WRITERS = ("CHARMM", "NAMD", "OPENMM", "CREATED BY USER", "DCD PLUGIN", "CP2K", "LAMMPS")
_CONTROL = struct.calcsize("4s9if10i")


@dataclass(frozen=True)
class DcdHeader:
    """The head of a DCD file.

    Attributes
    ----------
    title
        What its writer says of itself, in capitals.
    time_step
        In the writer's unit of time.
    steps_between
        Time steps from frame to frame.
    first_step
        Of the first frame.
    cut
        Whether the file ends within a frame.
    """

    title: str
    time_step: float
    steps_between: int
    first_step: int
    cut: bool

    @classmethod
    def read(cls, path: Path) -> DcdHeader:
        """Read the head of a file.

        Raises
        ------
        RequestError
            It is none of a DCD.
        """
        with path.open("rb") as file:
            start = file.read(8 + _CONTROL)
            order = "<" if start[:4] == b"\x54\0\0\0" else ">"
            try:
                _, *control = struct.unpack(f"{order}4s9if10i", start[4:88])
                (length,) = struct.unpack(f"{order}i", file.read(4))
                title = file.read(min(length, 2**16) if length > 0 else 0)
                file.seek(92 + 4 + length + 4)
                # without a sign: no number of atoms makes a frame of no bytes
                _, n_atoms, _ = struct.unpack(f"{order}iIi", file.read(12))
            except (struct.error, OSError, ValueError) as error:
                raise RequestError(f"{path}: has no head of a DCD", "get it again") from error
        fixed, cell, four_d = control[8], control[10], control[11]
        frame = (56 if cell else 0) + (4 if four_d else 3) * (8 + 4 * n_atoms)
        body = path.stat().st_size - (92 + 8 + length + 12)
        return cls(
            title=title[4:].decode("latin-1").upper(),
            time_step=float(control[9]),
            steps_between=max(1, control[2]),
            first_step=max(0, control[1]),
            # where atoms are fixed, the first frame is larger than the others: not told
            cut=not fixed and body % frame != 0,
        )

    @property
    def unsaid(self) -> bool:
        """Whether no writer is named, and the time step is no molecule's in AKMA units."""
        named = any(name in self.title for name in _WRITERS)
        return not named and self.steps_between > 1 and self.time_step >= _LONGEST_STEP

    @property
    def frame_time_ps(self) -> float | None:
        """Picoseconds between frames; None where the writer knew no times."""
        step, steps = self.time_step, self.steps_between
        says_none = step == 1.0 and (steps == 1 or "DCD PLUGIN" in self.title)
        if "CP2K" in self.title and step > 0:
            return step * steps * 1e-3
        if says_none or not step > 0:
            return None
        if "LAMMPS" in self.title or self.unsaid:
            low, high = LAMMPS_FEMTOSECONDS
            return step * steps * 1e-3 if low <= step <= high else None
        return step * steps * AKMA_PS
