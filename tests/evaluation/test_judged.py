"""What `evaluate` says beside the MSE: superposed errors, error bars that hold, distributions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from painet_cli.evaluation.coverage import measure_coverage
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.evaluation import Evaluation
from painet_cli.evaluation.sampled import Sampled
from painet_cli.training.checkpoint import load_checkpoint, save_checkpoint
from trainings import CPU
from typed import Say


@pytest.fixture(scope="module")
def judged(finished_run: Path, data_dir: Path) -> Evaluation:
    return evaluate_run(
        finished_run, data_dir, CPU, rivals=True, error_bars=True, distribution=True
    )


def _sampled(errors: NDArray[np.float64]) -> Sampled:
    """Windows that are predicted to stay at 0 and come to lie at some places (S, T, N, 3)."""
    nought = np.zeros_like(errors, dtype=np.float32)
    return Sampled(torch.arange(len(errors)), nought[:, 0], nought, errors.astype(np.float32))


def test_radii_hold_nine_in_ten_of_windows_like_those_they_are_from() -> None:
    rng = np.random.default_rng(0)
    scale = np.array([0.1, 1.0, 5.0])[:, None] * np.array([1.0, 2.0])[:, None, None, None]

    def drawn(times: float) -> Sampled:
        errors = times * scale * rng.normal(size=(2, 400, 3, 3))
        return _sampled(errors.swapaxes(0, 1))

    validation = drawn(1.0)
    same, wider = (measure_coverage(validation, drawn(times)) for times in (1.0, 2.0))
    assert same.coverage == pytest.approx([0.9, 0.9], abs=0.03)
    assert max(wider.coverage) < 0.7
    assert same.radius_90[1] == pytest.approx(2 * same.radius_90[0], rel=0.1)
    assert (same.taken_from, same.tried_on) == (400, 400)


def test_superposed_errors_are_no_larger(judged: Evaluation) -> None:
    assert len(judged.superposed_step_mse) == len(judged.step_mse) == 2
    assert all(a <= b for a, b in zip(judged.superposed_step_mse, judged.step_mse, strict=True))
    assert judged.superposed_yardsticks.keys() == judged.yardsticks.keys()
    for name, steps in judged.superposed_yardsticks.items():
        assert all(a <= b * 1.001 for a, b in zip(steps, judged.yardsticks[name], strict=True))


def test_error_bars_are_those_that_the_checkpoint_keeps_tried_on_test_windows(
    judged: Evaluation, finished_run: Path, data_dir: Path
) -> None:
    bars = judged.coverage
    assert bars is not None
    assert (bars.source, bars.taken_from, bars.tried_on) == ("checkpoint", None, 400)
    tensors, _ = load_checkpoint(finished_run / "best.safetensors")
    assert bars.radius_90 == pytest.approx(tensors["radii/pooled"].tolist())
    assert all(0.5 < share <= 1.0 for share in bars.coverage)
    on_themselves = evaluate_run(finished_run, data_dir, CPU, part="val", error_bars=True)
    assert on_themselves.coverage is None


def test_error_bars_are_of_validation_windows_where_a_checkpoint_keeps_none_of_so_many_steps(
    finished_run: Path, data_dir: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    tensors, header = load_checkpoint(run / "best.safetensors")
    weights = {name: one for name, one in tensors.items() if name.startswith("model/")}
    save_checkpoint(run / "best.safetensors", weights, header)
    for folder, steps in ((run, None), (finished_run, 3)):
        bars = evaluate_run(folder, data_dir, CPU, horizon=steps, error_bars=True).coverage
        assert bars is not None
        assert (bars.source, bars.tried_on) == ("validation windows", 400)
        assert bars.taken_from is not None
        assert len(bars.radius_90) == (steps or 2)
        assert all(0 < radius < 5 for radius in bars.radius_90)


def test_distributions_have_a_row_for_everyone(judged: Evaluation) -> None:
    assert judged.distribution is not None
    rows = {row.name: row for row in judged.distribution.rows}
    assert next(iter(rows)) == "prediction"
    assert set(judged.yardsticks) <= set(rows)
    truth, half = rows["what happened"], rows["second half"]
    assert truth.figures["JS rotatable"] == 0.0
    assert truth.kept == truth.frames == 400
    assert half.figures["JS rotatable"] is not None
    assert half.figures["JS rotatable"] > 0
    assert rows["nothing moves"].by_step == pytest.approx([0.0, 0.0], abs=1e-6)


def test_the_command_prints_and_keeps_all_of_it(
    finished_run: Path, data_dir: Path, tmp_path: Path, say: Say
) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    words = ("evaluate", "run", "--data-dir", data_dir, "--device", "cpu", "--distribution")
    status, shown, _ = say(*words)
    assert status == 0
    assert max(map(len, shown.splitlines())) <= 80
    for said in ("superposed", "90 % error bars", "hold", "JS rotatable", "second half"):
        assert said in shown
    kept = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert kept["coverage"]["source"] == "checkpoint"
    assert len(kept["superposed_step_mse"]) == 2
    assert kept["distribution"]["rows"][0]["name"] == "prediction"
