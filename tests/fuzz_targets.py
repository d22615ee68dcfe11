"""What is fuzzed: a reader a target, given any bytes, answers or refuses in one to three lines.

`test_fuzz.py` gives them mutations of the corpus, `scripts/fuzz.py` whatever atheris comes upon.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random

import numpy as np
import torch
from safetensors.torch import save

from fuzz_formats import DAMAGE, FORMATS, PACKAGES
from painet_cli.config.presets import load_preset
from painet_cli.data.dataset.dataset import FRAMES, MANIFEST, open_dataset
from painet_cli.data.formats.md17_npz import read_headers
from painet_cli.data.motion.acclaim import parse_amc, parse_asf
from painet_cli.data.motion.bvh_writer import parents_of, write_bvh
from painet_cli.data.motion.mocap_files import read_trials
from painet_cli.data.motion.skeleton import joint_positions
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.npz import NpzRecording
from painet_cli.prediction.loading import restore
from painet_cli.storage.archives import read_array
from tiny_files import ASF

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
CPU = torch.device("cpu")

Target = Callable[[bytes, Path], None]
"""A reader, given bytes and a folder of its own to put them in."""


def asf(raw: bytes, _: Path) -> None:
    """An ASF skeleton, at rest."""
    skeleton = parse_asf(raw, "t.asf")
    count = len(skeleton.names)
    still = joint_positions(skeleton, np.zeros((1, 3)), np.zeros((1, count, 3)))
    assert still.shape == (1, count, 3)
    assert np.isfinite(still[0, 0]).all()


def amc(raw: bytes, _: Path) -> None:
    """An AMC motion of a skeleton of three joints."""
    skeleton = parse_asf(ASF.encode(), "t.asf")
    positions = joint_positions(skeleton, *parse_amc(raw, "t.amc", skeleton))
    assert np.isfinite(positions).all()


def bvh(raw: bytes, folder: Path) -> None:
    """Names of joints, a line each, as painet writes them to BVH."""
    names = raw.decode("utf-8", "replace").split("\n")[:5]
    count = len(names)
    parents = parents_of([(k, k + 1) for k in range(count - 1)], count) or {}
    rest = np.arange(3 * count, dtype=np.float32).reshape(count, 3)
    write_bvh(folder / "t.bvh", names, parents, rest, rest[None], 0.01)
    lines = (folder / "t.bvh").read_text(encoding="utf-8").split("\n")
    said = [line.split() for line in lines]
    assert [words[0] for words in said if words[:1] in (["ROOT"], ["JOINT"])] == [
        "ROOT",
        *["JOINT"] * (count - 1),
    ]
    assert all(line.replace("\t", "").isprintable() for line in lines)


def preset(raw: bytes, folder: Path) -> None:
    """A preset file."""
    path = folder / "t.yaml"
    path.write_bytes(raw)
    load_preset(str(path))


def manifest(raw: bytes, folder: Path) -> None:
    """A dataset's `dataset.json`, its frames as they should be."""
    with (folder / FRAMES).open("wb") as file:
        np.save(file, np.zeros((20, 3, 3), dtype=np.float32))
    (folder / MANIFEST).write_bytes(raw)
    dataset = open_dataset(folder)
    assert dataset.frames.shape == (20, 3, 3)


def frames(raw: bytes, folder: Path) -> None:
    """A dataset's `frames.npy`, with the sha256 that the manifest gives."""
    content = json.loads((CORPUS / "manifest" / "dataset").read_bytes())
    content["files"] = {FRAMES: hashlib.sha256(raw).hexdigest()}
    (folder / FRAMES).write_bytes(raw)
    (folder / MANIFEST).write_text(json.dumps(content))
    assert open_dataset(folder).frames.shape == (20, 3, 3)


def checkpoint(raw: bytes, folder: Path) -> None:
    """A checkpoint, and the model in it."""
    path = folder / "t.safetensors"
    path.write_bytes(raw)
    restore(path, CPU)


def header(raw: bytes, folder: Path) -> None:
    """What a checkpoint says about itself, in a file that is whole."""
    text = raw.decode("utf-8", "replace")
    checkpoint(save({"model/x": torch.zeros(1)}, metadata={"painet": text}), folder)


def npz(raw: bytes, folder: Path) -> None:
    """An archive: a molecule in MD17's schema, or recorded positions."""
    path = folder / "t.npz"
    path.write_bytes(raw)
    for member in read_headers(path).values():
        member.text()
    read_molecule(path)
    read_trials(9, path)


def npy(raw: bytes, folder: Path) -> None:
    """An array, by itself and in an archive that is whole, stored or deflated."""
    refused = None
    try:
        read_array(raw, "t.npy")
    except RequestError as error:
        refused = error
    method = zipfile.ZIP_DEFLATED if len(raw) % 2 else zipfile.ZIP_STORED
    with zipfile.ZipFile(folder / "t.npz", "w", method) as archive:
        archive.writestr("R.npy", raw)
        archive.writestr("z.npy", _ATOMS)
    read_molecule(folder / "t.npz")
    if refused:
        raise refused


def read_molecule(path: Path) -> None:
    """Read the first frames of an npz in MD17's schema."""
    with NpzRecording(path) as recording:
        frames = recording.read(recording.select("all"), 0, 2).frames
        assert np.isfinite(frames).all()


def _array(values: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(values), allow_pickle=False)
    return file.getvalue()


_ATOMS = _array([6, 1, 8])

TARGETS: dict[str, Target] = {
    one.__name__: one
    for one in (asf, amc, bvh, preset, manifest, frames, checkpoint, header, npz, npy)
} | FORMATS


def fuzz(target: str, raw: bytes, folder: Path) -> None:
    """Let a target read bytes; anything but an answer or a short refusal is a finding."""
    if find_spec(PACKAGES.get(target, "painet_cli")) is None:
        return  # the reader says so, and there is nothing to read with
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            TARGETS[target](raw, folder)
        except RequestError as error:
            said = str(error)
            assert 1 <= len(said.splitlines()) <= 3, said
            assert len(said) < 2000, said


def corpus(target: str) -> list[Path]:
    """Files that are kept for a target: good ones, and those that once found a fault."""
    return sorted((CORPUS / target).iterdir())


TOKENS = (
    *(b"0", b"-1", b"1e999", b"nan", b"99999999999999999999", b"\x00", b"\xff", b"\x1b[2J"),
    *(b"[", b"]", b"{", b"}", b",", b":", b'"', b"\n", b"#", b"'", b"null", b"true", b"..", b"/"),
    *(b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(8), b"PK\x01\x02", b"\x93NUMPY", b"|O"),
)
"""What readers are known to trip over."""


def damaged(target: str, random: Random, seeds: Sequence[bytes]) -> bytes:
    """A file of a target's corpus, two times of three with its structure kept."""
    if target in DAMAGE and random.random() < 2 / 3:
        return DAMAGE[target](random, random.choice(seeds))
    return mutated(random, seeds)


def mutated(random: Random, seeds: Sequence[bytes]) -> bytes:
    """One of some files, damaged in up to six places, or two of them joined."""
    raw = bytearray(random.choice(seeds))
    for _ in range(random.randint(1, 6)):
        at = random.randint(0, len(raw))
        end = min(len(raw), at + random.randint(0, 8))
        match random.randint(0, 6):
            case 0:
                raw[at:end] = random.choice(TOKENS)
            case 1:
                raw[at:end] = b""
            case 2:
                raw[at:end] = raw[at:end] * random.randint(2, 20)
            case 3:
                raw[at:at] = bytes(random.randint(0, 255) for _ in range(random.randint(1, 4)))
            case 4 if at < len(raw):
                raw[at] ^= 1 << random.randint(0, 7)
            case 5:
                other = random.choice(seeds)
                cut = random.randint(0, len(other))
                raw[at:] = other[cut:]
            case _:
                start = random.randint(0, len(raw))
                raw[at:end] = raw[start : start + random.randint(1, 64)]
    return bytes(raw[:16_384])
