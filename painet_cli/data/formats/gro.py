"""GRO files of one frame or many, with the velocities and times that they hold.

Format: https://manual.gromacs.org/current/reference-manual/file-formats.html#gro
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.frame import ANGSTROMS, Frame, time_between
from painet_cli.data.formats.text_frames import TextFrames, is_number
from painet_cli.errors import RequestError

_TIME = re.compile(r"\bt=\s*([-+.\deE]+)")
_TOUCHING = re.compile(r"-?\d+\.\d{5}")
_NAMES = 20
"""Columns of residue, name and number before the coordinates."""
_NANOMETRE = ANGSTROMS["nanometre"]


class GroReader:
    """Frames of a GRO file; see `FrameReader`.

    Raises
    ------
    RequestError
        It is no GRO file, or its frames have different numbers of atoms.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = TextFrames(path, count_line=1, tail=1)
        self.n_atoms = self._text.n_atoms
        try:
            self._text.check_end(self.__getitem__)
            self.n_frames, self.notes = self._text.n_frames, self._text.notes
            first = range(min(2, self.n_frames))
            self.frame_time_ps = time_between([title_time(self._text.lines(k)[0]) for k in first])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._text.close()

    def __getitem__(self, number: int) -> Frame:
        """Frame by number.

        Raises
        ------
        RequestError
            A line is no atom, or the last one no box.
        """
        title, _, *atoms, box = self._text.lines(number)
        where = f"{self.path}: frame {number}"
        # the distance of two decimal points is the width of a column
        dots = [k for k, letter in enumerate(atoms[0][_NAMES:]) if letter == "."]
        width = dots[1] - dots[0] if len(dots) > 2 else 8
        columns = [slice(_NAMES + k * width, _NAMES + (k + 1) * width) for k in range(6)]
        x = _table(atoms, columns[:3], where) * _NANOMETRE
        velocities = None
        if all(len(line.rstrip()) > columns[3].start for line in atoms):
            # a digit more than coordinates have, in the same width
            velocities = (_table(atoms, columns[3:], where) * _NANOMETRE).astype(np.float32)
        return Frame(
            number,
            x.astype(np.float32),
            gro_box(box, where),
            title_time(title) or 0.0,
            velocities,
        )


def title_time(title: str) -> float | None:
    """Picoseconds that GROMACS writes into a title; None where there are none."""
    found = _TIME.search(title)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None


def _table(lines: list[str], columns: list[slice], where: str) -> NDArray[np.float64]:
    rows = [[line[one] for one in columns] for line in lines]
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError:
        bad = next(k for k, row in enumerate(rows) if not all(map(is_number, row)))
        raise RequestError(
            f"{where}: {lines[bad][_NAMES:][:60]!r} of atom {bad} are no coordinates",
            "expected GRO's columns: residue, name, number, x, y, z in nm",
        ) from None


def gro_box(line: str, where: str) -> NDArray[np.float64] | None:
    """Edges (3, 3) in angstrom of 3 lengths, or of 9 numbers in the order of GROMACS."""
    words = line.split()
    if len(words) == 1:  # numbers that fill their columns touch
        words = _TOUCHING.findall(line)
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) not in (3, 9):
        raise RequestError(
            f"{where}: its last line, {line.strip()[:40]!r}, is no box",
            "expected three or nine lengths in nm",
        )
    box = np.diag(numbers[:3])
    if len(numbers) == 9:
        box[0, 1], box[0, 2], box[1, 0], box[1, 2], box[2, 0], box[2, 1] = numbers[3:]
    return box * _NANOMETRE if box.any() else None
