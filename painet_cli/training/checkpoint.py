"""A checkpoint: one safetensors file with the weights, what they are of, and what resuming needs.

Tensors are named `model/...`, `average/...`, `optimizer/...` and `rng/...`, and of the best weights
`radii/...` and `seen/...` (`models/confidence`); the header is JSON in the file's metadata. One
file, renamed into place, so that weights and optimiser never come from two epochs. Nothing is
pickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from painet_cli.config.models import MODEL_CONFIGS
from painet_cli.config.presets import Preset
from painet_cli.data.dataset.manifest import Units
from painet_cli.data.particles.names import Axis, Name, Treatment
from painet_cli.data.particles.structure import Structure
from painet_cli.errors import PainetError, RequestError
from painet_cli.storage.archives import brief
from painet_cli.storage.atomic import new_file
from painet_cli.storage.schema_upgrades import upgraded

SCHEMA_VERSION = 3
_METADATA_KEY = "painet"
_DIGEST_KEY = "painet_sha256"


class TrainingState(BaseModel):
    """How far a training has come."""

    model_config = ConfigDict(extra="forbid")

    epoch: int = 0
    """Epochs done."""
    best_epoch: int | None = None
    best_mse: float | None = None
    """Smallest validation MSE so far."""
    stale: int = 0
    """Evaluations since then."""
    seconds: float = 0.0
    """Time spent in training epochs."""


class Header(BaseModel):
    """What a checkpoint says about itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    painet_version: str
    model_package: Name = ""
    """Package that the model is of and its version, where it is not painet's own."""
    preset_name: Name
    preset: Preset
    type_names: tuple[Name, ...]
    composition: dict[Name, int] = {}
    """Particles of each type in the system it was trained on, of several in the largest."""
    structure: Structure | None = None
    """How that system is built, to tell whether another is the same; None in those of schema 2,
    where segments have types of their own, and where several systems are of unlike types."""
    treatment: tuple[Treatment, ...] = ()
    """What was done to the frames of the source, and is done to what is predicted from."""
    reference: tuple[tuple[float, float, float], ...] = ()
    """(N, 3) positions that frames were superposed on, in the unit of `units`; empty where they
    were not, or are of several systems."""
    up_axis: Axis | None
    units: Units
    dataset: Name
    dataset_label: Name = ""
    """What tables call the data, where it is not the benchmark's own."""
    dataset_sha256: str
    progress: TrainingState
    command: str = ""
    """What wrote it, as a shell takes it; here and below, empty in those of schema 1."""
    versions: dict[str, str] = {}
    """Versions of painet, Python and the packages that the weights depend on."""
    systems: tuple[Name, ...] = ()
    """Names of the systems it was trained on, where they are several."""
    start: dict[str, str] | None = None
    """The checkpoint that training began from: its path, tensors, preset and dataset."""
    tensors_sha256: str = ""
    """`tensors_digest` of the file's tensors; filled in as it is saved."""


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], header: Header) -> None:
    """Write a checkpoint in one step: at any time `path` is the old one or the new one.

    Raises
    ------
    PainetError
        The disk is full.
    RequestError
        The file cannot be written.
    """
    saved: dict[str, Tensor] = {}
    taken: set[int] = set()
    for name, tensor in tensors.items():
        saved[name] = tensor.detach().cpu().contiguous()
        if (place := saved[name].data_ptr()) in taken:  # safetensors writes no memory twice
            saved[name] = saved[name].clone()
        taken.add(place)
    header = header.model_copy(update={"tensors_sha256": tensors_digest(saved)})
    with new_file(path) as staging:
        try:
            text = header.model_dump_json()
            save_file(saved, staging, metadata={_METADATA_KEY: text, _DIGEST_KEY: _digest(text)})
        except SafetensorError as error:  # how safetensors reports a full disk
            full = "free some space, and run the same again: what is done is kept"
            raise PainetError(f"{path}: cannot be written ({error})", full) from error
        staging.chmod(0o644)  # safetensors keeps its files to their owner


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], Header]:
    """Read a checkpoint onto the CPU.

    Raises
    ------
    RequestError
        There is none, it is no checkpoint of painet's, or a newer painet wrote it.
    """
    with _opened(path) as file:
        header = _header_of(path, file)
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    return tensors, header


def read_header(path: Path) -> Header:
    """Read what a checkpoint says about itself, and none of its tensors; raises as reading does."""
    with _opened(path) as file:
        return _header_of(path, file)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        there = path.is_file()
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise RequestError(f"{path}: {error.strerror}", "check the path") from error
    if not there:
        raise RequestError(
            f"{path}: no checkpoint here", "`painet train` writes one into its run folder"
        )
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise RequestError(
            f"{path}: not a checkpoint ({brief(error)})", "safetensors written by `painet train`"
        ) from error


def _header_of(path: Path, file: Any) -> Header:
    metadata = file.metadata() or {}
    text = metadata.get(_METADATA_KEY)
    # checkpoints of schema 1, and those of other tools, have no digest of their header
    known = {_METADATA_KEY: text, _DIGEST_KEY: _digest(text or "")}
    if text is not None and not metadata.items() <= known.items():
        raise RequestError(
            f"{path}: its header changed since it was written (sha256 differs)",
            "copy it again from where it came, or train again",
        )
    return _read_header(path, text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read_header(path: Path, text: str | None) -> Header:
    if text is None:
        raise RequestError(
            f"{path}: a safetensors file, but not painet's", "give a checkpoint of `painet train`"
        )
    try:
        content = json.loads(text)
        content["schema_version"]  # has had one from the first on
        content = upgraded(content, UPGRADES, path, "checkpoint")
        _check_model(path, content)
        return Header.model_validate(content)
    # a number of thousands of digits is a ValueError, too many brackets a RecursionError
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        detail = _first_of(error) if isinstance(error, ValidationError) else brief(error)
        raise RequestError(f"{path}: its header cannot be read ({detail})") from error


def _first_of(error: ValidationError) -> str:
    first = error.errors()[0]
    return _word(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """Hex sha256 of the names, types, shapes and bytes of tensors on the CPU, in order of names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.reshape(-1)
        if flat.stride(0) != 1:  # a single number counts as contiguous whatever its stride
            flat = flat.clone(memory_format=torch.contiguous_format)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def misfit(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str | None:
    """What of a file's tensors does not go where it should; None where all of them do.

    Names, shapes and types have to be those of `expected`, and numbers finite. An optimiser's
    fused step would write beyond a tensor that is too small.
    """
    for name in sorted(found.keys() | expected.keys()):
        if name not in found:
            return f"{name} is missing"
        if name not in expected:
            return f"{name} belongs to nothing"
        one, other = found[name], expected[name]
        if one.shape != other.shape or one.dtype != other.dtype:
            return f"{name} is {_kind(one)}, expected {_kind(other)}"
        if not one.isfinite().all():
            return f"{name} holds NaN or infinity"
    return None


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _second(content: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 keeps what wrote the checkpoint, and a digest of its tensors."""
    return {**content, "command": "", "versions": {}, "tensors_sha256": ""}


def _third(content: dict[str, Any]) -> dict[str, Any]:
    """Schema 3 keeps how the system is built, and what was done to its frames.

    It may name several systems, and a checkpoint that training began from. Before it, velocities
    were differences to the next frame.
    """
    preset = content["preset"]
    data = {"velocity": "next", **preset["data"]}
    return {**content, "preset": {**preset, "data": data}, "structure": None, "treatment": ()}


UPGRADES = {1: _second, 2: _third}


def _check_model(path: Path, content: dict[str, Any]) -> None:
    """Refuse a checkpoint of a model that no installed package has."""
    name = content["preset"]["model"]["name"]
    if name not in MODEL_CONFIGS:
        package = content.get("model_package")
        raise RequestError(
            f"{path}: its model {_word(name)} is not installed here",
            f"install the package it is of: {_word(package)}" if package else "upgrade painet",
        )


def _word(said: object) -> str:
    """What a header says, on one line of a message."""
    return " ".join(str(said).split())[:80]


def weights_in(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights to predict with, of the tensors of a checkpoint: the average's where it keeps one."""
    own, averaged = under("model", tensors), under("average", tensors)
    return {name: averaged.get(f"module.{name}", tensor) for name, tensor in own.items()}


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose name starts with `prefix/`, without it."""
    return {
        name.removeprefix(f"{prefix}/"): t
        for name, t in tensors.items()
        if name.startswith(f"{prefix}/")
    }
