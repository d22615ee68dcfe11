"""`painet data`: what there is, what it is, and out it goes."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from MDAnalysis import Universe
from pytest import CaptureFixture, MonkeyPatch

from painet_cli.cli.app import main

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(
    capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path, data_dir: Path
) -> Say:
    """Type a `painet data` command where the sample is prepared."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PAINET_DATA", str(data_dir))

    def typed(*words: object) -> tuple[int, str, str]:
        status = main(["data", *(str(word) for word in words)])
        out, err = capsys.readouterr()
        return status, out, err

    return typed


def test_list(say: Say) -> None:
    status, out, _ = say("list")
    assert status == 0
    (line,) = [line for line in out.splitlines() if line.startswith("sample")]
    assert line.split() == ["sample", "20,000", "9", "1", "1,100", "blocks", "2.17", "MB"]
    assert "\x1b" not in out


def test_list_shows_a_broken_dataset(say: Say, data_dir: Path) -> None:
    shutil.copytree(data_dir, "here")
    shutil.copytree("here/sample", "here/broken")
    Path("here/broken/frames.npy").unlink()
    Path("here/unrelated").mkdir()
    status, out, _ = say("list", "--data-dir", "here")
    assert status == 0
    assert "broken: here/broken/frames.npy: missing" in out
    status, out, _ = say("list", "--data-dir", "here", "--json")
    broken, sample = json.loads(out)["datasets"]
    assert status == 0
    assert (broken["name"], broken["frames"]) == ("broken", None)
    assert "missing" in broken["error"]
    assert (sample["name"], sample["error"]) == ("sample", None)
    assert sample["windows"] == {"train": 500, "val": 200, "test": 400}


def test_list_of_nothing(say: Say) -> None:
    status, out, _ = say("list", "--data-dir", "nowhere")
    assert status == 0
    assert "painet prepare --help" in out
    assert json.loads(say("list", "--data-dir", "nowhere", "--json")[1])["datasets"] == []


def test_show(say: Say) -> None:
    status, out, _ = say("show", "sample")
    assert status == 0
    for expected in (
        "9: 6 H, 2 C, 1 O",
        "20,000 in 1 segment",
        "0.5 fs a frame, 10 ps in all",
        "500 train, 200 val, 400 test; 200 frames, 100 fs, each",
        "blocks, 0 % of test windows",
        "ethanol (20,000)",
        "MIT",
    ):
        assert expected in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_show_as_json(say: Say) -> None:
    status, out, _ = say("show", "sample", "--json")
    seen = json.loads(out)
    assert status == 0
    assert seen["types"] == {"H": 6, "C": 2, "O": 1}
    assert seen["segment_list"] == [
        {"name": "ethanol", "start": 0, "frames": 20000, "time_s": pytest.approx(1e-11, rel=1e-4)}
    ]
    assert seen["rms_speed_m_s"] == pytest.approx(2945, rel=0.01), "atoms at 500 K, no other unit"
    assert len(seen["sha256"]) == len(seen["files"]["frames.npy"]) == 64
    promised = "dataset name frames particles bonds segments windows split leak unit frame_time_s"
    assert {*promised.split(), "extent", "radius_of_gyration", "origin", "picture"} <= set(seen)


def test_show_draws_a_picture(say: Say) -> None:
    status, out, _ = say("show", "sample", "--picture", "p.png")
    assert status == 0
    assert "picture: p.png" in out
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")
    status, _, err = say("show", "sample", "--picture", "p.png")
    assert status == 2
    assert "--force" in err
    assert say("show", "sample", "--picture", "p.png", "--force")[0] == 0


def test_a_dataset_is_also_found_by_its_folder(say: Say, data_dir: Path) -> None:
    status, out, _ = say("show", data_dir / "sample", "--data-dir", "nowhere")
    assert status == 0
    assert "9: 6 H" in out


def test_export(say: Say) -> None:
    status, out, _ = say("export", "sample", "-o", "s.xyz", "--start", 10, "--stop", 20)
    assert status == 0
    assert "s.pdb" in out
    assert "note: .xyz holds no times; MDAnalysis takes dt=0.0005" in out
    assert max(len(line) for line in out.splitlines()) <= 80
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        universe = Universe("s.pdb", "s.xyz", dt=0.0005)
    assert (len(universe.atoms), len(universe.bonds)) == (9, 8)
    assert len(universe.trajectory) == 10


def test_export_as_json(say: Say) -> None:
    words = ["export", "sample", "-o", "s.dcd", "--stride", 1000, "--no-topology", "--json"]
    status, out, _ = say(*words)
    seen = json.loads(out)
    (output,) = seen["outputs"]
    assert status == 0
    assert seen["notes"] == []
    assert (output["path"], output["topology"], output["frames"]) == ("s.dcd", None, 20)
    assert output["frame_time_s"] == pytest.approx(5e-13)
    assert not Path("s.pdb").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["show", "nowhere"], "painet data list"),
        (["export", "nowhere", "-o", "x.dcd"], "painet data list"),
        (["export", "sample", "-o", "x.foo"], ".dcd, .xtc"),
        (["export", "sample", "-o", "x.pdb"], "at most 9,999"),
        (["export", "sample", "-o", "x.dcd", "--segment", "b"], "ethanol"),
        (["show", "sample", "--picture", "x.foo"], ".png"),
        (["show", "sample", "--picture", "nowhere/x.png"], "no such folder"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_2(
    say: Say, words: list[str], expected: str
) -> None:
    status, out, err = say(*words)
    assert (status, out) == (2, "")
    assert expected in err
    assert 1 <= len(err.strip().splitlines()) <= 3
    assert not list(Path().iterdir())


def test_list_and_show_need_neither_torch_nor_mdanalysis(data_dir: Path) -> None:
    code = (
        "import sys; from painet_cli.cli.app import main; "
        f"main(['data', 'show', 'sample', '--data-dir', {str(data_dir)!r}]); "
        "sys.exit(bool({'torch', 'MDAnalysis'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_command_that_is_printed_can_be_pasted_whatever_its_folder_is_called(
    tmp_path: Path, capsys: CaptureFixture[str]
) -> None:
    folder = tmp_path / "O'Neil's data"
    folder.mkdir()
    assert main(["data", "show", "nothing", "--data-dir", str(folder)]) == 2
    _, printed, *_ = capsys.readouterr().err.split("`")
    assert main(shlex.split(printed)[1:]) == 0
