"""Cells of a benchmark: which there are, when one is done, and what a failure does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from painet_cli.benchmark.cells import (
    Cell,
    Result,
    distinct,
    make_cell,
    make_cells,
    read_results,
)
from painet_cli.benchmark.significance import over_windows
from painet_cli.benchmark.workers import _write_preset, run_cells
from painet_cli.config.presets import load_preset
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.evaluation import Evaluation, save_evaluation
from painet_cli.training.run_folder import CONFIG, METRICS

CPU = torch.device("cpu")


class Watcher:
    """Listener that keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.errors: dict[str, str | None] = {}

    def began(self, cell: Cell) -> None:
        self.seen.append(str(cell))

    def ended(self, cell: Cell, error: str | None) -> None:
        self.errors[cell.model] = error

    def waiting(self, running: Sequence[Cell]) -> None: ...


def cells(
    preset: Path, data_dir: Path, folder: Path, *settings: str, models: Sequence[str] = ("linear",)
) -> list[Cell]:
    return make_cells([str(preset)], models, 1, settings, folder, data_dir)


def test_presets_are_named_by_patterns_too_and_each_once() -> None:
    assert distinct(["mocap-*-s2s", "mocap-run-s2s", "mine.yaml"]) == [
        "mocap-run-s2s",
        "mocap-walk-s2s",
        "mine.yaml",
    ]


def test_a_cell_for_every_model_and_seed(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    made = make_cells([str(small_preset)], ["painet", "linear"], 2, [], tmp_path, data_dir)
    assert [str(cell) for cell in made] == [
        "small painet seed 1",
        "small painet seed 2",
        "small linear seed 1",
        "small linear seed 2",
    ]
    assert made[0].preset.model.name == "painet"
    assert made[2].preset.model.name == "linear"
    assert len({cell.folder for cell in made}) == 4
    assert {cell.folder.parent for cell in made} == {tmp_path / "small"}


def test_another_setting_is_another_cell(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    plain = cells(small_preset, data_dir, tmp_path)[0]
    again = cells(small_preset, data_dir, tmp_path)[0]
    other = cells(small_preset, data_dir, tmp_path, "train.lr=1e-4")[0]
    assert plain == again
    assert plain.folder != other.folder


def test_a_dataset_that_is_not_there_is_asked_for(small_preset: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="not prepared"):
        cells(small_preset, tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("record", "budget_s", "done"),
    [
        ({"status": "done", "stopped_by": "patience"}, None, True),
        ({"status": "done", "stopped_by": "epochs"}, 1.0, True),
        ({"status": "done", "stopped_by": "epochs", "epochs": 3}, None, False),
        ({"status": "done", "stopped_by": "budget"}, 20.0, True),
        ({"status": "done", "stopped_by": "budget"}, 21.0, False),
        ({"status": "done", "stopped_by": "budget"}, None, False),
        ({"status": "interrupted", "stopped_by": None}, None, False),
        ({"status": "failed", "stopped_by": None}, None, False),
    ],
    ids=str,
)
def test_when_a_cell_is_done(
    small_preset: Path,
    data_dir: Path,
    tmp_path: Path,
    record: dict[str, Any],
    budget_s: float | None,
    *,
    done: bool,
) -> None:
    cell = cells(small_preset, data_dir, tmp_path)[0]
    cell.folder.mkdir(parents=True)
    (cell.folder / "run.json").write_text(json.dumps({"epochs": 10, "epoch_s": 2.0, **record}))
    assert not cell.is_done(budget_s), "not evaluated yet"
    np.save(cell.folder / "window_errors.npy", np.zeros((2, 1)))
    (cell.folder / "evaluation.json").write_text('{"mse": 1.0}')
    assert not cell.is_done(budget_s), "evaluated by an older painet"
    written = dict.fromkeys(Evaluation.plain_names()) | {"split": "test", "horizon": 2}
    (cell.folder / "evaluation.json").write_text(json.dumps(written))
    assert cell.is_done(budget_s) is done


def test_a_folder_that_holds_something_else_is_not_done(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    cell = cells(small_preset, data_dir, tmp_path)[0]
    assert not cell.is_done(None)
    cell.folder.mkdir(parents=True)
    (cell.folder / "run.json").write_text("[")
    assert not cell.is_done(None)
    assert read_results([cell]) == []


def test_a_record_that_is_a_list_is_no_result(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    (cell,) = cells(small_preset, data_dir, tmp_path)
    cell.folder.mkdir(parents=True)
    (cell.folder / "run.json").write_text("[]")
    np.save(cell.folder / "window_errors.npy", np.zeros((2, 2)))
    written = dict.fromkeys(Evaluation.plain_names()) | {
        "split": "test", "horizon": 2, "epochs": 1,
    }  # fmt: skip
    (cell.folder / "evaluation.json").write_text(json.dumps(written))
    assert not cell.is_done(None)
    assert read_results([cell]) == []


@pytest.mark.slow
def test_one_cells_failure_leaves_the_others_alone(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    todo = cells(small_preset, data_dir, tmp_path, "train.lr=1e30", models=("painet", "linear"))
    watcher = Watcher()
    run_cells(todo, data_dir, CPU, watcher, jobs=2)
    assert watcher.seen == ["small painet seed 1", "small linear seed 1"]
    assert "loss is" in str(watcher.errors["painet"])
    assert [result.cell.model for result in read_results(todo)] != ["painet", "linear"]


def test_a_closed_form_is_trained_after_its_one_epoch(tmp_path: Path) -> None:
    shares = []
    for model in ("kernel", "linear"):
        preset = load_preset("demo", [f"model.name={model}", "train.epochs=50"])
        cell = make_cell("demo", preset, "0" * 64, tmp_path)
        cell.folder.mkdir(parents=True)
        (cell.folder / METRICS).write_text('{"epoch": 1}\n')
        shares.append(cell.share_done())
    assert shares == [1.0, 0.02]


def test_the_signed_rank_test_tells_better_from_luckier() -> None:
    rng = np.random.default_rng(1)
    errors = rng.exponential(size=200)
    assert over_windows(errors, errors).p == 1.0
    assert over_windows(errors, errors * 1.1).p < 1e-6
    assert over_windows(errors, errors * 1.1).first_lower
    assert not over_windows(errors * 1.1, errors).first_lower
    assert over_windows(errors, errors + np.tile([0.1, -0.1], 100)).p > 0.05


def test_a_stopped_cell_goes_on_with_what_its_config_came_to(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    (cell,) = cells(small_preset, data_dir, tmp_path)
    _write_preset(cell)
    config = cell.folder / CONFIG
    assert load_preset(str(config)) == cell.preset
    resolved = config.read_text().replace("activations: auto", "activations: recompute")
    config.write_text(f"# as it began\n{resolved}")
    _write_preset(cell)
    assert config.read_text().startswith("# as it began")
    config.write_text(resolved.replace("epochs: ", "epochs: 1"))  # asked for less or more
    _write_preset(cell)
    assert load_preset(str(config)) == cell.preset.changed({"train.activations": "recompute"})


@pytest.mark.parametrize("measured", [("train", 2), ("test", 4), ("test", 2)])
def test_a_row_is_of_the_test_windows_whatever_painet_evaluate_measured_last(
    small_preset: Path, data_dir: Path, tmp_path: Path, measured: tuple[str, int]
) -> None:
    (cell,) = cells(small_preset, data_dir, tmp_path)
    cell.folder.mkdir(parents=True)
    record = {"status": "done", "stopped_by": "epochs", "epochs": 4, "epoch_s": 1.0}
    (cell.folder / "run.json").write_text(json.dumps(record))
    np.save(cell.folder / "window_errors.npy", np.zeros((2, 2)))
    written = dict.fromkeys(Evaluation.plain_names()) | dict(
        zip(("split", "horizon"), measured, strict=True)
    )
    (cell.folder / "evaluation.json").write_text(json.dumps(written))
    assert cell.is_done(None) is (measured == ("test", 2))


@pytest.mark.parametrize(
    ("schedule", "end"),
    [
        ("{kind: constant}", "epochs"),
        ("{kind: cosine}", "schedule"),
        ("{kind: trapezoid}", "schedule"),
        ("{kind: timed, seconds: 60}", "epochs"),
    ],
)
def test_a_rate_that_came_down_to_nothing_is_no_full_rate(
    small_preset: Path, data_dir: Path, tmp_path: Path, schedule: str, end: str
) -> None:
    (cell,) = cells(small_preset, data_dir, tmp_path, f"train.schedule={schedule}")
    record = {"stopped_by": "epochs", "epochs": cell.preset.train.epochs}
    assert Result(cell, record, {}, np.zeros((2, 2))).end == end


def test_a_row_is_of_the_best_weights_not_of_those_before_the_training_went_on(
    small_preset: Path, data_dir: Path, finished_run: Path, tmp_path: Path
) -> None:
    cell = replace(cells(small_preset, data_dir, tmp_path)[0], folder=tmp_path / "run")
    shutil.copytree(finished_run, cell.folder)
    save_evaluation(evaluate_run(cell.folder, data_dir, CPU))
    assert cell.is_done(None)
    assert len(read_results([cell])) == 1
    path = cell.folder / "run.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "best_epoch": record["best_epoch"] + 2}))
    assert not cell.is_done(None)
    assert read_results([cell]) == []


@pytest.mark.parametrize(("model", "end"), [("egnn", "epochs"), ("kernel", "closed form")])
def test_few_epochs_make_no_closed_form(
    small_preset: Path, data_dir: Path, tmp_path: Path, model: str, end: str
) -> None:
    constant = "train.schedule.kind=constant"
    (cell,) = cells(small_preset, data_dir, tmp_path, constant, models=(model,))
    record = {"stopped_by": "epochs", "epochs": 1}
    assert Result(cell, record, {}, np.zeros((2, 2))).end == end
