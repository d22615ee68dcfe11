"""mdtraj's HDF5 trajectories: frames in nanometres and picoseconds, and their topology as JSON.

Format: https://mdtraj.org/1.9.4/hdf5_format.html
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np

from painet_cli.data.formats.frame import ANGSTROMS, Frame, FrameReader, LateTimes
from painet_cli.data.particles.elements import is_element
from painet_cli.data.particles.particles import Particles, particles_of_kinds
from painet_cli.errors import RequestError
from painet_cli.storage.decoder import Answer, Decoder, Opened
from painet_cli.storage.hdf5 import open_hdf5

DECODED_WITH = ("h5py",)
_HINT = "expected what mdtraj writes: coordinates (frames, atoms, 3), their time and topology"
_NANOMETRE = ANGSTROMS["nanometre"]
_LARGEST_TOPOLOGY = 2**28


def is_mdtraj(path: Path) -> bool:
    """Whether an HDF5 file is mdtraj's; False where h5py is not installed, or cannot read it."""
    if find_spec("h5py") is None:
        return False
    with suppress(OSError, RequestError), closing(Decoder(f"{__name__}:kind", path)) as file:
        return bool(file.told["mdtraj"])
    return False  # whatever it is, it is not mdtraj's


class MdtrajReader(FrameReader):
    """Frames of a file, read in a process of its own; see `FrameReader`.

    Raises
    ------
    RequestError
        It cannot be read, or is in units that are not mdtraj's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _whole(path):
            self._file = Decoder(f"{__name__}:frames", path)
        told = self._file.told
        self.n_frames, self.n_atoms = int(told["n_frames"]), int(told["n_atoms"])
        self.frame_time_ps = told["frame_time_ps"]

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
            said, (x,) = self._file(number)
        sizes = said["sizes"]
        box = None if sizes is None else triclinic_vectors(sizes, dtype=np.float64)
        return Frame(number, x * np.float32(_NANOMETRE), box, said["time"])


def read_mdtraj(path: Path) -> Particles:
    """Read names, elements, residues, chains and bonds out of the topology.

    Raises
    ------
    RequestError
        There is none that can be read, or it lists other atoms than there are coordinates.
    """
    with _whole(path), closing(Decoder(f"{__name__}:topology", path)) as file:
        return _particles(json.loads(file.told["topology"]), file.told["n_atoms"])


def kind(path: str) -> Opened:
    """Whether a file is mdtraj's; in the child, as all that touches HDF5."""
    with open_hdf5(path) as file:
        return {"mdtraj": "coordinates" in file and "topology" in file}, _nothing


def topology(path: str) -> Opened:
    """Topology of a file, as JSON."""
    with open_hdf5(path) as file:
        raw = file["topology"]
        if raw.nbytes > _LARGEST_TOPOLOGY:
            raise ValueError("too large")
        text = bytes(np.asarray(raw).ravel()[0]).decode()
        return {"topology": text, "n_atoms": file["coordinates"].shape[1]}, _nothing


def _nothing(number: int) -> Answer:
    raise IndexError(number)


def frames(path: str) -> Opened:
    """Open a file for its frames: nanometres, picoseconds."""
    file = open_hdf5(path)
    x = _column(file, path, "coordinates", b"nanometers", 3)
    if x is None or x.shape[2] != 3 or not x.size:
        raise RequestError(f"{path}: holds no coordinates of atoms", _HINT)
    times = _column(file, path, "time", b"picoseconds", 1)
    lengths = _column(file, path, "cell_lengths", b"nanometers", 2)
    angles = _column(file, path, "cell_angles", b"degrees", 2)
    apart, late = None, None
    if times is not None and len(x) > 1:
        first, second, last = (float(times[k]) for k in (0, 1, -1))
        late = LateTimes.of(first, last, len(x), second - first)
        apart = float(f"{late.frame_time_ps if late else second - first:.6g}")

    def answer(number: int) -> Answer:
        time = 0.0 if times is None else float(times[number])
        time = late.time_ps(number, time) if late else time
        sizes = None
        if lengths is not None and angles is not None:
            sizes = [*(lengths[number] * _NANOMETRE).tolist(), *angles[number].tolist()]
        return {"time": time, "sizes": sizes}, [np.asarray(x[number], dtype=np.float32)]

    return {"n_frames": len(x), "n_atoms": x.shape[1], "frame_time_ps": apart}, answer


def _column(file: Any, path: str, name: str, unit: bytes, dimensions: int) -> Any:
    """An array of a row a frame; None where there is none of that name."""
    import h5py

    held = file.get(name)
    if held is None:
        return None
    where = f"{path}: {name}"
    right = isinstance(held, h5py.Dataset) and held.ndim == dimensions
    if not right or held.dtype.kind != "f" or len(held) != len(file["coordinates"]):
        raise RequestError(f"{where} are no numbers of every frame", _HINT)
    said = held.attrs.get("units", unit)
    if (said.encode() if isinstance(said, str) else bytes(said)) != unit:
        raise RequestError(f"{where} are not in {unit.decode()}", _HINT)
    return held


def _particles(topology: dict[str, Any], expected: int) -> Particles:
    letters = itertools.chain(ascii_uppercase, map(str, itertools.count(1)))  # chains have no names
    atoms = [
        (int(atom["index"]), str(atom["name"]), str(atom["element"]), residue, letter)
        for letter, chain in zip(letters, topology["chains"], strict=False)
        for residue in chain["residues"]
        for atom in residue["atoms"]
    ]
    atoms.sort(key=lambda one: one[0])
    if [one[0] for one in atoms] != list(range(expected)):
        raise ValueError("atoms are not numbered as the coordinates are")
    elements = tuple(one[2].capitalize() for one in atoms)
    known = all(map(is_element, elements))
    names = tuple(one[1] for one in atoms)
    pairs = ((int(bond[0]), int(bond[1])) for bond in topology["bonds"])
    return particles_of_kinds(
        names,
        elements if known else names,
        bonds=tuple(sorted({(min(pair), max(pair)) for pair in pairs})),
        elements=elements if known else (),
        residues=tuple(str(one[3]["name"]) for one in atoms),
        residue_ids=tuple(int(one[3]["resSeq"]) for one in atoms),
        chains=tuple(one[4] for one in atoms),
    )


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Refuse a file that h5py cannot read, or that holds something else: its errors are many."""
    try:
        yield
    except RequestError:
        raise
    except Exception as error:
        raise RequestError(f"{path}: damaged, or not mdtraj's HDF5", _HINT) from error
