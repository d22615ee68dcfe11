"""`painet evaluate RUN --physics` as a user types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from pytest import CaptureFixture, MonkeyPatch

from painet_cli.cli.app import main
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.opened_run import load_run, windows_for
from painet_cli.evaluation.physics.windows import check_windows
from painet_cli.evaluation.sampled import MOST_WINDOWS, sample_windows
from trainings import CPU


@pytest.fixture
def words(
    finished_run: Path, data_dir: Path, tmp_path: Path, monkeypatch: MonkeyPatch
) -> list[str]:
    """Command that evaluates a copy of the finished run, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    shutil.copytree(finished_run, "run")
    return ["evaluate", "run", "--data-dir", str(data_dir), "--device", "cpu"]


def test_physics_follow_the_evaluation(words: list[str], capsys: CaptureFixture[str]) -> None:
    assert main([*words, "--physics"]) == 0
    text = capsys.readouterr().out
    assert text.index("MSE a step") < text.index("Physical checks of run") < text.index("RMSF")
    assert max(map(len, text.splitlines())) <= 80


def test_physics_are_in_the_json_and_kept(words: list[str], capsys: CaptureFixture[str]) -> None:
    assert main([*words, "--physics", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    saved = json.loads(Path("run/evaluation.json").read_text())
    assert run["physics"] == saved["physics"]
    assert (run["physics"]["starts"], run["physics"]["steps"]) == (MOST_WINDOWS, 2)
    promised = {"bonds", "clashes", "gyration", "rmsd", "rmsd_in_place", "rmsf"}
    assert promised <= set(run["physics"]["predicted"])
    assert promised <= set(run["physics"]["truth"])
    assert run["physics"]["findings"]


def test_without_the_option_there_is_none(words: list[str], capsys: CaptureFixture[str]) -> None:
    assert main([*words, "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["physics"] is None


def test_the_errors_are_the_same_with_and_without(finished_run: Path, data_dir: Path) -> None:
    plain = evaluate_run(finished_run, data_dir, CPU)
    checked = evaluate_run(finished_run, data_dir, CPU, physics=True)
    assert plain.step_mse == checked.step_mse
    assert checked.physics is not None


def test_windows_are_evenly_spread_and_truth_is_theirs(finished_run: Path, data_dir: Path) -> None:
    model, header, dataset = load_run(finished_run, data_dir, CPU)
    offsets = np.array([10, 20])
    windows = windows_for(dataset, header.preset, "test", offsets, CPU)
    some = sample_windows(model, windows, 64, offsets)
    report = check_windows(dataset, some, offsets * 5e-16)
    chosen = windows.starts[np.linspace(0, len(windows) - 1, MOST_WINDOWS).round().astype(int)]
    for step, offset in enumerate(offsets):
        moved = dataset.frames[chosen + offset].astype(np.float64) - dataset.frames[chosen]
        in_place = np.sqrt((moved**2).sum(axis=-1).mean(axis=-1)).mean()
        assert report.truth is not None
        assert report.truth.rmsd_in_place[step] == pytest.approx(in_place)
