"""The index of a GSD file, held against its bytes before the library's C trusts it.

Format: https://gsd.readthedocs.io/en/stable/file-layer.html
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import RequestError

_HEADER = struct.Struct("<QQQQQII64s64s80s")
_MAGIC = 0x65DF65DF65DF65DF
_NAME_BYTES = 64
_VERSION_2 = 2 << 16
"""From it on, names are of any length, one behind the other."""
_ENTRY = np.dtype(
    [
        ("frame", "<u8"),
        ("rows", "<u8"),
        ("at", "<i8"),
        ("columns", "<u4"),
        ("name", "<u2"),
        ("kind", "u1"),
        ("flags", "u1"),
    ]
)
_KINDS = {1: "<u1", 2: "<u2", 3: "<u4", 4: "<u8", 5: "<i1", 6: "<i2", 7: "<i4", 8: "<i8"}
_BYTES = np.array([0, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 1])
"""Of a number of each kind, the last three single and double precision and letters."""


def check_gsd(path: Path) -> None:
    """Refuse a file whose index leads out of it, or that has more particles or bonds than bytes.

    The library's C looks at some entries alone, and ends the process on the others. What a frame
    does not say is made anew for all of its particles, however many it claims.

    Raises
    ------
    RequestError
        It is one of these.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            counts = _counts(file, size)
    except (ValueError, struct.error, OSError) as error:
        raise RequestError(
            f"{path}: its index cannot be read", "it is damaged: get it again"
        ) from error
    for what, count in counts.items():
        if count > size:
            raise RequestError(
                f"{path}: says it has {count:,} {what}, in {size:,} bytes",
                "it is damaged: get it again",
            )


def _counts(file: IO[bytes], size: int) -> dict[str, int]:
    """Most particles, bonds and the like of any frame."""
    magic, index_at, entries, names_at, most_names, _, version, *_ = _HEADER.unpack(
        file.read(_HEADER.size)
    )
    index_bytes, names_bytes = _ENTRY.itemsize * entries, _NAME_BYTES * most_names
    ends = (index_at + index_bytes, names_at + names_bytes)
    if magic != _MAGIC or not index_bytes or not names_bytes or max(ends) > size:
        raise ValueError("a list that lies outside of the file")
    file.seek(names_at)
    names = _names(file.read(names_bytes), version)
    file.seek(index_at)
    index = np.frombuffer(file.read(index_bytes), dtype=_ENTRY)
    used = _checked(index, len(names), size)
    counts: dict[str, int] = {}
    for name, what in enumerate(names):
        kind = what.rpartition("/")
        if kind[2] == "N":
            found = [_number(file, entry) for entry in used[used["name"] == name]]
            counts[kind[0]] = max(found, default=0)
    return counts


def _names(raw: bytes, version: int) -> list[str]:
    if raw[-1]:
        raise ValueError("a name without an end")
    step = _NAME_BYTES if version < _VERSION_2 else 0
    names, at = [], 0
    while at < len(raw) and raw[at]:
        name = raw[at : raw.index(0, at)]
        names.append(name.decode())
        at += step or len(name) + 1
    return names


def _checked(index: NDArray[np.void], names: int, size: int) -> NDArray[np.void]:
    """Entries that are in use: those before the first that lies nowhere."""
    nowhere = np.flatnonzero(index["at"] == 0)
    count = int(nowhere[0]) if len(nowhere) else len(index)
    used = index[:count]
    if (index["at"][count:] != 0).any() or (used["kind"] >= len(_BYTES)).any():
        raise ValueError("an entry that is none")
    ends = used["at"] + used["rows"].astype(np.float64) * used["columns"] * _BYTES[used["kind"]]
    frames = used["frame"]
    whole = (
        (used["kind"] > 0).all()
        and (used["columns"] > 0).all()
        and (used["flags"] == 0).all()
        and (used["at"] > 0).all()
        and (ends <= size).all()
        and (used["name"] < names).all()
        and (frames < len(index)).all()
        and (frames[1:] >= frames[:-1]).all()
    )
    if not whole:
        raise ValueError("an entry that leads out of the file")
    return used


def _number(file: IO[bytes], entry: np.void) -> int:
    """The first number that an entry points to."""
    kind = _KINDS.get(int(entry["kind"]))
    if kind is None or entry["rows"] < 1:
        raise ValueError("a count that is no whole number")
    file.seek(int(entry["at"]))
    return int(np.frombuffer(file.read(np.dtype(kind).itemsize), dtype=kind)[0])
