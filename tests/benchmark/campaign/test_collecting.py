"""Run folders are found again whoever trained them, and get the yardsticks that they lack."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from painet_cli.benchmark.campaign.collecting import (
    measure_yardsticks,
    read_run_folders,
    run_folders,
)
from painet_cli.benchmark.campaign.record import read_records, save_record
from painet_cli.config.presets import load_preset
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.evaluation import save_evaluation
from painet_cli.training.setup.build import dataset_of
from pretend_results import result
from trainings import CPU


def test_yardsticks_are_measured_for_the_steps_of_each_result(data_dir: Path) -> None:
    sha256 = dataset_of(load_preset("demo"), data_dir).sha256
    results = []
    for horizon in (5, 8):
        one = result(0.4, preset="demo", dataset_sha256=sha256)
        one.evaluation.update(horizon=horizon, step_mse=[0.4] * horizon)
        results.append(one)
    measured = [one.evaluation["yardsticks"] for one in measure_yardsticks(results, data_dir)]
    assert [{len(steps) for steps in one.values()} for one in measured] == [{5}, {8}]


def test_run_folders_are_found_wherever_they_lie(
    finished_run: Path, data_dir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere" / "small" / "run"
    shutil.copytree(finished_run, folder)
    assert read_run_folders(run_folders([tmp_path])) == [], "not evaluated yet"
    saved = evaluate_run(folder, data_dir, CPU)
    save_evaluation(saved)
    (found,) = read_run_folders(run_folders([tmp_path]))
    assert found.evaluation["mse"] == saved.mse
    assert found.end == "schedule", "the demo's rate comes down to nothing"
    save_record(found, tmp_path / "results", here=True)
    (kept,) = read_records(tmp_path / "results")
    assert kept.window_mse.mean() == pytest.approx(saved.mse, rel=0.05)
    save_evaluation(evaluate_run(folder, data_dir, CPU, part="train"))
    assert read_run_folders(run_folders([tmp_path])) == [], "evaluated since on other windows"


@pytest.mark.parametrize("name", ["../escaped", "..", "/x", "a/b", "", "a\nb", 3])
def test_a_run_of_a_preset_that_leads_elsewhere_is_not_taken_over(
    finished_run: Path, data_dir: Path, tmp_path: Path, name: Any
) -> None:
    folder = tmp_path / "small" / "run"
    shutil.copytree(finished_run, folder)
    save_evaluation(evaluate_run(folder, data_dir, CPU))
    assert len(read_run_folders(run_folders([tmp_path]))) == 1
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"preset": name}))
    assert read_run_folders(run_folders([tmp_path])) == []
