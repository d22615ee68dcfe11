"""What the heads of NetCDF trajectories say of their size, and those that end within a frame.

Format (classic, and with 64-bit offsets): https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from painet_cli.errors import RequestError

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8}
_MOST_ENTRIES = 1000
"""Dimensions, attributes or variables of one list; AMBER's have some ten."""
_UNSAID = 2**32 - 1
"""What stands for the number of records while a file is being written."""
_COUNT_AT = 4
"""Where the number of records stands."""


@dataclass(frozen=True)
class NetcdfHeader:
    """How many records (frames) a NetCDF file has.

    Attributes
    ----------
    said, whole
        Records that the file says it has, and those whose bytes are all there; of a file whose
        writer never came to its end, which says nothing, all that are.
    cut
        Whether the file ends within a record.
    """

    said: int
    whole: int
    cut: bool

    @classmethod
    def read(cls, path: Path) -> NetcdfHeader | None:
        """Read the head of a file; None where it is none of classic NetCDF.

        Raises
        ------
        RequestError
            The file ends before its first record is whole.
        """
        with path.open("rb") as file:
            if file.read(3) != b"CDF":
                return None
            try:
                said, first, size = _records(file)
            except (ValueError, KeyError, IndexError, UnicodeDecodeError):
                return None  # its reader says what it is
        held = max(0, path.stat().st_size - first)
        there = held // size if size else said
        cut = there < said if said != _UNSAID else bool(size and held % size)
        if said and not there:
            raise RequestError(
                f"{path}: ends within its first frame", "it was cut short: get it again"
            )
        return cls(said, min(said, there), cut)


class WholeRecords(io.FileIO):
    """A NetCDF file that says it has fewer records than its head does."""

    def __init__(self, path: Path, records: int) -> None:
        super().__init__(path, "rb")
        self._said = records.to_bytes(4, "big")

    def read(self, size: int | None = -1, /) -> bytes:
        """Bytes from where the file stands, with the other number of records in their place."""
        at = self.tell()
        raw = super().read(-1 if size is None else size) or b""
        begin, end = max(at, _COUNT_AT), min(at + len(raw), _COUNT_AT + 4)
        if begin >= end:
            return raw
        said = self._said[begin - _COUNT_AT : end - _COUNT_AT]
        return raw[: begin - at] + said + raw[end - at :]


def _records(file: Any) -> tuple[int, int, int]:
    """Number of records as said, byte of the first, and bytes of each."""
    offset_bytes = {1: 4, 2: 8}[_number(file, 1)]
    said = _number(file)
    sizes = []
    for _ in range(_entries(file)):
        _name(file)
        sizes.append(_number(file))
    _attributes(file)
    variables = []
    for _ in range(_entries(file)):
        _name(file)
        dimensions = [_number(file) for _ in range(_number(file))]
        _attributes(file)
        width = _TYPE_BYTES[_number(file)]
        _number(file)  # its size as said, which is undefined beyond 2 GiB
        begin = _number(file, offset_bytes)
        if dimensions and sizes[dimensions[0]] == 0:
            for dimension in dimensions[1:]:
                width *= sizes[dimension]
            variables.append((begin, width))
    if not variables:
        return said, file.tell(), 0
    # one variable alone is not padded
    size = variables[0][1] if len(variables) == 1 else sum(_padded(w) for _, w in variables)
    return said, min(begin for begin, _ in variables), size


def _attributes(file: Any) -> None:
    for _ in range(_entries(file)):
        _name(file)
        width = _TYPE_BYTES[_number(file)]
        file.seek(_padded(width * _number(file)), io.SEEK_CUR)


def _entries(file: Any) -> int:
    """Length of a list, behind its tag."""
    _number(file)
    count = _number(file)
    if count > _MOST_ENTRIES:
        raise ValueError(count)
    return count


def _name(file: Any) -> None:
    file.seek(_padded(_number(file)), io.SEEK_CUR)


def _padded(size: int) -> int:
    return size + -size % 4


def _number(file: Any, size: int = 4) -> int:
    raw = file.read(size)
    if len(raw) < size:
        raise ValueError("the head ends")
    return int.from_bytes(raw, "big")
