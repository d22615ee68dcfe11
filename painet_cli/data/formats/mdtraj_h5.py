"""mdtraj's HDF5 trajectories: frames in nanometres and picoseconds, and their topology as JSON.

Format: https://mdtraj.org/1.9.4/hdf5_format.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from painet_cli.data.formats.frame import ANGSTROMS, Frame
from painet_cli.data.particles.elements import is_element
from painet_cli.data.particles.particles import Particles
from painet_cli.errors import RequestError

_HINT = "expected what mdtraj writes: coordinates (frames, atoms, 3), their time and topology"
_NANOMETRE = ANGSTROMS["nanometre"]
_LARGEST_TOPOLOGY = 2**28


def is_mdtraj(path: Path) -> bool:
    """Whether an HDF5 file is mdtraj's; False where h5py is not installed, or cannot read it."""
    try:
        import h5py

        with h5py.File(path, "r") as file:
            return "coordinates" in file and "topology" in file
    except Exception:  # noqa: BLE001 - whatever it is, it is not mdtraj's
        return False


class MdtrajReader:
    """Frames of a file; see `FrameReader`.

    Raises
    ------
    RequestError
        It cannot be read, or is in units that are not mdtraj's.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _opened(path)
        try:
            self._read_head()
        except BaseException:
            self.close()
            raise

    def _read_head(self) -> None:
        path = self.path
        with _whole(path):
            x = self._column("coordinates", b"nanometers", 3)
            if x is None or x.shape[2] != 3 or not x.size:
                raise RequestError(f"{path}: holds no coordinates of atoms", _HINT)
            self._x, self.n_frames, self.n_atoms = x, len(x), x.shape[1]
            self._times = self._column("time", b"picoseconds", 1)
            self._lengths = self._column("cell_lengths", b"nanometers", 2)
            self._angles = self._column("cell_angles", b"degrees", 2)
            self.frame_time_ps: float | None = None
            if self._times is not None and self.n_frames > 1:
                self.frame_time_ps = float(f"{float(self._times[1]) - float(self._times[0]):.6g}")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __getitem__(self, number: int) -> Frame:
        """Frame by number.

        Raises
        ------
        RequestError
            It cannot be read.
        """
        from MDAnalysis.lib.mdamath import triclinic_vectors

        with _whole(self.path):
            x = np.asarray(self._x[number], dtype=np.float32) * np.float32(_NANOMETRE)
            time = 0.0 if self._times is None else float(self._times[number])
            box = None
            if self._lengths is not None and self._angles is not None:
                sizes = [*(self._lengths[number] * _NANOMETRE), *self._angles[number]]
                box = triclinic_vectors(sizes, dtype=np.float64)
        return Frame(number, x, box, time)

    def _column(self, name: str, unit: bytes, dimensions: int) -> Any:
        """An array of a row a frame; None where there is none of that name."""
        import h5py

        held = self._file.get(name)
        if held is None:
            return None
        where = f"{self.path}: {name}"
        right = isinstance(held, h5py.Dataset) and held.ndim == dimensions
        if not right or held.dtype.kind != "f" or len(held) != len(self._file["coordinates"]):
            raise RequestError(f"{where} are no numbers of every frame", _HINT)
        said = held.attrs.get("units", unit)
        if (said.encode() if isinstance(said, str) else bytes(said)) != unit:
            raise RequestError(f"{where} are not in {unit.decode()}", _HINT)
        return held


def read_mdtraj(path: Path) -> Particles:
    """Read names, elements, residues, chains and bonds out of the topology.

    Raises
    ------
    RequestError
        There is none that can be read, or it lists other atoms than there are coordinates.
    """
    with _opened(path) as file, _whole(path):
        raw = file["topology"]
        if raw.nbytes > _LARGEST_TOPOLOGY:
            raise ValueError("too large")
        held = json.loads(bytes(np.asarray(raw).ravel()[0]))
        return _particles(held, file["coordinates"].shape[1])


def _particles(topology: dict[str, Any], expected: int) -> Particles:
    atoms = [
        (int(atom["index"]), str(atom["name"]), str(atom["element"]), residue, letter)
        for letter, chain in zip(_chain_names(), topology["chains"], strict=False)
        for residue in chain["residues"]
        for atom in residue["atoms"]
    ]
    atoms.sort(key=lambda one: one[0])
    if [one[0] for one in atoms] != list(range(expected)):
        raise ValueError("atoms are not numbered as the coordinates are")
    elements = tuple(one[2].capitalize() for one in atoms)
    known = all(map(is_element, elements))
    kinds = elements if known else tuple(one[1] for one in atoms)
    type_names = tuple(sorted({*kinds}))
    places = {name: number for number, name in enumerate(type_names)}
    pairs = ((int(bond[0]), int(bond[1])) for bond in topology["bonds"])
    return Particles(
        names=tuple(one[1] for one in atoms),
        types=tuple(places[kind] for kind in kinds),
        type_names=type_names,
        bonds=tuple(sorted({(min(pair), max(pair)) for pair in pairs})),
        elements=elements if known else (),
        residues=tuple(str(one[3]["name"]) for one in atoms),
        residue_ids=tuple(int(one[3]["resSeq"]) for one in atoms),
        chains=tuple(one[4] for one in atoms),
    )


def _chain_names() -> Any:
    """A to Z, then numbers: mdtraj counts chains."""
    letters = (chr(code) for code in range(ord("A"), ord("Z") + 1))
    yield from letters
    yield from map(str, count(1))


def _opened(path: Path) -> Any:
    import h5py

    with _whole(path):
        return h5py.File(path, "r")


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Refuse a file that h5py cannot read, or that holds something else: its errors are many."""
    try:
        yield
    except RequestError:
        raise
    except Exception as error:
        raise RequestError(f"{path}: damaged, or not mdtraj's HDF5", _HINT) from error
