"""`painet prepare bandai`: takes by name, and parts with styles of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.sources.prepare import prepare
from painet_cli.errors import RequestError
from takes import take

STYLES = ("active", "happy", "old", "tired")


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of made takes, named as Bandai-Namco's are, and a file that is none."""
    folder = tmp_path_factory.mktemp("takes")
    for style in STYLES:
        take(folder / f"dataset-1_walk_{style}_001.bvh", 60, step=1 / 30)
    take(folder / "dataset-1_run_happy_001.bvh", 50, step=1 / 30)
    take(folder / "mine.bvh", 10)
    return folder


def prepared(takes: Path, tmp_path: Path, **options: Any) -> Dataset:
    return prepare("bandai", data_dir=tmp_path, source=takes, delta_frames=20, **options)


def styles_of(dataset: Dataset, part: str) -> set[str]:
    """Styles of the takes that a part's windows are in."""
    return {
        segment.name.split("_")[2]
        for segment in dataset.manifest.segments
        for start in getattr(dataset.manifest.split, part)
        if segment.start <= start < segment.start + segment.length
    }


def test_no_style_is_in_two_parts(takes: Path, tmp_path: Path) -> None:
    dataset = prepared(takes, tmp_path)
    assert len(dataset.manifest.segments) == 5
    parts = {part: styles_of(dataset, part) for part in ("train", "val", "test")}
    assert parts == {"train": {"active", "happy"}, "val": {"old"}, "test": {"tired"}}
    assert "CC BY-NC-ND 4.0" in dataset.manifest.origin.licence
    assert "Styles of test: tired." in dataset.manifest.origin.notes


def test_no_window_crosses_a_jump(tmp_path: Path) -> None:
    for style in STYLES:
        take(tmp_path / f"dataset-1_walk_{style}_001.bvh", 60, step=1 / 30, jump=25)
    manifest = prepared(tmp_path, tmp_path / "data").manifest
    assert [one.length for one in manifest.segments] == [25, 35] * len(STYLES)
    assert "old_001.bvh: the motion jumps to frame 25" in manifest.origin.notes


def test_styles_and_content_can_be_chosen(takes: Path, tmp_path: Path) -> None:
    dataset = prepared(takes, tmp_path, content="walk", test=["happy"], val=["tired"])
    assert {one.name.split("_")[1] for one in dataset.manifest.segments} == {"walk"}
    assert styles_of(dataset, "test") == {"happy"}
    assert styles_of(dataset, "val") == {"tired"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"content": "wlak"}, "content='wlak': no such content"),
        ({"test": ["sad"]}, "test='sad': no such style"),
        ({"content": "run"}, "each of train, val and test needs one"),
        ({"test": ["old"], "val": ["old"]}, "each of train, val and test needs one"),
    ],
)
def test_what_is_not_there_is_refused(
    takes: Path, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        prepared(takes, tmp_path, **options)
    assert not (tmp_path / "bandai").exists()


def test_a_folder_without_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no takes of Bandai-Namco's"):
        prepare("bandai", data_dir=tmp_path, source=tmp_path)
