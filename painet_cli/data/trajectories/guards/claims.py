"""What a text file of MDAnalysis' formats claims of its size, held against its bytes.

Its parsers take memory for as many atoms as a file says it has, unfold any archive and follow any
`#include`; a few bytes could take all there is.
"""

from __future__ import annotations

import re
from collections import deque
from io import TextIOWrapper
from itertools import islice
from pathlib import Path

from painet_cli.data.formats.text_frames import open_unpacked
from painet_cli.data.trajectories.guards.gsd_index import check_gsd
from painet_cli.data.trajectories.guards.includes import check_includes
from painet_cli.data.trajectories.readable import PACKED
from painet_cli.errors import RequestError
from painet_cli.storage.archives import DISTRUST, LARGEST_FILE_BYTES, MOST_UNFOLDED, brief

_ATOMS = {
    "PSF": re.compile(rb"^\s*(\d+)\s+!NATOM", re.MULTILINE),
    "GRO": re.compile(rb"\A[^\n]*\n\s*(\d+)"),
    "XYZ": re.compile(rb"\A\s*(\d+)"),
    "TXYZ": re.compile(rb"\A\s*(\d+)"),
}
"""Where a format says how many atoms it has."""
_WIDE = re.compile(rb"\d{4}")
"""A thousand columns or more: MDAnalysis makes a list of as many as a file says."""
_SEARCHED = 2**20


def check_claims(path: Path, name: str) -> None:
    """Refuse a file that would take more memory than its bytes account for.

    Parameters
    ----------
    path
        A regular file, perhaps packed as .gz or .bz2.
    name
        Its format, as `--format` calls it.

    Raises
    ------
    RequestError
        It says that it has more atoms than bytes, unfolds as no data do, or includes what is no
        file or more than a hundred of them.
    """
    start, size = _unpacked(path)
    found = _ATOMS[name].search(start) if name in _ATOMS else None
    if found and int(found[1][:18]) > size:
        raise _too_many(path, int(found[1][:18]), size)
    match name:
        case "PRMTOP":
            _check_columns(path)
        case "POSCAR":
            _check_numbers(path, size)
        case "XDATCAR":
            _check_elements(path, size)
        case "ITP":
            check_includes(path, [])
        case "GSD":
            check_gsd(path)


def _check_numbers(path: Path, size: int) -> None:
    """Refuse a POSCAR that lists more atoms of an element than it has bytes."""
    with open_unpacked(path) as file:
        title = file.readline()
        for line in file:
            words = line.decode("utf-8", "replace").split() if line != title else []
            try:  # as ASE takes them: with signs, and in any script
                most = max(map(int, words), default=0)
            except ValueError:
                continue
            if most > size:
                raise _too_many(path, most, size)


def _too_many(path: Path, atoms: int, size: int) -> RequestError:
    return RequestError(
        f"{path}: says it has {min(atoms, 10**18):,} atoms, in {size:,} bytes",
        "it is damaged: get it again",
    )


def _check_elements(path: Path, size: int) -> None:
    """Refuse an XDATCAR of more atoms than bytes, or of digits for elements, counts to ASE."""
    unpacked = open_unpacked(path)
    with TextIOWrapper(unpacked, "utf-8", "replace") as file:  # whose lines end as ASE's do
        atoms = 0
        while line := file.readline():
            if "Direct configuration=" not in line:
                *_, elements, counts = (file.readline() for _ in range(6))
                if not all(word.isalpha() for word in elements.split()):
                    raise RequestError(
                        f"{path}: {elements[:40].split()} are no elements",
                        "check that it is whole, and an XDATCAR",
                    )
                try:
                    numbers = [int(word) for word in counts.split()]
                except ValueError:
                    return  # the parser says what is wrong
                atoms = sum(numbers)
                if min(numbers, default=0) < 0 or atoms > size:
                    raise _too_many(path, max(numbers), size)
                file.readline()
            deque(islice(file, atoms), maxlen=0)


def _check_columns(path: Path) -> None:
    """Refuse a line of an AMBER topology that would have more columns than any line has."""
    with open_unpacked(path) as file:
        for line in file:
            if line.startswith(b"%FORMAT") and _WIDE.search(line):
                raise RequestError(
                    f"{path}: {line[:40].decode('latin-1').strip()!r} is no format of columns",
                    "it is damaged: get it again",
                )


def _unpacked(path: Path) -> tuple[bytes, int]:
    """First megabyte of a file as its parser sees it, and how many bytes it sees."""
    packed = path.stat().st_size
    try:
        with open_unpacked(path) as file:
            start, most = file.read(_SEARCHED), max(LARGEST_FILE_BYTES, MOST_UNFOLDED * packed)
            if path.suffix.lower() not in PACKED:
                return start, packed
            size = len(start)
            while size <= most and (piece := file.read(_SEARCHED)):
                size += len(piece)
    except (OSError, EOFError, ValueError) as error:
        raise RequestError(
            f"{path}: cannot be unpacked ({brief(error)})", "it is damaged: get it again"
        ) from error
    if size > most:
        raise RequestError(
            f"{path}: unfolds from {packed:,} to more than {most:,} bytes, as no data do",
            DISTRUST,
        )
    return start, size
