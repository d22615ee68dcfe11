"""Archives, arrays, motions, presets, topologies and trajectories that mean harm."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import pickle
import struct
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from hostile import HOSTILE, Trap, Words, World, array, given, hostile, npy, zipped
from tiny_files import ASF

PDB = "ATOM  {:>5} {:<4} ETH A   1    {:8.3f}   0.000   0.000  1.00  0.00           C  \n"
XML_BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]><hoomd_xml><configuration><type>&j;</type></configuration></hoomd_xml>"
)


# ---- archives and arrays -------------------------------------------------------------------------

MOCAP = ("prepare", "mocap", "--subject", 9, "--source", "FILE")
MD17 = ("prepare", "md17", "--molecule", "ethanol", "--source", "FILE")
PREDICT = ("predict", "FILE", "--checkpoint", "RUN")
LIKE_MD17 = {"R.npy": array(np.zeros((9, 9, 3))), "z.npy": array([6, 6, 8, *[1] * 6])}

for out in ("../../evil.amc", "/evil.amc", "..\\evil.amc", "C:\\evil.amc"):
    given(f"s.zip with a member {out}", "leads out of the archive", zipped({out: b"1"}), *MOCAP)
given(
    "s.npz with a member ../R.npy", "leads out", zipped({"../R.npy": b"x", **LIKE_MD17}), *PREDICT
)
given("s.zip of a name with escapes", "is no name", zipped({"09\x1b[2J.asf": b"1"}), *MOCAP)
given("s.zip that unfolds", "unfolds from", zipped({"09.asf": bytes(65 * 2**20)}), *MOCAP)
given(
    "s.npz that unfolds",
    "unfolds from",
    zipped({**LIKE_MD17, "R.npy": npy((65 * 2**17, 1, 1)) + bytes(65 * 2**20)}),
    *MD17,
)
given(
    "s.zip of many files",
    "holds 10,001 files",
    zipped({str(k): b"" for k in range(10_001)}, zipfile.ZIP_STORED),
    *MOCAP,
)
given("s.npz of a pickle", "never loaded", zipped({**LIKE_MD17, "R.npy": array([Trap()])}), *MD17)
given(
    "t.npz of a pickle", "never loaded", zipped({**LIKE_MD17, "z.npy": array([Trap()])}), *PREDICT
)
given(
    "u.npz of a pickle",
    "never loaded",
    zipped({f"trial_{k:02d}.npy": array([Trap()]) for k in range(11)}),
    *MOCAP,
)
given("v.npz that is a pickle", "cannot be read", pickle.dumps(Trap()), *MD17)
given(
    "s.npz of 2^60 frames",
    "does not fit its",
    zipped({**LIKE_MD17, "R.npy": npy((2**60, 9, 3))}),
    *MD17,
)
given(
    "t.npz of -1 frames", "does not fit its", zipped({**LIKE_MD17, "R.npy": npy((-1, 9, 3))}), *MD17
)
given(
    "s.npz of a header of 4 GB",
    "R: cannot be read",
    zipped({**LIKE_MD17, "R.npy": npy((1,), length=2**32 - 1) + bytes(2**25)}),
    *PREDICT,
)
given(
    "u.npz of 2^60 frames",
    "does not fit its",
    zipped({f"trial_{k:02d}.npy": npy((2**60, 31, 3)) for k in range(11)}),
    *MOCAP,
)


# ---- motion capture ------------------------------------------------------------------------------

ESCAPING = ASF.replace("hip", "h\x1b]0;evil\x07ip")
HOSTILE["s.asf: with orders to a terminal"] = (
    lambda folder, _: motion(folder, ESCAPING),
    "cannot name a bone",
)
HOSTILE["s.asf: of a line of 20 MB"] = (
    lambda folder, _: motion(folder, ASF + "a " * 10_000_000),
    "longer than 10,000 letters",
)
HOSTILE["s.asf: of ten million lines"] = (
    lambda folder, _: motion(folder, ASF + "a\n" * 10_000_000),
    "more than 3,000,000 lines",
)


def motion(folder: Path, skeleton: str) -> Words:
    (folder / "s.asf").write_text(skeleton)
    (folder / "s.amc").write_text("1\nroot 0 0 0 0 0 0\n")
    return ["predict", folder / "s.amc"]


@hostile("not a file")
def an_amc_that_is_a_pipe(folder: Path, _: World) -> Words:
    motion(folder, ASF)
    (folder / "s.amc").unlink()
    os.mkfifo(folder / "s.amc")
    return ["predict", folder / "s.amc"]


# ---- presets -------------------------------------------------------------------------------------

SHOW = ("presets", "show", "FILE")
LAUGHS = "a: &a [x]\n" + "".join(
    f"{b}: &{b} [{f'*{a}, ' * 9}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
)
given("p.yaml a billion laughs", "anchors and aliases", LAUGHS, *SHOW)
given(
    "p.yaml of an object",
    "tags are not used",
    "a: !!python/object/apply:os.mkdir [unpickled]\n",
    *SHOW,
)
given("p.yaml nested deeply", "nested deeper than 20", "a: " + "[" * 5000, *SHOW)
given("p.yaml of a megabyte", "larger than 64 KiB", "a: [" + "1," * 2**19 + "]", *SHOW)
given("p.yaml that extends itself", "circle", "extends: p.yaml\n", *SHOW)
given("p.yaml that extends a device", "no preset or file", "extends: /dev/zero\n", *SHOW)
given(
    "p.yaml of a model of terabytes",
    "is not allowed",
    "extends: demo\nmodel: {hidden: 1000000000}\n",
    *SHOW,
)
given("p.yaml of a key with escapes", "no such key", 'extends: demo\n"\\e[31mx": 1\n', *SHOW)
for name in ("../sample", "/etc", "a/b", "..", ".", "a\\\\b", "\\e[1m"):
    given(
        f"p.yaml of a dataset {name}",
        "data.dataset",
        f'extends: demo\ndata: {{dataset: "{name}"}}\n',
        "train",
        "--preset",
        "FILE",
        "--data-dir",
        "DATA",
    )


@hostile("not a file")
def a_preset_that_is_a_pipe(folder: Path, _: World) -> Words:
    os.mkfifo(folder / "p.yaml")
    return ["presets", "show", folder / "p.yaml"]


# ---- what MDAnalysis reads -----------------------------------------------------------------------

for file, text in {
    "a.gro": "x\n999999999\n    1ALA      N    1   0.000   0.000   0.000\n   1 1 1\n",
    "a.psf": "PSF\n\n       1 !NTITLE\n x\n\n 999999999 !NATOM\n",
    "a.xyz": "999999999\nx\nC 0 0 0\n",
    "a.txyz": "999999999 x\n1 C 0 0 0 1 2\n",
}.items():
    given(f"{file} of a billion atoms", "says it has 999,999,999 atoms", text, *PREDICT)
given("a.itp that includes a device", "no file", '#include "/dev/zero"\n', *PREDICT)
given("a.itp that includes itself", "more than 100", '#include "a.itp"\n' * 9, *PREDICT)
given("a.itp that includes a name too long", "be read", f'#include "{"a" * 5000}"\n', *PREDICT)
given("a.xml a billion laughs", "XML: not read", XML_BOMB, *PREDICT)
_LINES = "".join(PDB.format(k, "C", k) for k in range(100)).encode()
given("a.pdb.gz that unfolds", "unfolds from", gzip.compress(_LINES * 9_000), *PREDICT)
given("a.pdb.bz2 that unfolds", "unfolds from", bz2.compress(bytes(80 * 2**20)), *PREDICT)
given(
    "a.pdb of names with escapes",
    "names no atom",
    PDB.format(1, "C\x1b[m", 0) + PDB.format(2, "O", 1),
    *PREDICT,
)


@hostile("cannot be read")
def an_xtc_of_noise(folder: Path, world: World) -> Words:
    (folder / "a.pdb").write_bytes(_LINES)
    (folder / "a.xtc").write_bytes(struct.pack(">II", 1995, 100) + bytes(range(256)) * 40)
    return ["predict", folder / "a.xtc", "--topology", folder / "a.pdb", "--checkpoint", world.run]


_KEPT = Path(__file__).parent / "fuzz" / "corpus"
_ABSENT = "|takes the package"
for file, kept, said in (
    ("a.c3d without an end", "c3d/found-an-end-that-it-goes-round-for", "ends within"),
    ("a.gsd of a billion particles", "gsd/a-billion-particles", "says it has 1,000,000,000"),
    ("a.gsd that ends the process", "gsd/found-an-index-that-ends-the-process", "its index"),
    ("a.xdatcar of atoms without end", "xdatcar/found-atoms-without-end", "says it has"),
    ("a.xdatcar of numbers for elements", "xdatcar/found-numbers-for-elements", "no elements"),
):
    given(file, said + _ABSENT, (_KEPT / kept).read_bytes(), *PREDICT)


def hdf5_elsewhere(path: Path, how: str) -> Path:
    """A file of mdtraj's whose coordinates are not in it, or are more than it can hold."""
    import h5py

    secret, other = path.parent / "secret", path.parent / "other.h5"
    secret.write_bytes(np.zeros((2, 3, 3), dtype=np.float32).tobytes())
    with h5py.File(other, "w") as file:
        file["x"] = np.zeros((2, 3, 3), dtype=np.float32)
    with h5py.File(path, "w") as file:
        atoms = [{"index": k, "name": f"C{k}", "element": "C"} for k in range(3)]
        residues = [{"name": "X", "resSeq": 1, "atoms": atoms}]
        topology = {"chains": [{"residues": residues}], "bonds": [[0, 1], [1, 2]]}
        file["topology"] = np.array([json.dumps(topology).encode()])
        match how:
            case "link":
                file["coordinates"] = h5py.ExternalLink("other.h5", "x")
            case "raw":
                lies = [(str(secret), 0, secret.stat().st_size)]
                file.create_dataset("coordinates", (2, 3, 3), dtype="f4", external=lies)
            case "virtual":
                layout = h5py.VirtualLayout((2, 3, 3), dtype="f4")
                layout[:] = h5py.VirtualSource(str(other), "x", (2, 3, 3))
                file.create_virtual_dataset("coordinates", layout)
            case _:
                rows = (1, 1024, 3)
                file.create_dataset("coordinates", (2**20, 2**20, 3), dtype="f4", chunks=rows)
    return path


def _given_hdf5(how: str) -> None:
    def an_hdf5(folder: Path, world: World) -> Words:
        if find_spec("h5py") is None:
            (folder / "a.h5").write_bytes(b"\x89HDF")
            return ["predict", folder / "a.h5", "--checkpoint", world.run]
        hdf5_elsewhere(folder / "a.h5", how)
        return ["predict", folder / "a.h5", "--format", "MDTRAJ", "--checkpoint", world.run]

    an_hdf5.__name__ = f"an_hdf5_whose_frames_are_{how}"
    hostile("damaged|takes the package")(an_hdf5)


for how in ("link", "raw", "virtual", "huge"):
    _given_hdf5(how)
