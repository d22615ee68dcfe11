"""Several seeds as one model: each is to rounding what it is alone, and a run of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from painet_cli.config.presets import Preset, load_preset
from painet_cli.errors import PainetError, RequestError
from painet_cli.training.record import RunSummary
from painet_cli.training.run import resume_run, start_run
from painet_cli.training.run_folder import BEST, LAST, METRICS
from painet_cli.training.together import start_together
from trainings import CPU, Watcher, tensors
from typed import Say

SEEDS = (1, 2, 3)


def presets(path: Path, *settings: str) -> list[Preset]:
    return [load_preset(str(path), [*settings, f"train.seed={seed}"]) for seed in SEEDS]


def together(
    made: list[Preset], data_dir: Path, folder: Path, watchers: list[Watcher] | None = None
) -> list[RunSummary]:
    callbacks = watchers or [Watcher() for _ in made]
    return start_together(made, "small", data_dir, folder, CPU, callbacks)


def alone(made: list[Preset], data_dir: Path, folder: Path) -> list[RunSummary]:
    return [start_run(one, "small", data_dir, folder, CPU, Watcher()) for one in made]


def assert_the_same(ours: RunSummary, theirs: RunSummary) -> None:
    assert (ours.epochs, ours.best_epoch, ours.stopped_by) == (
        theirs.epochs,
        theirs.best_epoch,
        theirs.stopped_by,
    )
    for file in (LAST, BEST):
        one, other = tensors(ours.run / file), tensors(theirs.run / file)
        assert one.keys() == other.keys()
        for name in one.keys() - {"rng/cpu"}:  # such models draw nothing
            torch.testing.assert_close(one[name], other[name], rtol=2e-3, atol=2e-5, msg=name)


def metrics(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / METRICS).read_text().splitlines()]


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("train.optimizer=adamw", "train.weight_decay=0.01", "train.clip_norm=0.01"),
        ("train.ema=null", "train.noise=0.1", "train.schedule={kind: trapezoid}"),
        ("train.loss=superposed", "train.epochs=2"),
    ],
    ids=["adam", "clipped", "noise", "superposed"],
)
def test_every_seed_ends_where_it_does_alone(
    settings: tuple[str, ...], small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    made = presets(small_preset, *settings)
    ours = together(made, data_dir, tmp_path / "together")
    theirs = alone(made, data_dir, tmp_path / "alone")
    assert [one.seed for one in ours] == list(SEEDS)
    for one, other in zip(ours, theirs, strict=True):
        assert_the_same(one, other)


@pytest.mark.parametrize("name", ["linear", "rf", "mpnn", "egnn", "egno", "hegnn"])
def test_other_models_do_so_too(
    name: str, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    model = {"name": name} if name == "linear" else {"name": name, "hidden": 8, "layers": 2}
    changes = {"model": model, "data.horizon": 1, "train.epochs": 2, "train.lr": 1e-3}
    made = [preset.changed(changes) for preset in presets(small_preset)][:2]
    ours = together(made, data_dir, tmp_path / "together")
    theirs = alone(made, data_dir, tmp_path / "alone")
    for one, other in zip(ours, theirs, strict=True):
        ends = [[line["val_mse"] for line in metrics(each.run)] for each in (one, other)]
        assert ends[0][-1] == pytest.approx(ends[1][-1], rel=1e-3)


def test_a_seed_ends_by_its_own_patience_and_the_others_go_on(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    settings = ("train.epochs=8", "train.eval_every=1", "train.patience=1", "train.ema=null")
    made = presets(small_preset, *settings, "train.lr=5e-2")
    ours = together(made, data_dir, tmp_path / "together")
    theirs = alone(made, data_dir, tmp_path / "alone")
    assert len({one.epochs for one in ours}) > 1
    assert [one.epochs for one in ours] == [one.epochs for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.stopped_by == other.stopped_by
        assert one.val_mse == pytest.approx(other.val_mse, rel=1e-3)
        assert json.loads((one.run / "run.json").read_text())["status"] == "done"


def test_a_run_that_was_stopped_goes_on_alone(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    made = presets(small_preset)
    watchers = [Watcher(), Watcher(), Watcher(stop_after=2)]
    with pytest.raises(KeyboardInterrupt):
        together(made, data_dir, tmp_path / "together", watchers)
    theirs = alone(made, data_dir, tmp_path / "alone")
    for watcher, other in zip(watchers, theirs, strict=True):
        assert watcher.run is not None
        assert json.loads((watcher.run / "run.json").read_text())["status"] == "interrupted"
        assert_the_same(resume_run(watcher.run, data_dir, CPU, Watcher()), other)


def test_what_fails_in_one_ends_all_and_keeps_their_epochs(
    small_preset: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from painet_cli.training import together as module

    broken = module.stacked
    calls = []

    def with_a_nan(batches: Any) -> Any:
        calls.append(1)
        batch = broken(batches)
        if len(calls) > 3:  # three steps an epoch
            batch.positions[1, 0, 0] = float("nan")
        return batch

    monkeypatch.setattr(module, "stacked", with_a_nan)
    with pytest.raises(PainetError, match="epoch 2"):
        together(presets(small_preset), data_dir, tmp_path)
    runs = sorted((tmp_path / "small").iterdir())
    assert [json.loads((run / "run.json").read_text())["status"] for run in runs] == ["failed"] * 3
    assert all(len(metrics(run)) >= 1 for run in runs)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (["train.optimizer=soap"], r"train\.optimizer=soap moves a matrix as a whole"),
        (["train.compile=true"], r"train\.compile=true compiles one model"),
        (["train.schedule={kind: timed, seconds: 9}"], r"train\.schedule\.kind=timed"),
        (["data.cutoff=2.0"], r"batches differ in their particles or edges"),
        (["train.activations=recompute"], r"train\.activations=recompute"),
        (["model={name: gf-node, hidden: 8}"], r"the model gf-node is fitted, draws, or chooses"),
        (["model={name: atom, hidden: 8, heads: 2}"], r"the model atom is fitted, draws"),
    ],
)
def test_what_cannot_be_one_is_refused(
    settings: list[str], why: str, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=f"together: {why}"):
        together(presets(small_preset, *settings), data_dir, tmp_path)
    assert not any(tmp_path.iterdir())


def test_the_command_trains_them_and_evaluates_each(
    say: Say, small_preset: Path, data_dir: Path
) -> None:
    given = ("--preset", small_preset, "--data-dir", data_dir, "--epochs", 2)
    status, out, err = say("train", *given, "--seeds", 2, "--together", "--json")
    assert status == 0, err
    assert [run["seed"] for run in json.loads(out)["runs"]] == [1, 2]
    assert "seed 2  epoch 2" in err


def test_the_command_refuses_one_seed(say: Say, small_preset: Path) -> None:
    status, _, err = say("train", "--preset", small_preset, "--together")
    assert status == 2
    assert "give --seeds K of two or more" in err
