"""A dataset on disk is whole, is what it says it is, or is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import FRAMES, MANIFEST, Dataset, open_dataset, write_dataset
from painet_cli.data.dataset.manifest import SCHEMA_VERSION, Manifest
from painet_cli.errors import PainetError, RequestError
from systems import RING, frames_of, manifest


@pytest.fixture
def describe() -> Manifest:
    return manifest()


@pytest.fixture
def written(tmp_path: Path, describe: Manifest) -> Dataset:
    return write_dataset(tmp_path / "small", frames_of(describe), describe)


@pytest.fixture
def folder(tmp_path: Path, describe: Manifest) -> Path:
    """A dataset that nobody holds open, to be damaged."""
    return write_dataset(tmp_path / "small", frames_of(describe), describe).folder


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / MANIFEST
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def unlist(content: dict[str, Any]) -> None:
    """Take the checksums away, so that the contents must speak for themselves."""
    content["files"] = {}


def test_what_is_written_is_read(tmp_path: Path, describe: Manifest, written: Dataset) -> None:
    opened = open_dataset(tmp_path / "small")
    assert names_in(tmp_path) == ["small"]
    assert names_in(opened.folder) == [MANIFEST, FRAMES]
    assert np.array_equal(opened.frames, frames_of(describe))
    assert opened.frames.dtype == np.float32
    assert isinstance(opened.frames, np.memmap)
    assert not opened.frames.flags.writeable
    as_given = {"files": {}, "origin": describe.origin, "content_sha256": ""}
    assert opened.manifest.model_copy(update=as_given) == describe
    assert opened.manifest.origin.versions.keys() >= {"painet", "python", "numpy"}
    assert list(opened.manifest.files) == [FRAMES]
    assert opened.starts("train").tolist() == [0, 1, 2, 13]
    assert opened.starts("val").tolist() == [5]
    assert opened.sha256 == written.sha256


def test_the_fingerprint_is_of_the_content(tmp_path: Path, written: Dataset) -> None:
    described = written.manifest.model_copy(update={"name": "another", "files": {}})
    same = write_dataset(tmp_path / "another", frames_of(described), described)
    assert same.sha256 == written.sha256
    moved = write_dataset(tmp_path / "moved", frames_of(described, seed=1), described)
    assert moved.sha256 != written.sha256
    split = manifest(train=(0, 1))
    assert write_dataset(tmp_path / "split", frames_of(split), split).sha256 != written.sha256


def test_a_dataset_is_replaced_only_by_force(
    tmp_path: Path, describe: Manifest, written: Dataset
) -> None:
    other = frames_of(describe, seed=1)
    with pytest.raises(RequestError, match="exists already") as refused:
        write_dataset(written.folder, other, describe)
    assert "force=True" in refused.value.hint
    assert open_dataset(written.folder).sha256 == written.sha256

    replaced = write_dataset(written.folder, other, describe, force=True)
    assert np.array_equal(replaced.frames, other)
    assert names_in(tmp_path) == ["small"]


def test_missing_parents_are_made(tmp_path: Path, describe: Manifest) -> None:
    assert write_dataset(tmp_path / "a" / "b", frames_of(describe), describe).folder.is_dir()


def test_a_parent_that_is_a_file_is_refused(tmp_path: Path, describe: Manifest) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file" / "small", tmp_path / "file" / "deeper" / "small"):
        with pytest.raises(RequestError, match="cannot be made"):
            write_dataset(folder, frames_of(describe), describe)
    assert names_in(tmp_path) == ["file"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_coordinate_that_is_no_number_is_refused(
    tmp_path: Path, describe: Manifest, value: float
) -> None:
    frames = frames_of(describe)
    frames[7, 2, 1] = value
    with pytest.raises(RequestError, match="frame 7"):
        write_dataset(tmp_path / "small", frames, describe)
    assert names_in(tmp_path) == []


def test_frames_that_the_manifest_does_not_describe_leave_nothing_behind(
    tmp_path: Path, describe: Manifest
) -> None:
    with pytest.raises(RequestError, match="describes"):
        write_dataset(tmp_path / "small", frames_of(manifest(molecule=RING)), describe)
    assert names_in(tmp_path) == []


def test_frames_that_the_manifest_does_not_describe_replace_nothing(
    describe: Manifest, written: Dataset
) -> None:
    with pytest.raises(RequestError, match="describes"):
        write_dataset(written.folder, frames_of(describe)[:-1], describe, force=True)
    assert open_dataset(written.folder).sha256 == written.sha256


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_while_writing_leaves_nothing_behind(
    tmp_path: Path,
    describe: Manifest,
    written: Dataset,
    error: BaseException,
) -> None:
    def half() -> Iterator[NDArray[np.float32]]:
        yield frames_of(describe, seed=1)[:10]
        raise error

    expected = PainetError if isinstance(error, OSError) else KeyboardInterrupt
    for folder in (tmp_path / "new", written.folder):
        with pytest.raises(expected):
            write_dataset(folder, half(), describe, force=True)
    assert names_in(tmp_path) == ["small"]
    assert open_dataset(written.folder).sha256 == written.sha256


@pytest.mark.parametrize("rows", [1, 7, 20])
def test_chunks_make_the_same_bytes_as_the_whole(
    tmp_path: Path, describe: Manifest, written: Dataset, rows: int
) -> None:
    frames = frames_of(describe)
    chunks = (frames[first : first + rows] for first in range(0, 20, rows))
    chunked = write_dataset(tmp_path / "chunked", chunks, describe)
    assert chunked.manifest.files == written.manifest.files
    np.save(tmp_path / "numpy.npy", frames)
    assert (tmp_path / "numpy.npy").read_bytes() == (chunked.folder / FRAMES).read_bytes()


def test_a_frame_of_a_later_chunk_is_named_by_its_number_in_all(
    tmp_path: Path, describe: Manifest
) -> None:
    frames = frames_of(describe)
    frames[17, 2, 1] = np.nan
    with pytest.raises(RequestError, match="frame 17"):
        write_dataset(tmp_path / "small", iter([frames[:12], frames[12:]]), describe)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([(12, 4)], id="too few"),
        pytest.param([(12, 4), (9, 4)], id="too many"),
        pytest.param([(20, 5)], id="a particle too many"),
        pytest.param([], id="none"),
    ],
)
def test_chunks_that_the_manifest_does_not_describe_leave_nothing_behind(
    tmp_path: Path, describe: Manifest, chunks: list[tuple[int, int]]
) -> None:
    zeros = (np.zeros((*shape, 3), dtype=np.float32) for shape in chunks)
    with pytest.raises(RequestError, match=r"describes float32 \(20, 4, 3\)"):
        write_dataset(tmp_path / "small", zeros, describe)
    assert names_in(tmp_path) == []


def test_a_file_in_the_folders_place_is_left_alone(tmp_path: Path, describe: Manifest) -> None:
    (tmp_path / "small").write_text("mine")
    with pytest.raises(RequestError):
        write_dataset(tmp_path / "small", frames_of(describe), describe, force=True)
    assert names_in(tmp_path) == ["small"]
    assert (tmp_path / "small").read_text() == "mine"


def test_no_dataset_here(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(RequestError, match="no prepared dataset here"):
            open_dataset(folder)


def test_one_flipped_byte_is_noticed(folder: Path) -> None:
    path = folder / FRAMES
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(RequestError, match="bytes changed"):
        open_dataset(folder)


def test_missing_frames_are_noticed(folder: Path) -> None:
    (folder / FRAMES).unlink()
    with pytest.raises(RequestError, match="missing"):
        open_dataset(folder)


@pytest.mark.parametrize("bytes_left", [0, 5, 200, -4])
@pytest.mark.parametrize("listed", [True, False])
def test_truncated_frames_are_noticed(folder: Path, bytes_left: int, *, listed: bool) -> None:
    path = folder / FRAMES
    path.write_bytes(path.read_bytes()[:bytes_left])
    if not listed:
        edit(folder, unlist)
    with pytest.raises(RequestError, match=FRAMES):
        open_dataset(folder)


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(np.zeros((20, 4, 2), dtype=np.float32), id="two coordinates"),
        pytest.param(np.zeros((20, 5, 3), dtype=np.float32), id="a particle too many"),
        pytest.param(np.zeros((19, 4, 3), dtype=np.float32), id="a frame too few"),
        pytest.param(np.zeros((20, 4, 3), dtype=np.float64), id="double precision"),
        pytest.param(np.zeros((20, 4, 3), dtype=object), id="pickled objects"),
    ],
)
def test_frames_of_another_shape_or_type_are_noticed(folder: Path, frames: NDArray[Any]) -> None:
    np.save(folder / FRAMES, frames)
    edit(folder, unlist)
    with pytest.raises(RequestError, match=FRAMES):
        open_dataset(folder)


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 99])
def test_a_newer_schema_asks_for_an_upgrade(folder: Path, version: int) -> None:
    def newer(content: dict[str, Any]) -> None:
        content |= {"schema_version": version, "a_field_of_the_future": 1}

    edit(folder, newer)
    with pytest.raises(RequestError) as refused:
        open_dataset(folder)
    assert "upgrade painet" in refused.value.hint
    assert str(folder) in refused.value.what


@pytest.mark.parametrize("version", [0, None, "one"])
def test_an_impossible_schema_is_refused(folder: Path, version: object) -> None:
    edit(folder, lambda content: content.update(schema_version=version))
    with pytest.raises(RequestError, match="schema_version"):
        open_dataset(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "{}", "\xff", "[" * 200_000])
def test_a_manifest_that_is_none_is_refused(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_bytes(text.encode("latin-1"))
    with pytest.raises(RequestError, match=MANIFEST):
        open_dataset(folder)


@pytest.mark.parametrize(
    ("section", "field", "value", "complaint"),
    [
        ("particles", "types", [0, 1, 2], "3 particle types"),
        ("particles", "types", [0, 1, 2, 3], "no entry in type_names"),
        ("particles", "bonds", [[0, 4]], "does not join"),
        ("particles", "bonds", [[1, 1]], "does not join"),
        ("split", "train", [8], "does not fit"),
        ("split", "test", [20], "does not fit"),
        ("split", "delta_frames", 0, "split.delta_frames"),
        ("units", "frame_time_s", -1.0, "units.frame_time_s"),
        ("origin", "unknown", 1, "origin.unknown"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    folder: Path, section: str, field: str, value: object, complaint: str
) -> None:
    edit(folder, lambda content: content[section].update({field: value}))
    with pytest.raises(RequestError, match=complaint):
        open_dataset(folder)


def test_segments_must_follow_one_another(folder: Path) -> None:
    edit(folder, lambda content: content["segments"][1].update(start=13))
    with pytest.raises(RequestError, match="trial 1 starts at 13, expected 12"):
        open_dataset(folder)
