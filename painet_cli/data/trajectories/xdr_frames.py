"""What XTC and TRR files leave to be found: where the last frame ends, its step and its time.

Formats: https://manual.gromacs.org/current/reference-manual/file-formats.html
"""

from __future__ import annotations

import struct
from pathlib import Path

_XTC_FLOATS = 9
"""Up to so many atoms, coordinates are plain floats."""
_XTC_HEAD = 56
_LARGE_XTC = 2023
"""First number of a frame whose size takes eight bytes."""
_TRR_TITLE = 24
_TRR_SIZES = 10


def frame_end(path: Path, name: str, offset: int) -> int:
    """Where the frame ends that begins at an offset: beyond the file, where that is cut short.

    Parameters
    ----------
    name
        `XTC` or `TRR`.
    """
    head = _head(path, offset)
    try:
        return offset + (_xtc_size(head) if name == "XTC" else _trr_size(head))
    except struct.error:  # not even its head is whole
        return path.stat().st_size + 1


def clock_at(path: Path, name: str, offset: int) -> tuple[int, float] | None:
    """Step and picoseconds of the frame that begins at an offset; None where its head is cut."""
    head = _head(path, offset)
    try:
        if name == "XTC":
            step, time = struct.unpack(">if", head[8:16])
        else:
            at, real = _TRR_TITLE + 4 * _TRR_SIZES, _trr_real(head)
            (step,) = struct.unpack(">i", head[at + 4 : at + 8])
            (time,) = struct.unpack(">d" if real == 8 else ">f", head[at + 12 : at + 12 + real])
    except struct.error:
        return None
    return int(step), float(time)


def _head(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(256)


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
