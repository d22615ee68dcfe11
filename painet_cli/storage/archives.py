"""The files of a source as a user has it: a folder, or an archive, never unpacked to disk."""

from __future__ import annotations

import io
import json
import lzma
import math
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import RequestError

LARGEST_FILE_BYTES = 64 * 2**20
LARGEST_FOLDER = 100_000
"""Files looked at: the folder of someone who gives `/` is not searched through."""
LARGEST_JSON_BYTES = 128 * 2**20
MOST_MEMBERS = 10_000
"""Files in an archive; CMU's whole one has 4,900."""
MOST_WHOLE = 2**63
"""A whole number from here on is none of ours, and would not fit where it goes."""
MOST_UNFOLDED = 100
"""Times its compressed size that a file in an archive may have, once it is larger than 64 MiB."""
LONGEST_REASON = 200
DISTRUST = "do not trust this file: get it again from where it was published"
_NPY_HEADER_BYTES = 2**16

Members = Mapping[str, Callable[[], bytes]]
"""Files by name relative to the source, each read when called."""

# What the standard library and NumPy raise on bytes that are not what they claim to be.
DAMAGED = (
    ArithmeticError,
    EOFError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def open_source(source: Path) -> Iterator[Members]:
    """Give the files below a folder, or in a zip archive (an .npz is one).

    Raises
    ------
    RequestError
        There is neither; later, a file cannot be read or is larger than 64 MiB.
    """
    if source.is_dir():
        found = (path for path in islice(source.rglob("*"), LARGEST_FOLDER) if path.is_file())
        yield {path.relative_to(source).as_posix(): partial(read_bytes, path) for path in found}
        return
    try:
        archive = zipfile.ZipFile(source)
    except DAMAGED as error:
        raise RequestError(
            f"{source}: cannot be read ({brief(error)})",
            "expected a folder, or a .zip or .npz archive",
        ) from error
    with archive:
        yield {
            info.filename: partial(_read_member, archive, info, f"{source}/{info.filename}")
            for info in checked_members(archive, source)
            if not info.is_dir()
        }


def checked_members(archive: zipfile.ZipFile, where: Path) -> list[zipfile.ZipInfo]:
    """List the members of an archive, none of them read yet.

    Raises
    ------
    RequestError
        They are too many, or one has a name that leads out of the archive or unfolds as no data do.
    """
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise RequestError(
            f"{where}: holds {len(members):,} files, more than {MOST_MEMBERS:,}",
            "is it the right file?",
        )
    for info in members:
        name = PurePosixPath(info.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in "".join(name.parts[:1]):
            raise RequestError(
                f"{where}: the name {info.filename[:80]!r} leads out of the archive",
                DISTRUST,
            )
        if not info.filename.isprintable() or len(info.filename) > LONGEST_REASON:
            raise RequestError(
                f"{where}: {info.filename[:80]!r} is no name of a file",
                DISTRUST,
            )
        if info.file_size > max(LARGEST_FILE_BYTES, MOST_UNFOLDED * info.compress_size):
            raise RequestError(
                f"{where}/{info.filename}: unfolds from {info.compress_size:,} bytes to "
                f"{info.file_size:,}, as no recorded numbers do",
                DISTRUST,
            )
    return members


def read_bytes(path: Path) -> bytes:
    """Bytes of a file.

    Raises
    ------
    RequestError
        It is missing, no regular file, unreadable or larger than 64 MiB.
    """
    return _read_regular(path, LARGEST_FILE_BYTES)


def read_json(path: Path, hint: str) -> Any:
    """Plain data of a JSON file, whose shape is yet to be checked.

    Raises
    ------
    RequestError
        It is missing, no regular file, unreadable, larger than 128 MiB or not JSON.
    """
    try:
        return json.loads(_read_regular(path, LARGEST_JSON_BYTES))
    # a number of thousands of digits is a ValueError, too many brackets a RecursionError
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path}: not JSON ({brief(error)})", hint) from error


def read_object(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is none to read."""
    with suppress(RequestError):
        content = read_json(path, "")
        return content if isinstance(content, dict) else None
    return None


def number(value: object) -> float | None:
    """A value of JSON where it is a number that float64 can hold; None otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, float) or abs(value) < MOST_WHOLE else None


def numbers_in(text: str | bytes, names: Sequence[str]) -> dict[str, Any]:
    """A line of JSON that has a number, or null, by each of some names.

    Raises
    ------
    ValueError
        It is no JSON, or a name is missing or has something else.
    """
    try:
        line = json.loads(text)
    except RecursionError as error:
        raise ValueError("too many brackets") from error
    if not isinstance(line, dict):
        raise ValueError("no names and values")
    for name in names:
        if name not in line or (line[name] is not None and number(line[name]) is None):
            raise ValueError(f"no number by the name of {name}")
    return line


def _read_regular(path: Path, largest_bytes: int) -> bytes:
    try:
        # a pipe or a device would be waited for, or never end
        if path.exists() and not path.is_file():
            raise RequestError(f"{path}: cannot be read (not a file)", "check the path")
        with path.open("rb") as file:
            raw = file.read(largest_bytes + 1)
    except (OSError, ValueError) as error:
        raise RequestError(f"{path}: cannot be read ({brief(error)})", "check the path") from error
    _check_size(len(raw), str(path), largest_bytes)
    return raw


def brief(error: BaseException) -> str:
    """What an error says, on one line of at most 200 letters: it may quote a whole file."""
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return reason[:LONGEST_REASON] or type(error).__name__


def last_line(error: BaseException) -> str:
    """The last line of what an error says, at most 200 letters of it: torch names every tensor."""
    lines = str(error).splitlines()
    return lines[-1].strip()[:LONGEST_REASON] if lines else type(error).__name__


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> bytes:
    # An archive never yields more bytes of a file than it declares, so a bomb ends here.
    _check_size(info.file_size, where)
    try:
        return archive.read(info)
    except DAMAGED as error:
        raise RequestError(
            f"{where}: cannot be read ({brief(error)})", "the archive is damaged: get it again"
        ) from error


def _check_size(size_bytes: int, where: str, largest_bytes: int = LARGEST_FILE_BYTES) -> None:
    if size_bytes > largest_bytes:
        limit = f"{largest_bytes >> 20} MiB"
        raise RequestError(f"{where}: larger than {limit}", "is it the right file?")


def read_array(raw: bytes, where: str) -> NDArray[Any]:
    """Array of the bytes of an .npy file, without pickled objects.

    Raises
    ------
    RequestError
        They are none.
    """
    try:
        header = read_npy_header(io.BytesIO(raw))
        header.check_fits(len(raw))
        return header.array(raw[header.header_bytes :])
    except DAMAGED as error:
        raise RequestError(
            f"{where}: {brief(error)}", "expected an array as numpy.savez writes it"
        ) from error


@dataclass(frozen=True)
class NpyHeader:
    """What an .npy file says of its array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    header_bytes: int

    def check_fits(self, size_bytes: int) -> None:
        """Hold the shape against the bytes there are, before memory is taken for it.

        Raises
        ------
        ValueError
            They are more or fewer, or would have to be unpickled.
        """
        if self.dtype.hasobject:
            raise ValueError("holds pickled Python objects, which are never loaded")
        claimed = self.header_bytes + self.dtype.itemsize * math.prod(self.shape)
        if min(self.shape, default=0) < 0 or claimed != size_bytes:
            raise ValueError(f"shape {self.shape} does not fit its {size_bytes} bytes")

    def array(self, content: Any) -> NDArray[Any]:
        """The array out of the bytes after the header."""
        flat: NDArray[Any] = np.frombuffer(content, self.dtype)
        if self.fortran_order:
            return flat.reshape(self.shape[::-1]).T
        return flat.reshape(self.shape)


def read_npy_header(file: IO[bytes]) -> NpyHeader:
    """Read the header of an .npy file and leave the file at its array.

    Raises
    ------
    ValueError, SyntaxError and the rest of `DAMAGED`
        It is none.
    """
    # NumPy takes as much memory as the header says that it is long, before it looks at it.
    start = file.read(_NPY_HEADER_BYTES)
    held = io.BytesIO(start)
    version = np.lib.format.read_magic(held)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"format version {version}")
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran_order, dtype = read(held)
    return NpyHeader(shape, dtype, fortran_order, held.tell())
