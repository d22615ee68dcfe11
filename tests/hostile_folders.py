"""Datasets, checkpoints and runs that mean harm."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from hostile import HOSTILE, Maker, Trap, Words, World, array, hostile, npy, zipped

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
HOSTILE["a checkpoint that names another number of attention layers"] = (
    _headed(lambda header: header["preset"]["model"].update(attention_layers=256)),
    "do not fit the model",
)
HOSTILE["a checkpoint that names attention layers without end"] = (
    _headed(lambda header: header["preset"]["model"].update(attention_layers=10**6)),
    "attention_layers: Input should be less than or equal to 256",
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
