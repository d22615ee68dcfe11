from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import Dataset, open_dataset
from painet_cli.data.motion.mocap_files import BONES, JOINTS, SUBJECTS
from painet_cli.data.sources.mocap import load_split, prepare_mocap
from painet_cli.data.sources.registry import Destination
from painet_cli.errors import RequestError
from painet_cli.storage.archives import open_source, read_array

ASF = """\
:version 1.10
:root
order TX TY TZ RX RY RZ
axis XYZ
position 0 0 0
orientation 0 0 0
:bonedata
begin
name head
direction 0 1 0
length 2
axis 0 0 0 XYZ
end
:hierarchy
root head
"""
FRAMES = 40  # a window of 30 and its start fit 10 times


@pytest.fixture(autouse=True)
def small_split(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three trials of ten windows, in place of the published ones of trials too long for a test."""
    if "shared" not in request.fixturenames:
        listed = {"train": {"2": [9, 3], "0": [1]}, "val": {"1": [0]}, "test": {"1": [5, 4]}}
        monkeypatch.setattr("painet_cli.data.sources.mocap.load_split", lambda name: listed)


def amc(trial: int, frames: int = FRAMES) -> str:
    return "".join(f"{k}\nroot {trial} 0 {k} 0 0 0\n" for k in range(1, frames + 1))


def asf_amc(subject: int, frames: int = FRAMES) -> dict[str, str]:
    trials = SUBJECTS[subject].trials
    return {f"{subject:02d}.asf": ASF} | {
        f"{subject:02d}_{trial:02d}.amc": amc(trial, frames) for trial in trials
    }


def write_folder(folder: Path, content: dict[str, str]) -> Path:
    for name, text in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def write_zip(path: Path, content: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return path


def write_npz(path: Path, trials: int = 11, **extra: NDArray[np.generic]) -> Path:
    arrays = {f"trial_{k:02d}": np.full((FRAMES, 31, 3), float(k)) for k in range(trials)}
    np.savez(path, **(arrays | extra))
    return path


def prepare(subject: int, source: Path | None, *, force: bool = False) -> Dataset:
    folder = (source.parent if source else Path()) / "out"
    to = Destination(folder, force, "painet 0 prepare mocap")
    return prepare_mocap(to, subject=subject, source=source)


def test_a_folder_becomes_a_dataset_of_its_trials(tmp_path: Path) -> None:
    dataset = prepare(9, write_folder(tmp_path / "09", asf_amc(9)))
    manifest = dataset.manifest
    assert manifest.name == "mocap-run"
    assert [s.name for s in manifest.segments] == [f"09_{k:02d}" for k in range(1, 12)]
    assert manifest.particles.names == ("root", "head")
    assert manifest.particles.bonds == ((0, 1),)
    assert manifest.up_axis == "y"
    assert manifest.units.length_in_metres == 0.05644
    assert manifest.origin.prepared_by == "painet 0 prepare mocap"
    assert "k-th trial in numerical order" in manifest.origin.notes
    np.testing.assert_array_equal(dataset.frames[FRAMES + 2], [(2, 0, 3), (2, 2, 3)])
    assert open_dataset(dataset.folder).sha256 == dataset.sha256


def test_starts_count_from_the_first_trial_and_keep_the_published_order(tmp_path: Path) -> None:
    dataset = prepare(9, write_folder(tmp_path / "09", asf_amc(9)))
    assert dataset.manifest.split.kind == "published"
    assert dataset.manifest.split.delta_frames == 30
    assert dataset.starts("train").tolist() == [89, 83, 1]
    assert dataset.starts("val").tolist() == [40]
    assert dataset.starts("test").tolist() == [45, 44]


def test_training_shares_its_windows_among_its_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("painet_cli.data.sources.mocap.TRAINING_WINDOWS", 3)
    dataset = prepare(9, write_folder(tmp_path / "09", asf_amc(9)))
    assert dataset.starts("train").tolist() == [89, 1]
    assert len(dataset.starts("test")) == 2


@pytest.mark.parametrize("below", ["", "all_asfamc/subjects/35/", "any where/"])
def test_a_zip_holds_the_same_as_a_folder(tmp_path: Path, below: str) -> None:
    content = {below + name: text for name, text in asf_amc(35).items()}
    others = {
        "all_asfamc/subjects/36/36.asf": "not looked at",
        f"{below}35_17.amc": "a run, not looked at",
        f"__MACOSX/{below}._35.asf": "not looked at",
    }
    zipped = prepare(35, write_zip(tmp_path / "allasfamc.zip", content | others))
    foldered = prepare(35, write_folder(tmp_path / "folder", content | others), force=True)
    np.testing.assert_array_equal(zipped.frames, foldered.frames)
    assert zipped.manifest.segments == foldered.manifest.segments
    assert [s.name for s in zipped.manifest.segments][15:17] == ["35_16", "35_28"]


@pytest.mark.parametrize(("subject", "trials"), [(9, 11), (35, 23)])
def test_arrays_of_positions_are_trials_too(tmp_path: Path, subject: int, trials: int) -> None:
    source = write_npz(tmp_path / "p.npz", trials, edges=np.array(BONES)[::-1, ::-1])
    dataset = prepare(subject, source)
    assert len(dataset.manifest.segments) == trials
    assert dataset.manifest.segments[10].name == "trial_10"
    assert dataset.manifest.particles.names == JOINTS
    assert dataset.manifest.particles.type_names == JOINTS
    assert dataset.manifest.particles.types == tuple(range(31))
    assert dataset.frames[10 * FRAMES].max() == 10


def test_subjects_without_a_published_split_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"subject=7: [\s\S]*9 \(running\) or 35 \(walking\)"):
        prepare(7, tmp_path / "any")


def test_without_a_source_the_archive_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_zip(tmp_path / "allasfamc.zip", asf_amc(9))
    asked = []

    def fetched(*what: object) -> dict[str, Path]:
        asked.append(what)
        return {"zip": archive}

    def progress(_name: str, _done: int, _total: int | None) -> None:
        pass

    monkeypatch.setattr("painet_cli.data.sources.fetch.fetch_files", fetched)
    dataset = prepare_mocap(Destination(tmp_path, downloading=progress), subject=9)
    assert asked == [("mocap", progress)]
    assert "from allasfamc.zip" in dataset.manifest.origin.source
    with pytest.raises(RequestError, match="exists already"):
        prepare_mocap(Destination(tmp_path), subject=9)
    assert len(asked) == 1, "nothing is downloaded for a request that is refused"


def test_a_dataset_in_the_way_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "out" / "mocap-run").mkdir(parents=True)
    with pytest.raises(RequestError, match="exists already"):
        prepare(9, tmp_path / "missing")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "holds neither an ASF skeleton nor an array"),
        (asf_amc(35), "holds subject 35, not subject 9"),
        (asf_amc(9) | {"b/09.asf": ASF}, r"several skeletons of subject 9: .*09\.asf"),
        (
            {"09.asf": ASF, "09_01.amc": amc(1)},
            r"10 of 11 trials are missing: 09_02\.amc, .*\.\.\.",
        ),
        (asf_amc(9) | {"09.asf": "GIF"}, r"09\.asf:1: 'GIF' is not the beginning"),
        (asf_amc(9) | {"09_02.amc": "1\nhead\n"}, r"09_02\.amc:1: frame 1 has no line for"),
        (asf_amc(9, frames=33), r"trial 09_03 has 33 frames, .* train window of 30 .* frame 9"),
    ],
)
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_source_without_the_trials_is_refused(
    tmp_path: Path, content: dict[str, str], message: str, kind: str
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    source = (
        write_folder(source, content) if kind == "folder" else write_zip(source / "s.zip", content)
    )
    with pytest.raises(RequestError, match=message):
        prepare(9, source)
    assert not list((source.parent / "out").iterdir())


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"trial_03": np.zeros((9, 30, 3))}, r"trial_03: float64 of shape \(9, 30, 3\)"),
        ({"trial_03": np.zeros((0, 31, 3))}, r"trial_03: float64 of shape \(0, 31, 3\)"),
        ({"trial_03": np.zeros((9, 31, 3), int)}, "trial_03: int64 of shape"),
        ({"trial_03": np.full((9, 31, 3), np.nan)}, "trial_03: frame 0 holds a number that"),
        ({"trial_03": np.array([None])}, "trial_03: holds pickled Python objects"),
        ({"trial_11": np.zeros((9, 31, 3))}, "holds 12 trials, but subject 9 has 11"),
        ({"edges": np.zeros((30, 2), int)}, "edges: not the bones of CMU's skeleton"),
        ({"edges": np.zeros(3)}, "edges: not the bones of CMU's skeleton"),
    ],
)
def test_arrays_that_are_no_positions_are_refused(
    tmp_path: Path, extra: dict[str, NDArray[np.generic]], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        prepare(9, write_npz(tmp_path / "p.npz", **extra))


def test_the_arrays_of_the_other_subject_are_recognised(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"11 trials, but subject 35 has 23[\s\S]*subject=9"):
        prepare(35, write_npz(tmp_path / "p.npz"))


@pytest.mark.parametrize("content", [None, b"", b"plain text", b"PK\x05\x06" + bytes(17)])
def test_what_is_neither_folder_nor_archive_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    source = tmp_path / "source.zip"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(RequestError, match=r"source\.zip: cannot be read .*\nexpected a folder"):
        prepare(9, source)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    source = write_zip(tmp_path / "s.zip", asf_amc(9) | {"09.asf": " " * (64 * 2**20 + 1)})
    assert source.stat().st_size < 2**20
    with pytest.raises(RequestError, match=r"s\.zip/09\.asf: unfolds from 65,\d+ bytes"):
        prepare(9, source)


ZIPPED = io.BytesIO()
with zipfile.ZipFile(ZIPPED, "w", zipfile.ZIP_DEFLATED) as _archive:
    _archive.writestr("09.asf", ASF)
ARRAY = io.BytesIO()
np.save(ARRAY, np.zeros((2, 31, 3)))


@st.composite
def damaged(draw: st.DrawFn, raw: bytes) -> bytes:
    at = draw(st.integers(0, len(raw) - 1))
    return raw[:at] + draw(st.binary(max_size=4)) + raw[at + draw(st.integers(0, 4)) :]


@settings(deadline=None)
@given(damaged(ZIPPED.getvalue()))
def test_a_damaged_archive_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    source = tmp_path_factory.getbasetemp() / "damaged.zip"
    source.write_bytes(raw)
    try:
        with open_source(source) as members:
            content = [read() for read in members.values()]
    except RequestError as error:
        assert error.hint
    else:
        assert all(isinstance(raw, bytes) for raw in content)


@settings(deadline=None)
@given(damaged(ARRAY.getvalue()[:150]))
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_damaged_array_is_read_or_refused(raw: bytes) -> None:
    try:
        assert isinstance(read_array(raw, "a"), np.ndarray)
    except RequestError as error:
        assert error.hint


@pytest.mark.parametrize(
    ("name", "trials", "counts"),
    [("mocap-walk", 23, (1100, 600, 600)), ("mocap-run", 11, (400, 240, 240))],
)
def test_the_published_split_uses_each_trial_in_one_part(
    name: str, trials: int, counts: tuple[int, ...]
) -> None:
    listed = load_split(name)
    assert sorted(int(t) for part in listed.values() for t in part) == list(range(trials))
    assert tuple(sum(map(len, part.values())) for part in listed.values()) == counts


def test_the_walks_of_subject_35(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "mocap" / "subject35"
    dataset = prepare_mocap(Destination(tmp_path), subject=35, source=source)
    assert dataset.manifest.name == "mocap-walk"
    assert len(dataset.manifest.segments) == 23
    assert dataset.frames.shape == (9591, 31, 3)
    assert dataset.manifest.particles.names == JOINTS
    assert dataset.manifest.particles.bonds == BONES
    assert [len(dataset.starts(part)) for part in ("train", "val", "test")] == [198, 600, 600]


def test_the_runs_of_subject_9(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "mocap" / "subject09_run_positions.npz"
    dataset = prepare_mocap(Destination(tmp_path), subject=9, source=source)
    assert dataset.manifest.name == "mocap-run"
    assert len(dataset.manifest.segments) == 11
    assert [len(dataset.starts(part)) for part in ("train", "val", "test")] == [200, 240, 240]
    assert (dataset.frames[:, JOINTS.index("head"), 1] > 25).all()
