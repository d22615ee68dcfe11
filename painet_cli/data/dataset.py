"""A prepared dataset on disk: a folder with `frames.npy` and `dataset.json`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from painet_cli.data.files import file_sha256, new_folder
from painet_cli.data.manifest import SCHEMA_VERSION, Manifest, SplitName
from painet_cli.data.source_files import DAMAGED, brief, read_json, read_npy_header
from painet_cli.errors import RequestError

FRAMES = "frames.npy"
MANIFEST = "dataset.json"
_AGAIN = "prepare the dataset again with --force"


@dataclass(frozen=True)
class Dataset:
    """A prepared dataset.

    Attributes
    ----------
    folder
        Where it lies.
    manifest
        What it says about itself.
    frames
        Positions, (frames, particles, 3) float32 in `manifest.units`, memory-mapped read-only.
    sha256
        Fingerprint of all that a result depends on (`Manifest.fingerprint`).
    """

    folder: Path
    manifest: Manifest
    frames: NDArray[np.float32]
    sha256: str

    def starts(self, part: SplitName) -> NDArray[np.int64]:
        """Start frames of the windows of one part of the split, (windows,)."""
        return np.asarray(self.manifest.split.starts(part), dtype=np.int64)


def open_dataset(folder: Path) -> Dataset:
    """Open a prepared dataset and check that its bytes are the ones that were prepared.

    Raises
    ------
    RequestError
        The folder is no dataset, was written by a newer painet, or its files changed.
    """
    manifest_path = folder / MANIFEST
    if not manifest_path.is_file():
        raise RequestError(
            f"{folder}: no prepared dataset here ({MANIFEST} is missing)",
            "`painet prepare --help` lists the sources a dataset can be prepared from",
        )
    manifest = _read_manifest(manifest_path)
    if FRAMES not in manifest.files:
        raise RequestError(f"{manifest_path}: gives no sha256 of {FRAMES}", _AGAIN)
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise RequestError(
                f"{path}: missing, though {MANIFEST} lists it",
                _AGAIN,
            )
        if file_sha256(path) != expected:
            raise RequestError(
                f"{path}: its bytes changed since it was prepared (sha256 differs from {MANIFEST})",
                _AGAIN,
            )
    frames = _mapped(folder / FRAMES)
    _check_shape(frames, manifest, folder)
    return Dataset(folder, manifest, frames, manifest.fingerprint())


def _mapped(path: Path) -> NDArray[Any]:
    """Map the array of an .npy file into memory, read-only."""
    try:
        with path.open("rb") as file:
            header = read_npy_header(file)
        header.check_fits(path.stat().st_size)
        order: Literal["F", "C"] = "F" if header.fortran_order else "C"
        return np.memmap(path, header.dtype, "r", header.header_bytes, header.shape, order)
    except DAMAGED as error:
        raise RequestError(f"{path}: {brief(error)}", _AGAIN) from error


def _read_manifest(path: Path) -> Manifest:
    content = read_json(path, _AGAIN)
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise RequestError(
            f"{path}: dataset schema {version} is newer than this painet reads ({SCHEMA_VERSION})",
            "upgrade painet, or prepare the dataset again with this version",
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the manifest"
        raise RequestError(f"{path}: {where}: {first['msg']}", _AGAIN) from error


def _check_shape(frames: NDArray[np.float32], manifest: Manifest, folder: Path) -> None:
    expected = (manifest.frame_count, len(manifest.particles.names), 3)
    if frames.shape != expected or frames.dtype != np.float32:
        raise _unlike(frames.dtype, frames.shape, expected, folder / FRAMES)


def _unlike(
    dtype: np.dtype[np.generic], shape: tuple[int, ...], expected: tuple[int, ...], path: Path
) -> RequestError:
    return RequestError(
        f"{path}: {dtype} {shape}, but {MANIFEST} describes float32 {expected}", _AGAIN
    )


def write_dataset(
    folder: Path,
    frames: NDArray[np.float32] | Iterable[NDArray[np.float32]],
    describe: Manifest,
    *,
    force: bool = False,
) -> Dataset:
    """Write a dataset in one step: a reader sees the old folder or the new one, never a mixture.

    Parameters
    ----------
    frames
        (frames, particles, 3) positions, finite; or consecutive chunks of them, which are read
        one at a time, so that they need not fit into memory.
    describe
        The manifest; its `files` are filled in here.
    force
        Replace a dataset that is already there.

    Raises
    ------
    RequestError
        The folder exists and `force` is false, or cannot be written; a coordinate is not finite;
        the frames are not as many and as large as the manifest says.
    """
    chunks: Iterable[NDArray[np.float32]] = frames
    if isinstance(frames, np.ndarray):
        _check_shape(frames, describe, folder)
        _check_finite(frames, 0)
        chunks = (frames,)
    with new_folder(folder, force=force) as staging:
        _write_frames(staging / FRAMES, chunks, describe)
        manifest = describe.model_copy(update={"files": {FRAMES: file_sha256(staging / FRAMES)}})
        (staging / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return open_dataset(folder)


def _write_frames(path: Path, chunks: Iterable[NDArray[np.float32]], describe: Manifest) -> None:
    """Write the same bytes as `numpy.save` of the whole array."""
    shape = (describe.frame_count, len(describe.particles.names), 3)
    descr = np.lib.format.dtype_to_descr(np.dtype(np.float32))
    written = 0
    # Not through a memory map: a disk that fills up would kill the process instead of raising.
    with path.open("wb") as file:
        header = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            end = written + len(chunk)
            if chunk.dtype != np.float32 or chunk.shape[1:] != shape[1:] or end > shape[0]:
                raise _unlike(chunk.dtype, (end, *chunk.shape[1:]), shape, path)
            _check_finite(chunk, written)
            file.write(np.ascontiguousarray(chunk).data)
            written = end
    if written != shape[0]:
        raise _unlike(np.dtype(np.float32), (written, *shape[1:]), shape, path)


def _check_finite(frames: NDArray[np.float32], first: int) -> None:
    finite = np.isfinite(frames).all(axis=(1, 2))
    if not finite.all():
        raise RequestError(
            f"frame {first + int(np.argmin(finite))} holds a coordinate that is NaN or infinite"
        )
