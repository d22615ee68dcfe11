"""Text files whose frames are a heading, a line an atom and perhaps a line at the end.

The boxes of DL_POLY and LAMMPS are read here, too.
"""

from __future__ import annotations

import bz2
import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import RequestError

_HEAD = 2
"""Lines of a frame before its atoms."""
_NOT_PERIODIC, _SLAB = 0, 6
"""Periodic boundaries of DL_POLY: none at all, and none along the last edge."""
_FACES = re.compile(r"\b[pfsm]{2}\b")
"""What the box of a LAMMPS dump says of the two faces along an axis; `pp` is periodic."""
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open}


class TextFrames:
    """Where every frame of a text file begins, and its lines.

    Parameters
    ----------
    path
        The file, perhaps packed as .gz or .bz2.
    count_line
        Line of a frame, from 0, that says how many atoms it has.
    tail
        Lines after the atoms; two stand before them.

    Attributes
    ----------
    n_frames, n_atoms
        Whole frames, and atoms of each.
    cut
        Whether the file ends within a frame.

    Raises
    ------
    RequestError
        There is no whole frame, one has no number of atoms, or another one than the first.
    """

    def __init__(self, path: Path, *, count_line: int, tail: int) -> None:
        self.path = path
        self._file = open_unpacked(path)
        self._starts: list[int] = []
        self.n_atoms, self.cut, self._ends_in_a_line = 0, False, True
        self._tail, self._count_line = tail, count_line
        try:
            self._find_frames()
        except BaseException:
            self.close()
            raise
        self.n_frames = len(self._starts)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def lines(self, number: int) -> list[str]:
        """Lines of a frame, without their ends."""
        self._file.seek(self._starts[number])
        count = _HEAD + self.n_atoms + self._tail
        # Latin-1 reads any byte: what is not ASCII has a meaning only in titles
        return [self._file.readline().decode("latin-1").rstrip("\r\n") for _ in range(count)]

    def _find_frames(self) -> None:
        line_number = 0
        while True:
            at = self._file.tell()
            heading = [self._file.readline() for _ in range(_HEAD)]
            if not b"".join(heading[: self._count_line + 1]).strip():
                if not heading[0]:
                    break  # the end
                self._file.seek(at + len(heading[0]))  # a blank line between frames, or at the end
                line_number += 1
                continue
            said = heading[self._count_line].split()
            is_count = len(said) == 1 and said[0].isdigit() and len(said[0]) < 10
            count = int(said[0]) if is_count else 0
            if not count:
                if self._starts and not heading[-1]:
                    self.cut = True
                    break
                shown = heading[self._count_line].decode("latin-1").strip()[:40]
                raise RequestError(
                    f"{self.path}:{line_number + self._count_line + 1}: {shown!r} is not a number "
                    "of atoms",
                    "expected one at the head of every frame: is it the format its name says?",
                )
            index = len(self._starts)
            if index and count != self.n_atoms:
                raise RequestError(
                    f"{self.path}: frame {index} has {count:,} atoms, frame 0 has {self.n_atoms:,}",
                    "a prediction follows the same atoms: give the frames that have them all",
                )
            last = last_of(self._file, count + self._tail)
            if not last:
                self.cut = True
                break
            self._ends_in_a_line = last.endswith(b"\n")
            self.n_atoms = count
            self._starts.append(at)
            line_number += _HEAD + count + self._tail
        if not self._starts:
            raise RequestError(
                f"{self.path}: holds no whole frame", "it was cut short: get it again"
            )

    def check_end(self, read: Callable[[int], object]) -> None:
        """Leave out the last frame where its last line has no end, and cannot be read for that.

        Parameters
        ----------
        read
            Reads a frame by its number.

        Raises
        ------
        RequestError
            It is the only frame.
        """
        if self._ends_in_a_line or self.cut:
            return
        try:
            read(self.n_frames - 1)
        except RequestError:
            if self.n_frames == 1:
                raise
            self.n_frames, self.cut = self.n_frames - 1, True

    @property
    def notes(self) -> tuple[str, ...]:
        """That the file was cut, if it was."""
        return (cut_short(self.path, self.n_frames),) if self.cut else ()


def open_unpacked(path: Path) -> IO[bytes]:
    """Open a file, which is unpacked where its name ends in .gz or .bz2."""
    file: IO[bytes] = _OPENERS.get(path.suffix.lower(), Path.open)(path, "rb")
    return file


def last_of(file: IO[bytes], count: int) -> bytes:
    """Read so many lines, at least one, and give the last; empty where the file ends before."""
    last = b""
    for _ in range(count):
        last = file.readline()
        if not last:
            break
    return last


def is_number(word: str) -> bool:
    """Whether `float` reads a word, and so does NumPy."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def dl_poly_box(path: Path, offset: int | None = None) -> NDArray[np.float64] | None:
    """Edges (3, 3) of the box of a DL_POLY file as they lie, angstrom, zero where it is open.

    MDAnalysis keeps their lengths and angles alone. Format: DL_POLY 4 user manual, CONFIG and
    HISTORY files.

    Parameters
    ----------
    path
        A CONFIG, REVCON or HISTORY.
    offset
        Byte at which a frame of a HISTORY begins.

    Returns
    -------
    NDArray | None
        None where there is no box.

    Raises
    ------
    ValueError
        There are no numbers where its edges should be.
    """
    with open_unpacked(path) as file:
        file.readline()
        periodic = int(file.readline().split()[1])
        if offset is not None:
            file.seek(offset)
            file.readline()
        if periodic == _NOT_PERIODIC:
            return None
        box = np.array([file.readline().split() for _ in range(3)], dtype=np.float64)
    if periodic == _SLAB:
        box[2] = 0
    return box


def lammps_box(
    said: str, lines: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Origin (3,) and edges (3, 3) of a LAMMPS dump's box, and along which it is periodic (3,).

    Parameters
    ----------
    said
        What follows `ITEM: BOX`.
    lines
        The three lines after it.

    Raises
    ------
    ValueError, IndexError
        They are no box.
    """
    faces = _FACES.findall(said) or ["pp"] * 3
    periodic = np.array([faces[axis] == "pp" for axis in range(3)])
    rows = np.array([[float(word) for word in line.split()] for line in lines])
    if rows.shape[1] < (4 if said.startswith("BOUNDS abc") else 2) or not np.isfinite(rows).all():
        raise ValueError("no box")
    if said.startswith("BOUNDS abc"):
        return rows[:, 3], rows[:, :3], periodic
    low, high = rows[:, 0].copy(), rows[:, 1].copy()
    xy, xz, yz = rows[:, 2] if rows.shape[1] > 2 else np.zeros(3)
    low[0] -= min(0.0, xy, xz, xy + xz)
    high[0] -= max(0.0, xy, xz, xy + xz)
    low[1] -= min(0.0, yz)
    high[1] -= max(0.0, yz)
    box = np.diag(high - low)
    box[1, 0], box[2, 0], box[2, 1] = xy, xz, yz
    return low, box, periodic


def cut_short(path: Path, whole: int) -> str:
    """Sentence on a file that ends within a frame."""
    return (
        f"{path.name} is cut short: it ends within frame {whole:,}, and the {whole:,} whole frames "
        "before it are read"
    )
