"""Figures of a run, and runs that cannot be measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.evaluation import save_evaluation
from painet_cli.evaluation.opened_run import load_run, windows_for
from trainings import CPU, train


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """Copy of the finished run, to break."""
    copy = tmp_path / "small" / "run"
    shutil.copytree(finished_run, copy)
    return copy


def test_figures_are_those_of_slow_arithmetic(finished_run: Path, data_dir: Path) -> None:
    evaluation = evaluate_run(finished_run, data_dir, CPU)
    model, header, dataset = load_run(finished_run, data_dir, CPU)
    windows = windows_for(dataset, header.preset, "test", np.array([10, 20]), CPU)
    squares = []
    with torch.no_grad():
        for k, start in enumerate(dataset.starts("test")):
            predicted = model(windows.batch(torch.tensor([k]))).numpy()
            truth = dataset.frames[[start + 10, start + 20]]
            squares.append((predicted - truth).astype(np.float64) ** 2)
    by_step = np.mean(squares, axis=(0, 2, 3))
    assert evaluation.windows == len(squares) == 400
    assert evaluation.step_mse == pytest.approx(by_step.tolist(), rel=1e-4)
    assert evaluation.f_mse == evaluation.step_mse[-1]
    assert evaluation.mse == evaluation.a_mse == pytest.approx(by_step.mean(), rel=1e-4)
    assert evaluation.msd == pytest.approx(3 * evaluation.mse)
    assert (evaluation.unit, evaluation.split_kind, evaluation.leak) == ("angstrom²", "blocks", 0)


def test_a_longer_horizon_rolls_out(finished_run: Path, data_dir: Path) -> None:
    inside = evaluate_run(finished_run, data_dir, CPU)
    beyond = evaluate_run(finished_run, data_dir, CPU, horizon=5)
    assert (beyond.horizon, beyond.trained_horizon, len(beyond.step_mse)) == (5, 2, 5)
    assert beyond.step_mse[:2] == pytest.approx(inside.step_mse)
    assert beyond.step_mse[4] > beyond.step_mse[0]


def test_the_part_of_the_split_can_be_chosen(finished_run: Path, data_dir: Path) -> None:
    assert evaluate_run(finished_run, data_dir, CPU, part="val").windows == 200


def test_a_horizon_that_no_window_has_room_for_is_refused(
    finished_run: Path, data_dir: Path
) -> None:
    with pytest.raises(RequestError, match="frames after its start"):
        evaluate_run(finished_run, data_dir, CPU, horizon=10_000)


def test_an_evaluation_is_kept_beside_the_weights(run: Path, data_dir: Path) -> None:
    evaluation = evaluate_run(run, data_dir, CPU)
    saved = json.loads(save_evaluation(evaluation).read_text())
    assert saved["mse"] == evaluation.mse
    assert saved["model"] == "painet"


def test_what_is_no_run_is_refused(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no run here"):
        evaluate_run(tmp_path / "none", data_dir, CPU)
    with pytest.raises(RequestError, match="no run here"):
        evaluate_run(tmp_path, data_dir, CPU)


def test_a_dataset_prepared_otherwise_is_refused(run: Path, data_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / "data"
    shutil.copytree(data_dir, other)
    manifest = other / "sample" / "dataset.json"
    content = json.loads(manifest.read_text())
    content["split"]["test"].pop()
    manifest.write_text(json.dumps(content))
    with pytest.raises(RequestError, match="another version of dataset sample"):
        evaluate_run(run, other, CPU)


def test_weights_that_do_not_fit_are_refused(run: Path, data_dir: Path) -> None:
    path = run / "best.safetensors"
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    state = load_file(path)
    state["model/embed.weight"] = torch.zeros(3, 3)
    save_file(state, path, metadata=metadata)
    with pytest.raises(RequestError, match="do not fit") as caught:
        evaluate_run(run, data_dir, CPU)
    assert "embed.weight" in caught.value.hint


def test_linear_trains_and_is_measured_by_the_same_loop(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    run = train(small_preset, data_dir, tmp_path, "model.name=linear", "train.lr=0.3").run
    evaluation = evaluate_run(run, data_dir, CPU)
    assert (evaluation.model, evaluation.parameters) == ("linear", 2)
    model, _, _ = load_run(run, data_dir, CPU)
    assert float(model.state_dict()["time"].min()) > 0.7, "moved off its start value"


def test_a_preset_that_reports_the_last_step_is_chosen_and_measured_by_it_alone(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    done = train(small_preset, data_dir, tmp_path, "model.name=linear", "data.report=last")
    validated = evaluate_run(done.run, data_dir, CPU, part="val")
    assert validated.mse == validated.f_mse != validated.a_mse
    assert validated.msd == 3 * validated.f_mse
    assert done.val_mse == pytest.approx(validated.f_mse, rel=1e-6)
