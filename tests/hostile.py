"""Files as someone writes them who means harm, each with the command that would read it.

Every maker is given an empty folder and what is good (`World`), and gives the words of a command.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import os
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from tiny_files import ASF

PDB = "ATOM  {:>5} {:<4} ETH A   1    {:8.3f}   0.000   0.000  1.00  0.00           C  \n"
XML_BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]><hoomd_xml><configuration><type>&j;</type></configuration></hoomd_xml>"
)


@dataclass(frozen=True)
class World:
    """What is good: a data directory with `sample`, and a run trained on it."""

    data_dir: Path
    run: Path


class Trap:
    """Object that, unpickled, would leave a file behind."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("unpickled",)


Words = list[object]
Maker = Callable[[Path, World], Words]
HOSTILE: dict[str, tuple[Maker, str]] = {}
"""Maker of each file by its name, and what the refusal says."""


def hostile(said: str) -> Callable[[Maker], Maker]:
    """Add a maker, under its name in words."""

    def added(maker: Maker) -> Maker:
        HOSTILE[maker.__name__.strip("_").replace("_", " ")] = (maker, said)
        return maker

    return added


def given(name: str, said: str, content: bytes | str, *words: object) -> None:
    """Add a file by its content; `FILE` in the words stands for its path."""
    file_name, _, title = name.partition(" ")

    def maker(folder: Path, world: World) -> Words:
        path = folder / file_name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        known = {"FILE": path, "DATA": world.data_dir, "RUN": world.run}
        return [known.get(str(word), word) for word in words]

    HOSTILE[f"{file_name}: {title}"] = (maker, said)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(
    shape: tuple[int, ...], dtype: str = "<f8", content: bytes = b"", length: int = -1
) -> bytes:
    """An .npy file that claims a shape, and a length of its header."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return (
        b"\x93NUMPY\x02\x00"
        + struct.pack("<I", len(text) if length < 0 else length)
        + text
        + content
    )


def array(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(values), allow_pickle=True)
    return file.getvalue()


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


# ---- datasets ------------------------------------------------------------------------------------


def dataset(world: World, folder: Path, change: Callable[[dict[str, Any]], None]) -> Words:
    """Copy the sample, with its manifest changed."""
    shutil.copytree(world.data_dir / "sample", folder / "data" / "bad")
    manifest = folder / "data" / "bad" / "dataset.json"
    content = json.loads(manifest.read_text())
    change(content)
    manifest.write_text(json.dumps(content))
    return ["predict", folder / "data" / "bad", "--checkpoint", world.run]


def frames(world: World, folder: Path, raw: bytes) -> Words:
    """Copy the sample, with other frames and their sha256."""
    sha256 = hashlib.sha256(raw).hexdigest()
    words = dataset(world, folder, lambda content: content.update(files={"frames.npy": sha256}))
    (folder / "data" / "bad" / "frames.npy").write_bytes(raw)
    return words


def _renamed(key: str, name: str) -> Maker:
    def maker(folder: Path, world: World) -> Words:
        def change(content: dict[str, Any]) -> None:
            content["particles"][key][0] = name

        return dataset(world, folder, change)

    return maker


for key, name in (
    ("names", "\x1b[2Jevil"),
    ("type_names", "\x9b31m"),
    ("elements", "C\n99\n"),
    ("names", "\u202egnp.exe"),
    ("names", "x" * 1000),
):
    HOSTILE[f"a dataset whose {key} hold {ascii(name)[:20]}"] = (_renamed(key, name), "is no name")


@hostile("not the name of a file in this folder")
def a_dataset_whose_files_lie_elsewhere(folder: Path, world: World) -> Words:
    return dataset(world, folder, lambda content: content["files"].update({"../../x": "0" * 64}))


@hostile("gives no sha256 of frames.npy")
def a_dataset_without_checksums(folder: Path, world: World) -> Words:
    return dataset(world, folder, lambda content: content.update(files={}))


@hostile("dataset.json: not JSON")
def a_manifest_nested_deeply(folder: Path, world: World) -> Words:
    words = dataset(world, folder, lambda content: None)
    (folder / "data" / "bad" / "dataset.json").write_text("[" * 10**6)
    return words


@hostile("dataset.json: not JSON")
def a_manifest_of_a_number_of_a_million_digits(folder: Path, world: World) -> Words:
    words = dataset(world, folder, lambda content: None)
    (folder / "data" / "bad" / "dataset.json").write_text('{"schema_version": ' + "9" * 10**6 + "}")
    return words


@hostile("does not fit its")
def a_dataset_of_2_to_60_frames(folder: Path, world: World) -> Words:
    return frames(world, folder, npy((2**60, 9, 3), "<f4"))


@hostile("frames.npy: ")
def a_dataset_of_a_header_of_4_gigabytes(folder: Path, world: World) -> Words:
    return frames(world, folder, npy((1,), length=2**32 - 1))


@hostile("never loaded")
def a_dataset_that_is_a_pickle(folder: Path, world: World) -> Words:
    return frames(world, folder, array([Trap()]))


@hostile("frames.npy: ")
def a_dataset_that_is_an_archive(folder: Path, world: World) -> Words:
    return frames(world, folder, zipped({"frames.npy": array(np.zeros(3))}))


@hostile("missing")
def a_dataset_whose_frames_are_a_device(folder: Path, world: World) -> Words:
    words = dataset(world, folder, lambda content: None)
    (folder / "data" / "bad" / "frames.npy").unlink()
    (folder / "data" / "bad" / "frames.npy").symlink_to("/dev/zero")
    return words


# ---- checkpoints and runs ------------------------------------------------------------------------


def checkpoint(name: str, said: str, content: bytes) -> None:
    """Add a checkpoint by its bytes."""

    def maker(folder: Path, world: World) -> Words:
        path = folder / "c.safetensors"
        path.write_bytes(content)
        return ["predict", world.data_dir / "sample", "--checkpoint", path]

    HOSTILE[f"a checkpoint {name}"] = (maker, said)


def _saved(content: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


checkpoint("that is a pickle", "not a checkpoint", pickle.dumps(Trap()))
checkpoint("of torch.save", "not a checkpoint", _saved({"x": Trap()}))
checkpoint("of a header of 2^60 bytes", "not a checkpoint", struct.pack("<Q", 2**60) + b"{}")
_LIE = b'{"x":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,4]}}'
checkpoint(
    "of a tensor of 2^60", "not a checkpoint", struct.pack("<Q", len(_LIE)) + _LIE + bytes(4)
)


def _headed(change: Callable[[dict[str, Any]], object]) -> Maker:
    """A checkpoint whose header is changed, its tensors as they were."""

    def maker(folder: Path, world: World) -> Words:
        with safe_open(world.run / "best.safetensors", framework="pt") as file:
            content = json.loads(file.metadata()["painet"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        change(content)
        path = folder / "c.safetensors"
        save_file(tensors, path, metadata={"painet": json.dumps(content)})
        return ["predict", world.data_dir / "sample", "--checkpoint", path]

    return maker


HOSTILE["a checkpoint that names a model of terabytes"] = (
    _headed(lambda header: header["preset"]["model"].update(hidden=16_384, layers=256)),
    "do not fit the model",
)
HOSTILE["a checkpoint that names a model without end"] = (
    _headed(lambda header: header["preset"]["model"].update(layers=10**12)),
    "its header cannot be read",
)
HOSTILE["a checkpoint of a step of infinite length"] = (
    _headed(lambda header: header["units"].update(frame_time_s=float("inf"))),
    "its header cannot be read",
)
HOSTILE["a checkpoint of types with escapes"] = (
    _headed(lambda header: header.update(type_names=["\x1b[1m", "C", "O"])),
    "its header cannot be read",
)


@hostile("data.dataset")
def a_run_of_a_dataset_elsewhere(folder: Path, world: World) -> Words:
    run = folder / "run"
    shutil.copytree(world.run, run)
    text = (run / "config.yaml").read_text().replace("dataset: sample", "dataset: ../../../etc")
    (run / "config.yaml").write_text(text)
    return ["train", "--resume", run, "--data-dir", world.data_dir]


# ---- what MDAnalysis reads -----------------------------------------------------------------------

for file, text in {
    "a.gro": "x\n999999999\n    1ALA      N    1   0.000   0.000   0.000\n   1 1 1\n",
    "a.psf": "PSF\n\n       1 !NTITLE\n x\n\n 999999999 !NATOM\n",
    "a.xyz": "999999999\nx\nC 0 0 0\n",
    "a.txyz": "999999999 x\n1 C 0 0 0 1 2\n",
}.items():
    given(f"{file} of a billion atoms", "says it has 999999999 atoms", text, *PREDICT)
given("a.itp that includes a device", "no file", '#include "/dev/zero"\n', *PREDICT)
given("a.itp that includes itself", "more than 100", '#include "a.itp"\n' * 9, *PREDICT)
given("a.xml a billion laughs", "amplification|cannot read it", XML_BOMB, *PREDICT)
given(
    "a.xml of another file",
    "cannot read it",
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><hoomd_xml><type>&a;</type></hoomd_xml>',
    *PREDICT,
)
_LINES = "".join(PDB.format(k, "C", k) for k in range(100)).encode()
given("a.pdb.gz that unfolds", "unfolds from", gzip.compress(_LINES * 9_000), *PREDICT)
given("a.pdb.bz2 that unfolds", "unfolds from", bz2.compress(bytes(80 * 2**20)), *PREDICT)
given(
    "a.pdb of names with escapes",
    "names no atom",
    PDB.format(1, "C\x1b[m", 0) + PDB.format(2, "O", 1),
    *PREDICT,
)


@hostile("cannot read it|died of it")
def an_xtc_of_noise(folder: Path, world: World) -> Words:
    (folder / "a.pdb").write_bytes(_LINES)
    (folder / "a.xtc").write_bytes(struct.pack(">II", 1995, 100) + bytes(range(256)) * 40)
    return ["predict", folder / "a.xtc", "--topology", folder / "a.pdb", "--checkpoint", world.run]
