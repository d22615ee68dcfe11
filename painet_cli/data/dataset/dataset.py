"""A prepared dataset on disk: a folder with `frames.npy` and `dataset.json`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from painet_cli.data.dataset.manifest import UPGRADES, Manifest, SplitName
from painet_cli.data.dataset.systems import only_system
from painet_cli.data.particles.origin import is_far, places
from painet_cli.errors import RequestError, option
from painet_cli.storage.archives import DAMAGED, brief, read_json, read_npy_header
from painet_cli.storage.atomic import file_sha256, new_folder, recover
from painet_cli.storage.provenance import sealed, versions
from painet_cli.storage.schema_upgrades import upgraded

FRAMES = "frames.npy"
MANIFEST = "dataset.json"
_AGAIN = "prepare the dataset again: `painet prepare SOURCE --force`"


@dataclass(frozen=True)
class Dataset:
    """A prepared dataset.

    Attributes
    ----------
    folder
        Where it lies.
    manifest
        What it says about itself.
    array
        Positions, float32 in `manifest.units`, memory-mapped read-only: (frames, particles, 3), or
        (rows, 3) of several systems, the particles of one frame after those of the frame before.
    sha256
        Fingerprint of all that a result depends on (`Manifest.fingerprint`).

    Examples
    --------
    >>> import tempfile, painet
    >>> folder = painet.prepare("sample", data_dir=tempfile.mkdtemp()).folder
    >>> dataset = painet.Dataset.open(folder)
    >>> dataset.manifest.particles.elements, dataset.manifest.units.length
    (('C', 'C', 'O', 'H', 'H', 'H', 'H', 'H', 'H'), 'angstrom')
    >>> dataset.frames.shape
    (20000, 9, 3)
    """

    folder: Path
    manifest: Manifest
    array: NDArray[np.float32]
    sha256: str

    @property
    def frames(self) -> NDArray[np.float32]:
        """(frames, particles, 3) positions of a dataset of one system.

        Raises
        ------
        RequestError
            It has several systems.
        """
        if self.manifest.systems:
            raise RequestError(
                f"dataset {self.manifest.name}: {len(self.manifest.systems)} systems, and this is "
                "for one",
                "`painet data export --segment NAME` writes one of them; in Python, "
                "`Dataset.only(name)` is one",
            )
        return self.array

    def only(self, system: str | int) -> Dataset:
        """One of the systems as a dataset of its own: its particles, segments and windows.

        Frames are numbered from the system's first, and nothing is copied.

        Parameters
        ----------
        system
            Its name, or its number from 0.

        Raises
        ------
        RequestError
            There is no such system.
        """
        manifest, number = only_system(self.manifest, system)
        if manifest is self.manifest:
            return self
        sizes = [one.particles for one in self.manifest.systems]
        rows = [s.length * sizes[s.system] for s in self.manifest.segments if s.system < number]
        first, (count, n, _) = sum(rows), manifest.shape
        array = self.array[first : first + count * n].reshape(count, n, 3)
        return Dataset(self.folder, manifest, array, manifest.fingerprint())

    def starts(self, part: SplitName) -> NDArray[np.int64]:
        """Start frames of the windows of one part of the split, (windows,)."""
        return np.asarray(self.manifest.split.starts(part), dtype=np.int64)

    @staticmethod
    def open(folder: str | Path) -> Dataset:
        """Open a prepared dataset and check that its bytes are the ones that were prepared.

        Parameters
        ----------
        folder
            Where it lies, such as `data/md17-benzene`.

        Raises
        ------
        RequestError
            The folder is no dataset, was written by a newer painet, or its files changed.
        """
        return open_dataset(Path(folder))


def open_dataset(folder: Path) -> Dataset:
    """Open a prepared dataset as `Dataset.open` does; raises alike."""
    recover(folder)
    manifest_path = folder / MANIFEST
    if not manifest_path.is_file():
        raise RequestError(
            f"{folder}: no prepared dataset here ({MANIFEST} is missing)",
            "`painet prepare --help` lists the sources a dataset can be prepared from",
        )
    manifest = read_manifest(manifest_path)
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
    array = _mapped(folder / FRAMES)
    if array.shape != manifest.shape or array.dtype != np.float32:
        raise _unlike(array.dtype, array.shape, manifest.shape, folder / FRAMES)
    return Dataset(folder, manifest, array, manifest.fingerprint())


def dataset_folder(path: Path, data_dir: Path | None) -> Path | None:
    """Folder of the prepared dataset that a path or a name in `data_dir` means, if it means one.

    Raises
    ------
    RequestError
        It is a folder, but of no dataset.
    """
    for folder in (path, *([data_dir / path] if data_dir is not None else [])):
        if (folder / MANIFEST).is_file():
            return folder
    if path.is_dir():
        raise RequestError(
            f"{path}: a folder, but no prepared dataset ({MANIFEST} is missing)",
            f"give a file, a prepared dataset or its name in {option('data_dir')}",
        )
    if not path.exists():
        raise RequestError(
            f"{path}: no such file, and no prepared dataset of that name",
            "a pipe is not read: save it as a file first"
            if str(path) == "-"
            else "check the path; `painet data list` lists the datasets",
        )
    return None


def _mapped(path: Path) -> NDArray[Any]:
    """Map the array of an .npy file into memory, read-only."""
    try:
        with path.open("rb") as file:
            read_npy_header(file).check_fits(path.stat().st_size)
        return np.lib.format.open_memmap(path, mode="r")
    except DAMAGED as error:
        raise RequestError(f"{path}: {brief(error)}", _AGAIN) from error


def read_manifest(path: Path) -> Manifest:
    """Read what a dataset says about itself, and none of its frames; raises as opening does."""
    too_new = "upgrade painet, or prepare the dataset again with this version"
    content = upgraded(read_json(path, _AGAIN), UPGRADES, path, "dataset", too_new)
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the manifest"
        where = " ".join(where.split())[:100]  # a key is as long as its writer likes
        raise RequestError(f"{path}: {where}: {first['msg']}", _AGAIN) from error


def _unlike(
    dtype: np.dtype[np.generic], shape: tuple[int, ...], expected: tuple[int, ...], path: Path
) -> RequestError:
    return RequestError(
        f"{path}: {dtype} {shape}, but {MANIFEST} describes float32 {expected}", _AGAIN
    )


def write_dataset(
    folder: Path,
    frames: NDArray[np.floating] | Iterable[NDArray[np.floating]],
    describe: Manifest,
    *,
    force: bool = False,
) -> Dataset:
    """Write a dataset in one step: a reader sees the old folder or the new one, never a mixture.

    Parameters
    ----------
    frames
        (frames, particles, 3) positions, finite, float32 or float64, or (rows, 3) of several
        systems; or consecutive chunks of them, which are read one at a time, so that they need not
        fit into memory. Those of one system far from the origin are moved to it before they are
        rounded to float32.
    describe
        The manifest; its `files`, `offset` and versions are filled in here.
    force
        Replace a dataset that is already there.

    Raises
    ------
    RequestError
        The folder exists and `force` is false, or cannot be written; a coordinate is not finite;
        the frames are not as many and as large as the manifest says.
    """
    chunks = (frames,) if isinstance(frames, np.ndarray) else frames
    with new_folder(folder, force=force) as staging:
        offset = _write_frames(staging / FRAMES, chunks, describe)
        manifest = describe.model_copy(
            update={
                "files": {FRAMES: file_sha256(staging / FRAMES)},
                "offset": tuple(offset.ravel().tolist()),
                "origin": describe.origin.model_copy(update={"versions": versions()}),
            }
        )
        content = manifest.model_dump(mode="json", exclude={"content_sha256"})
        (staging / MANIFEST).write_text(sealed(content), encoding="utf-8")
    return open_dataset(folder)


def _write_frames(
    path: Path, chunks: Iterable[NDArray[np.floating]], describe: Manifest
) -> NDArray[np.float64]:  # (1, 3)
    """Write the bytes that `numpy.save` of the whole would; gives what was subtracted first."""
    shape = describe.shape
    descr = np.lib.format.dtype_to_descr(np.dtype(np.float32))
    written, offset = 0, np.zeros((1, 3))
    # Not through a memory map: a disk that fills up would kill the process instead of raising.
    with path.open("wb") as file:
        header = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            end = written + len(chunk)
            floating = chunk.dtype.kind == "f" and chunk.dtype.itemsize in (4, 8)
            if not floating or chunk.shape[1:] != shape[1:] or end > shape[0]:
                raise _unlike(chunk.dtype, (end, *chunk.shape[1:]), shape, path)
            if written == 0 and not describe.systems and is_far(chunk[:1], describe.up_axis):
                offset = places(chunk[0], describe.up_axis)
            with np.errstate(over="ignore", invalid="ignore"):  # infinities are found below
                moved = chunk - offset if offset.any() else chunk
                rounded = np.ascontiguousarray(moved, dtype=np.float32)
            _check_finite(rounded, written, describe)
            file.write(rounded.data)
            written = end
    if written != shape[0]:
        raise _unlike(np.dtype(np.float32), (written, *shape[1:]), shape, path)
    return offset


def _check_finite(frames: NDArray[np.float32], first: int, describe: Manifest) -> None:
    finite = np.isfinite(frames).all(axis=-1)
    if finite.all():
        return
    if describe.systems:
        row = first + int(np.argmin(finite))
        raise RequestError(f"{describe.name}: row {row} holds a coordinate that is NaN or infinite")
    frame, particle = np.argwhere(~finite)[0].tolist()
    raise RequestError(
        f"{describe.name}: frame {first + frame} holds a coordinate that is NaN or infinite, "
        f"of particle {particle} ({describe.particles.names[particle]})"
    )
