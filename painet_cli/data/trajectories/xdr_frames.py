"""What XTC and TRR files leave to be found: where the last frame ends, and late times.

Formats: https://manual.gromacs.org/current/reference-manual/file-formats.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_XTC_FLOATS = 9
"""Up to so many atoms, coordinates are plain floats."""
_XTC_HEAD = 56
_LARGE_XTC = 2023
"""First number of a frame whose size takes eight bytes."""
_TRR_TITLE = 24
_TRR_SIZES = 10
_COARSE = 1e-3
"""Share of the time between frames up to which rounding it does not matter."""
_DOUBT = 0.02
"""The same up to which the mean of many is known."""


def frame_end(path: Path, name: str, offset: int) -> int:
    """Where the frame ends that begins at an offset: beyond the file, where that is cut short.

    Parameters
    ----------
    name
        `XTC` or `TRR`.
    """
    with path.open("rb") as file:
        file.seek(offset)
        head = file.read(256)
    try:
        return offset + (_xtc_size(head) if name == "XTC" else _trr_size(head))
    except struct.error:  # not even its head is whole
        return path.stat().st_size + 1


def time_at(path: Path, name: str, offset: int) -> float | None:
    """Picoseconds of the frame that begins at an offset, by its head; None where that is cut."""
    with path.open("rb") as file:
        file.seek(offset)
        head = file.read(256)
    try:
        if name == "XTC":
            return float(struct.unpack(">f", head[12:16])[0])
        at = _TRR_TITLE + 4 * _TRR_SIZES + 12
        real = _trr_real(head)
        return float(struct.unpack(">d" if real == 8 else ">f", head[at : at + real])[0])
    except struct.error:
        return None


def _xtc_size(head: bytes) -> int:
    magic, count = struct.unpack(">2i", head[:8])
    if count <= _XTC_FLOATS:
        return int(_XTC_HEAD + 12 * count)
    at = _XTC_HEAD + 4 + 12 + 12 + 4  # precision, least and largest numbers, an index
    width = 8 if magic == _LARGE_XTC else 4
    (packed,) = struct.unpack(">q" if width == 8 else ">i", head[at : at + width])
    return at + width + (int(packed) + 3) // 4 * 4


def _trr_size(head: bytes) -> int:
    return int(_TRR_TITLE + 4 * _TRR_SIZES + 12 + 2 * _trr_real(head) + sum(_trr_sizes(head)))


def _trr_sizes(head: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{_TRR_SIZES}i", head[_TRR_TITLE : _TRR_TITLE + 4 * _TRR_SIZES])


def _trr_real(head: bytes) -> int:
    """Bytes of a number in a TRR file."""
    sizes = _trr_sizes(head)
    (count,) = struct.unpack(">i", head[_TRR_TITLE + 40 : _TRR_TITLE + 44])
    box, vectors = sizes[2], max(sizes[7:])
    return int(box // 9 if box else vectors // max(1, 3 * count))


@dataclass(frozen=True)
class LateTimes:
    """Times of evenly spaced frames so late that single precision rounds them unevenly.

    Attributes
    ----------
    begin_ps, frame_time_ps
        Of the first frame, and from one to the next.
    coarse_ps
        What times are rounded to.
    """

    begin_ps: float
    frame_time_ps: float
    coarse_ps: float

    @classmethod
    def of(cls, begin: float, end: float, count: int, first: float) -> LateTimes | None:
        """What the times of the first and the last frame say; None where it is not needed.

        Of the times between frames that they leave open, the one of the fewest digits is taken.

        Parameters
        ----------
        first
            Picoseconds from the first frame to the next, as the file has them.
        """
        coarse = float(np.spacing(np.float32(max(abs(begin), abs(end)))))
        mean = (end - begin) / (count - 1)
        doubt = coarse / (count - 1)
        if not (_COARSE * mean < coarse and doubt < _DOUBT * mean) or abs(mean - first) > coarse:
            return None
        tries = (float(f"{mean:.{digits}g}") for digits in range(1, 7))
        return cls(begin, next((one for one in tries if abs(one - mean) < doubt), mean), coarse)

    def time_ps(self, number: int, said: float) -> float:
        """Time of a frame; as the file says it where that is another than by rounding."""
        even = self.begin_ps + number * self.frame_time_ps
        return even if abs(even - said) <= self.coarse_ps else said
