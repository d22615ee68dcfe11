"""Runs have names, are told apart in tables, and are found again."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from painet_cli.storage.locks import LOCK
from trainings import train
from typed import Say


@pytest.fixture(scope="module")
def runs(data_dir: Path, small_preset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of two settings, one of them with two seeds."""
    folder = tmp_path_factory.mktemp("told-apart")
    for settings in ((), ("train.seed=2",), ("model.layers=1", "train.lr=0.02")):
        train(small_preset, data_dir, folder, "train.epochs=2", *settings)
    return folder


def listed(say: Say, *words: object) -> list[dict[str, Any]]:
    status, out, err = say("runs", *words, "--json")
    assert status == 0, err
    found: list[dict[str, Any]] = json.loads(out)["runs"]
    return found


def test_a_name_and_tags_are_kept_over_a_resume_and_shown(
    say: Say, small_preset: Path, data_dir: Path
) -> None:
    common = ("--data-dir", data_dir, "--device", "cpu")
    words = ("train", "--preset", small_preset, "--epochs", 2, "--name", "wide", "--tag", "try")
    status, out, _ = say(*words, "--tag", "b", *common, "--json")
    assert status == 0
    assert (json.loads(out)["name"], json.loads(out)["tags"]) == ("wide", ["try", "b"])
    run = json.loads(out)["run"]
    assert say("train", "--resume", run, "--epochs", 3, *common)[0] == 0
    (one,) = listed(say)
    assert (one["name"], one["tags"], one["epochs"]) == ("wide", ["try", "b"], 3)
    _, out, _ = say("evaluate", "runs", "--data-dir", data_dir)
    assert "Run" in out and "wide" in out


@pytest.mark.parametrize("name", ["two words", "", "a/b", "../a"])
def test_a_name_is_one_word(say: Say, name: str) -> None:
    status, _, err = say("train", "--preset", "demo", "--name", name)
    assert status == 2
    assert "not a name for a run" in err


def test_a_table_shows_in_what_its_rows_differ(say: Say, runs: Path, data_dir: Path) -> None:
    status, out, _ = say("evaluate", runs, "--data-dir", data_dir, "--device", "cpu")
    assert status == 0
    first = out.partition("(continued)")[0]
    assert "layers=2 lr=0.01" in first and "layers=1 lr=0.02" in first
    assert first.count("layers=2") == 1, "seeds share a row"
    assert max(map(len, out.splitlines())) <= 80


def test_runs_says_how_each_went_and_what_was_changed(say: Say, runs: Path) -> None:
    seen = listed(say, runs, "--sort", "val_mse")
    assert [run["state"] for run in seen] == ["ended"] * 3
    assert seen == sorted(seen, key=lambda run: run["val_mse"])
    assert {run["changes"]["model.layers"] for run in seen} == {1, 2}
    assert "train.epochs" not in seen[0]["changes"], "the same in all"
    status, out, _ = say("runs", runs)
    assert status == 0 and "layers=1" in out
    assert max(map(len, out.splitlines())) <= 80


def test_runs_are_filtered_and_written_as_csv(say: Say, runs: Path) -> None:
    assert len(listed(say, runs, "--filter", "model.layers=2")) == 2
    assert len(listed(say, runs, "--filter", "train.lr=2e-2", "--filter", "state=end*")) == 1
    assert listed(say, runs, "--filter", "tag=none") == []
    rows = list(csv.DictReader(io.StringIO(say("runs", runs, "--csv")[1])))
    assert [row["seed"] for row in rows] == ["1", "2", "1"]
    status, _, err = say("runs", runs, "--filter", "modle=2")
    assert status == 2 and "no run has such a key" in err


def test_a_run_that_is_held_runs_and_one_that_was_killed_is_interrupted(
    say: Say, runs: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy" / "run"
    shutil.copytree(next(path.parent for path in runs.rglob("run.json")), copy)
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**record, "status": "running"}))
    assert [run["state"] for run in listed(say, copy)] == ["interrupted"]
    with FileLock(copy / LOCK):
        assert [run["state"] for run in listed(say, copy)] == ["running"]


def test_a_folder_without_runs_is_refused(say: Say, tmp_path: Path) -> None:
    status, _, err = say("runs", tmp_path)
    assert status == 2
    assert "no run here" in err


@pytest.mark.parametrize("value", ["x", [1], {}, 10**400, True])
@pytest.mark.parametrize("key", ["seconds", "val_mse", "best_epoch", "stopped_by", "status"])
def test_a_record_whose_figures_are_none_is_listed_without_them(
    say: Say, runs: Path, tmp_path: Path, key: str, value: Any
) -> None:
    copy = tmp_path / "copy" / "run"
    shutil.copytree(next(path.parent for path in runs.rglob("run.json")), copy)
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**record, key: value}))
    (copy / "metrics.jsonl").write_text(json.dumps({"epoch": 1, key: value}) + "\n")
    assert len(listed(say, copy)) == 1
    status, _, err = say("runs", copy, "--sort", "val_mse")
    assert status == 0, err
