"""A sweep tries what its file says, shares it with other processes and ranks it by validation."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from pytest import MonkeyPatch

from painet_cli.benchmark.cells import Cell
from painet_cli.benchmark.sweep import search as module
from painet_cli.benchmark.sweep.outputs import write_array, write_rows
from painet_cli.benchmark.sweep.search import Searching
from painet_cli.benchmark.sweep.spec import Sweep, read_spec, settings_of
from painet_cli.benchmark.sweep.trials import best_validation
from painet_cli.benchmark.workers import _train_until
from painet_cli.errors import RequestError
from painet_cli.storage.locks import held
from painet_cli.training.run_folder import LAST
from trainings import same_bits

CPU = torch.device("cpu")
SPACE = {"train.lr": [1e-3, 1e-2], "model.layers": [1, 2, 3]}


def sweep(preset: Path, **fields: Any) -> Sweep:
    spec = {"preset": str(preset), "search": "grid", "space": SPACE, **fields}
    return Sweep.model_validate_json(json.dumps(spec))


class Pretended:
    """Stands for the training of cells: an error that follows from the settings, no torch."""

    def __init__(self) -> None:
        self.trained: list[tuple[str, int]] = []
        self.fail = ""

    def __call__(
        self, cells: Sequence[Cell], data: Path, device: Any, listener: Any, *, until: int, **_: Any
    ) -> None:
        (cell,) = cells
        listener.began(cell)
        if self.fail and self.fail in cell.label:
            listener.ended(cell, "out of memory")
            return
        self.trained.append((cell.label, until))
        cell.folder.mkdir(parents=True, exist_ok=True)
        layers = getattr(cell.preset.model, "layers", 0)
        base = layers + 100 * cell.preset.train.lr + 0.1 * cell.seed
        lines = [
            json.dumps({"epoch": epoch, "val_mse": base + 1 / epoch, "seconds": 1.0})
            for epoch in range(1, until + 1)
        ]
        (cell.folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
        whole = until == cell.preset.train.epochs
        record = {"status": "done", "stopped_by": "epochs"} if whole else {"status": "interrupted"}
        (cell.folder / "run.json").write_text(json.dumps(record))
        listener.ended(cell, None)


class Quiet:
    """Listener of a sweep that nobody watches."""

    def began(self, cell: Cell) -> None: ...

    def ended(self, cell: Cell, error: str | None) -> None: ...

    def waiting(self, running: Sequence[Cell]) -> None: ...


@pytest.fixture
def pretended(monkeypatch: MonkeyPatch) -> Pretended:
    training = Pretended()
    monkeypatch.setattr(module, "run_cells", training)
    monkeypatch.setattr(module, "_WAIT_S", 0.01)
    return training


def searching(wanted: Sweep, folder: Path, data_dir: Path) -> Searching:
    return Searching(wanted, folder, data_dir, CPU)


def test_a_grid_has_every_combination_and_a_draw_none_twice(small_preset: Path) -> None:
    grid = settings_of(sweep(small_preset))
    assert len(grid) == len({repr(one) for one in grid}) == 6
    drawn = settings_of(sweep(small_preset, search="random", trials=50))
    assert sorted(map(repr, drawn)) == sorted(map(repr, grid)), "all there are, each once"
    few = settings_of(sweep(small_preset, search="random", trials=3))
    assert few == drawn[:3], "more trials go on with the same sequence"


def test_ranges_are_drawn_within_their_ends(small_preset: Path) -> None:
    space = {
        "train.lr": {"low": 1e-4, "high": 1e-2, "log": True},
        "model.layers": {"low": 1, "high": 3},
    }
    drawn = settings_of(sweep(small_preset, search="random", trials=200, space=space))
    rates = [float(str(one["train.lr"])) for one in drawn]
    assert all(1e-4 <= rate <= 1e-2 for rate in rates)
    assert 0.3 < sum(rate < 1e-3 for rate in rates) / len(rates) < 0.7, (
        "half of them below the middle"
    )
    assert {one["model.layers"] for one in drawn} == {1, 2, 3}


def test_the_papers_space_ships(shared: Path) -> None:
    paper = read_spec("paper", {})
    text = (shared / "paper" / "painet.txt").read_text(encoding="utf-8")
    assert r"\texttt{layer}\in\{3,4,5,6,7\}" in text
    assert paper.space["model.layers"] == [3, 4, 5, 6, 7]
    assert len(settings_of(read_spec("paper", {"search": "grid", "trials": 960}))) == 960


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"space": {"train.lr": {"low": 1, "high": 0.1}}}, "low < high"),
        ({"space": {"train.lr": {"low": 0.1, "high": 1}}, "search": "grid"}, "a grid takes lists"),
        ({"serch": "grid"}, "no such key"),
        ({"search": "gird"}, "did you mean grid?"),
        ({"search": "optuna", "halving": {"first": 2}}, "halving goes with"),
        ({"space": {}}, "space"),
        ({"trials": 10**9}, "1,000,000,000 trials of 1 seeds"),
        ({"trials": 20, "seeds": 10**6}, "are 20,000,000 runs"),
        ({"search": "grid", "space": {f"x{k}": list(range(100)) for k in range(10)}}, "at most"),
    ],
)
def test_a_wrong_spec_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "spec.yaml"
    spec = {"preset": "demo", "search": "random", "space": {"train.lr": [0.1]}, **change}
    path.write_text(json.dumps(spec))
    with pytest.raises(RequestError) as caught:
        read_spec(str(path), {})
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


def test_trials_are_ranked_by_the_mean_validation_error_of_their_seeds(
    pretended: Pretended, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    at_work = searching(sweep(small_preset, seeds=2), tmp_path, data_dir)
    at_work.run(Quiet())
    rows = at_work.rows()
    assert len(pretended.trained) == 12
    assert [row.settings for row in rows[:2]] == [
        {"train.lr": 1e-3, "model.layers": 1},
        {"train.lr": 1e-2, "model.layers": 1},
    ]
    assert rows[0].val_mse == pytest.approx(1 + 0.1 + 0.15 + 1 / 4)
    assert rows[0].sd == pytest.approx(0.1 / 2**0.5)
    write_rows(rows, tmp_path)
    heading = (tmp_path / "sweep.csv").read_text().splitlines()[0]
    assert heading.endswith("train.lr,model.layers")


def test_what_is_done_is_not_trained_again_and_what_another_is_at_is_left_to_it(
    pretended: Pretended, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    wanted = sweep(small_preset)
    cell = searching(wanted, tmp_path, data_dir).search.trials()[0].cells[0]
    cell.folder.parent.mkdir(parents=True)
    with held(cell.folder.with_name(f".{cell.folder.name}.claim.lock"), cell.folder):
        searching(wanted, tmp_path, data_dir).run(Quiet())
    assert len(pretended.trained) == 5
    searching(wanted, tmp_path, data_dir).run(Quiet())
    assert len(pretended.trained) == len(set(pretended.trained)) == 6


def test_under_halving_the_best_go_on_and_the_others_stop(
    pretended: Pretended, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    wanted = sweep(small_preset, halving={"first": 1, "factor": 2})
    at_work = searching(wanted, tmp_path, data_dir)
    at_work.run(Quiet())
    counts = [sum(until == epochs for _, until in pretended.trained) for epochs in (1, 2, 4)]
    assert counts == [6, 3, 1]
    rows = at_work.rows()
    assert rows[0].settings == {"train.lr": 1e-3, "model.layers": 1}
    assert [row.state for row in rows] == ["done", *["stopped"] * 5]


def test_the_best_of_the_last_rung_comes_first_though_its_patience_ended_it(
    pretended: Pretended, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    at_work = searching(sweep(small_preset, halving={"first": 2, "factor": 3}), tmp_path, data_dir)
    at_work.run(Quiet())
    best, second = at_work.rows()[:2]
    for run in best.runs:
        lines = (Path(run) / "metrics.jsonl").read_text().splitlines(keepends=True)
        (Path(run) / "metrics.jsonl").write_text("".join(lines[:3]))
    again = at_work.rows()
    assert (again[0].trial, again[0].epochs) == (best.trial, [3])
    assert second.val_mse is not None
    assert again[0].val_mse is not None
    assert again[0].val_mse < second.val_mse


def test_a_cell_that_fails_holds_nobody_up(
    pretended: Pretended, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    pretended.fail = "layers=3"
    at_work = searching(sweep(small_preset, halving={"first": 1, "factor": 2}), tmp_path, data_dir)
    at_work.run(Quiet())
    assert {row.state for row in at_work.rows()} == {"done", "stopped", "failed"}


def test_a_training_that_a_rung_stopped_goes_on_to_the_same_bits(
    small_preset: Path, data_dir: Path, tmp_path: Path, finished_run: Path
) -> None:
    from painet_cli.benchmark.workers import _write_preset

    wanted = sweep(small_preset, space={"train.seed": [1]})
    cell = searching(wanted, tmp_path, data_dir).search.trials()[0].cells[0]
    _write_preset(cell)
    _train_until(cell.folder, data_dir, "cpu", None, 1, until=2)
    assert cell.epochs_done() == 2
    assert best_validation(cell.folder) is not None
    _train_until(cell.folder, data_dir, "cpu", None, 1, until=4)
    assert same_bits(finished_run / LAST, cell.folder / LAST)


def test_optuna_searches_the_same_spec_and_goes_on(
    pretended: Pretended, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    pytest.importorskip("optuna")
    space = {**SPACE, "train.lr": {"low": 1e-4, "high": 1e-2, "log": True}}
    wanted = sweep(small_preset, search="optuna", trials=3, space=space)
    searching(wanted, tmp_path, data_dir).run(Quiet())
    more = sweep(small_preset, search="optuna", trials=5, space=space)
    at_work = searching(more, tmp_path, data_dir)
    at_work.run(Quiet())
    rows = at_work.rows()
    assert len(rows) == 5 and {row.state for row in rows} == {"done"}
    assert [row.val_mse for row in rows] == sorted(row.val_mse or 0 for row in rows)


def test_without_optuna_it_says_what_to_install(
    small_preset: Path, data_dir: Path, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    wanted = sweep(small_preset, search="optuna")
    with pytest.raises(RequestError) as caught:
        searching(wanted, tmp_path, data_dir).search  # noqa: B018
    assert 'pip install "painet[sweep]"' in caught.value.hint


def test_a_batch_file_starts_tasks_that_share_the_folder(tmp_path: Path) -> None:
    path = write_array(tmp_path, 4, ["sweep", "a b.yaml", "--out", "x"])
    text = path.read_text()
    assert text.startswith("#!/bin/bash\n")
    assert "#SBATCH --array=0-3\n" in text
    assert text.rstrip().endswith("-m painet_cli sweep 'a b.yaml' --out x")
