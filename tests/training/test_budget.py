"""A budget holds inside an epoch, and what was done of it is kept to the bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from painet_cli.config.presets import load_preset
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.training.record import RunSummary
from painet_cli.training.run import resume_run, start_run
from painet_cli.training.run_folder import BEST, LAST, METRICS
from painet_cli.training.trainer import Trainer
from painet_cli.training.watching.callback import Callback
from painet_cli.training.watching.cost import expected_cost
from trainings import CPU, Watcher, same_bits, train

AT_ONCE = 1e-9


def stopped(preset: Path, data_dir: Path, run_dir: Path, budget_s: float = AT_ONCE) -> RunSummary:
    loaded = load_preset(str(preset))
    return start_run(loaded, "small", data_dir, run_dir, CPU, Callback(), budget_s)


def test_a_training_stops_after_the_batch_that_spends_its_budget(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    summary = stopped(small_preset, data_dir, tmp_path)
    assert (summary.stopped_by, summary.epochs) == ("budget", 0)
    assert not (summary.run / METRICS).exists()
    assert summary.seconds > 0


def test_going_on_batch_by_batch_comes_to_the_same_bits(
    small_preset: Path, data_dir: Path, tmp_path: Path, finished_run: Path
) -> None:
    run = stopped(small_preset, data_dir, tmp_path).run
    for _ in range(4):  # 3 batches an epoch: once across its end
        spent = json.loads((run / "run.json").read_text())["seconds"]
        resume_run(run, data_dir, CPU, Callback(), budget_s=spent + AT_ONCE)
    resume_run(run, data_dir, CPU, Callback())
    assert same_bits(finished_run / LAST, run / LAST)
    assert same_bits(finished_run / BEST, run / BEST)
    errors = [
        [json.loads(line)["train_mse"] for line in (path / METRICS).read_text().splitlines()]
        for path in (finished_run, run)
    ]
    assert errors[0] == errors[1]


def test_a_budget_that_ends_before_any_validation_still_leaves_a_best(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    summary = stopped(small_preset, data_dir, tmp_path)
    validated = evaluate_run(summary.run, data_dir, CPU, part="val")
    assert summary.val_mse == pytest.approx(validated.mse)
    assert validated.validated


@pytest.mark.parametrize("ema", ["null", "0.9"])
def test_an_interrupted_run_is_evaluated_before_its_first_validation(
    small_preset: Path, data_dir: Path, tmp_path: Path, ema: str
) -> None:
    settings = (f"train.ema={ema}", "train.schedule={kind: constant}")
    watcher = Watcher(stop_after=1)
    with pytest.raises(KeyboardInterrupt):
        train(small_preset, data_dir, tmp_path, *settings, watcher=watcher)
    assert watcher.run is not None and not (watcher.run / BEST).exists()
    evaluation = evaluate_run(watcher.run, data_dir, CPU)
    assert (evaluation.epochs, evaluation.validated) == (1, False)
    again = tmp_path / "again"
    whole = train(small_preset, data_dir, again, *settings, "train.epochs=1", "train.eval_every=1")
    assert evaluation.mse == evaluate_run(whole.run, data_dir, CPU).mse


def test_a_run_without_one_epoch_says_so_in_a_line(
    small_preset: Path, data_dir: Path, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "run_epoch", interrupted)
    watcher = Watcher()
    with pytest.raises(KeyboardInterrupt):
        train(small_preset, data_dir, tmp_path, watcher=watcher)
    assert watcher.run is not None
    with pytest.raises(RequestError, match="no epoch of this run is done") as caught:
        evaluate_run(watcher.run, data_dir, CPU)
    assert f"painet train --resume {watcher.run}" in caught.value.hint


class Costing(Callback):
    """Times steps before training."""

    def started(self, run: Path, trainer: Trainer) -> None:
        self.cost = expected_cost(trainer)


def test_what_a_training_will_take_is_measured_without_a_trace(
    small_preset: Path, data_dir: Path, tmp_path: Path, finished_run: Path
) -> None:
    watcher = Costing()
    summary = start_run(load_preset(str(small_preset)), "small", data_dir, tmp_path, CPU, watcher)
    assert same_bits(finished_run / LAST, summary.run / LAST)
    assert watcher.cost is not None
    assert watcher.cost.epochs == 4
    assert 0 < watcher.cost.epoch_s < 100 * summary.epoch_s
