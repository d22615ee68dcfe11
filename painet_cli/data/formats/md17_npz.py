"""NumPy archives (.npz) read in pieces: an array larger than memory is never held whole.

A member that `numpy.savez` stored is mapped into memory, one that `numpy.savez_compressed`
deflated is unpacked as it is read. The archive's checksum is verified either way, and nothing
pickled is ever loaded.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.frame import angstroms
from painet_cli.data.particles.elements import HEAVIEST
from painet_cli.errors import RequestError
from painet_cli.storage.archives import (
    DAMAGED,
    NpyHeader,
    brief,
    checked_members,
    read_npy_header,
)

CHUNK_BYTES = 2**24
SMALL_BYTES = 2**20
"""Largest member that `Member.read` takes: labels and atomic numbers, not trajectories."""
LARGEST_WHOLE = 2**32
"""Bytes of an array in Fortran order, whose frames lie scattered."""
LONGEST_TEXT = 200
_LOCAL_HEADER_BYTES = 30
_AGAIN = "the archive is damaged: get it again"


class _Stream(Protocol):
    def read(self, size: int, /) -> Any: ...


@dataclass(frozen=True)
class Member(NpyHeader):
    """An array of an archive, of which only the header has been read."""

    path: Path
    info: zipfile.ZipInfo

    @property
    def where(self) -> str:
        """The archive and the array's name in it, for messages."""
        return f"{self.path}/{self.info.filename.removesuffix('.npy')}"

    def read(self) -> NDArray[Any]:
        """The whole of a small array.

        Raises
        ------
        RequestError
            It is larger than 1 MiB, or damaged.
        """
        if self.info.file_size > SMALL_BYTES:
            raise RequestError(f"{self.where}: larger than 1 MiB", "is it the right file?")
        with _damage(self.where), self._content() as content:
            return self.array(content.read(self.info.file_size - self.header_bytes))

    def text(self) -> str:
        """A short text; empty where the array is anything else, which is not worth an error."""
        if self.shape != () or self.dtype.kind not in "US":
            return ""
        try:
            value: Any = self.read().item()
            text = value.decode() if isinstance(value, bytes) else str(value)
        except (RequestError, ValueError):
            return ""
        return text if text.isprintable() and len(text) <= LONGEST_TEXT else ""

    def chunks(self, rows: int | None = None) -> Iterator[NDArray[Any]]:
        """Consecutive rows of the array, (rows, *shape[1:]), the last chunk may be shorter.

        Parameters
        ----------
        rows
            Rows of a chunk; about 16 MiB where None.

        Raises
        ------
        RequestError
            The archive is damaged, or the array lies in Fortran order and is larger than 4 GiB.
        """
        if self.fortran_order:
            yield from self._transposed(rows)
            return
        total, row_bytes = self.shape[0], self.dtype.itemsize * math.prod(self.shape[1:])
        rows = rows or max(1, CHUNK_BYTES // max(1, row_bytes))
        with _damage(self.where), self._content() as content:
            for first in range(0, total, rows):
                count = min(rows, total - first)
                raw = content.read(count * row_bytes)
                yield np.frombuffer(raw, self.dtype).reshape(count, *self.shape[1:])
            content.read(1)  # nothing is left but the checksum, which the end of it verifies

    def _transposed(self, rows: int | None) -> Iterator[NDArray[Any]]:
        """As `chunks`, of an array in Fortran order, which is read whole."""
        size = self.dtype.itemsize * math.prod(self.shape)
        if size > LARGEST_WHOLE:
            raise RequestError(
                f"{self.where}: stored in Fortran order, and larger than 4 GiB",
                "save it again with numpy.ascontiguousarray",
            )
        with _damage(self.where), self._content() as content:
            raw = content.read(size)
            content.read(1)  # the checksum
        whole = np.frombuffer(raw, self.dtype).reshape(self.shape, order="F")
        row_bytes = self.dtype.itemsize * math.prod(self.shape[1:])
        rows = rows or max(1, CHUNK_BYTES // max(1, row_bytes))
        for first in range(0, len(whole), rows):
            yield np.ascontiguousarray(whole[first : first + rows])

    @contextmanager
    def _content(self) -> Iterator[_Stream]:
        """The member's bytes after the array's header."""
        if self.info.compress_type == zipfile.ZIP_STORED:
            stored = _Stored(self.path, self.info)
            stored.read(self.header_bytes)
            yield stored
            return
        with zipfile.ZipFile(self.path) as archive, archive.open(self.info) as file:
            file.read(self.header_bytes)
            yield file


class _Stored:
    """A member that is not compressed, mapped into memory; the checksum is verified at its end."""

    def __init__(self, path: Path, info: zipfile.ZipInfo) -> None:
        with path.open("rb") as file:
            file.seek(info.header_offset)
            header = file.read(_LOCAL_HEADER_BYTES)
        if len(header) < _LOCAL_HEADER_BYTES or not header.startswith(b"PK\x03\x04"):
            raise zipfile.BadZipFile("no member where the directory says")
        name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
        begin = info.header_offset + _LOCAL_HEADER_BYTES + name + extra
        self._bytes = np.memmap(path, np.uint8, "r", begin, (info.file_size,))
        self._expected = info.CRC
        self._crc, self._at = 0, 0

    def read(self, size: int, /) -> NDArray[np.uint8]:
        piece = self._bytes[self._at : self._at + size]
        self._at += len(piece)
        self._crc = zlib.crc32(piece.data, self._crc)
        if self._at == len(self._bytes) and self._crc != self._expected:
            raise zipfile.BadZipFile("its checksum differs")
        return piece


@contextmanager
def _damage(where: str) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise RequestError(f"{where}: cannot be read ({brief(error)})", _AGAIN) from error


def read_headers(path: Path) -> dict[str, Member]:
    """Find the arrays of an archive by name, without reading them.

    Raises
    ------
    RequestError
        It is no archive, is damaged, or holds pickled objects.
    """
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise RequestError(
            f"{path}: cannot be read ({brief(error)})",
            "expected an .npz file as numpy.savez writes it",
        ) from error
    members = {}
    with archive:
        for info in checked_members(archive, path):
            name, dot, suffix = info.filename.rpartition(".")
            if dot and suffix == "npy":
                with _damage(f"{path}/{name}"), archive.open(info) as file:
                    members[name] = _read_header(path, info, file)
    return members


def _read_header(path: Path, info: zipfile.ZipInfo, file: IO[bytes]) -> Member:
    header = read_npy_header(file)
    member = Member(**vars(header), path=path, info=info)
    if header.dtype.hasobject:
        raise RequestError(
            f"{member.where}: holds pickled Python objects, which are never loaded",
            "expected arrays of numbers, as numpy.savez writes them",
        )
    header.check_fits(info.file_size)
    return member


SCHEMA = (
    "expected MD17's R (frames, atoms, 3) and z (atoms,), or rMD17's coords and nuclear_charges"
)
_KEYS = (("R", "z"), ("coords", "nuclear_charges"))
_UNIT_KEYS = ("r_unit", "R_unit", "units", "unit", "length_unit")


@dataclass(frozen=True)
class MoleculeFile:
    """A molecule's trajectory in MD17's schema, or rMD17's.

    Attributes
    ----------
    positions
        (F, N, 3), of which only the header has been read.
    numbers
        Atomic number of every atom.
    angstroms
        Angstrom in the file's unit of length; 1 where it names none.
    members
        All arrays of the archive.
    """

    positions: Member
    numbers: tuple[int, ...]
    angstroms: float
    members: dict[str, Member]

    def chunks(self, rows: int | None = None) -> Iterator[NDArray[np.floating]]:
        """Consecutive frames, (rows, N, 3), angstrom, in this machine's order of bytes."""
        for block in self.positions.chunks(rows):
            x = block.astype(block.dtype.newbyteorder("="), copy=False)
            yield x * x.dtype.type(self.angstroms) if self.angstroms != 1 else x


def read_molecule(path: Path) -> MoleculeFile:
    """Find the positions and atomic numbers of an archive.

    Raises
    ------
    RequestError
        It is no archive, holds other arrays, or names a unit of length that is not known.
    """
    members = read_headers(path)
    keys = next((pair for pair in _KEYS if {*pair} <= members.keys()), None)
    if keys is None:
        held = ", ".join(list(members)[:5]) or "no arrays"
        raise RequestError(f"{path}: holds {held}, but not both R and z", SCHEMA)
    x, z = (members[key] for key in keys)
    right = len(x.shape) == 3 and x.shape[2] == 3 and x.dtype.kind == "f"
    if not right or x.dtype.itemsize not in (4, 8):
        raise RequestError(f"{x.where}: {x.dtype} {x.shape}, not positions", SCHEMA)
    if not x.shape[0]:
        raise RequestError(f"{x.where}: 0 frames, not a trajectory", SCHEMA)
    if z.shape != x.shape[1:2] or z.dtype.kind not in "iu":
        raise RequestError(f"{z.where}: {z.dtype} {z.shape} beside {keys[0]} {x.shape}", SCHEMA)
    numbers = tuple(int(number) for number in z.read())
    unknown = [number for number in numbers if not 1 <= number <= HEAVIEST]
    if unknown or not numbers:
        said = f"{unknown[0]} is no atomic number" if unknown else "no atoms"
        raise RequestError(f"{z.where}: {said}", SCHEMA)
    return MoleculeFile(x, numbers, _angstroms(members), members)


def _angstroms(members: Mapping[str, Member]) -> float:
    for key in _UNIT_KEYS:
        said = members[key].text() if key in members else ""
        if said:
            return angstroms(said, members[key].where)
    return 1.0
