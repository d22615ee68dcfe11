"""The numbers of a training go to whoever asks for them, and callbacks are told of every batch."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
from pytest import MonkeyPatch

import painet
from painet_cli.config.plugins import RECORDERS, Plugin
from painet_cli.training.record import RunSummary
from painet_cli.training.trainer import Trainer
from painet_cli.training.watching import recorders
from painet_cli.training.watching.recorders import RecorderCallback, recording


class Kept:
    """A recorder that keeps what it is given."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def begin(self, run: Path, settings: dict[str, Any], epochs_done: int) -> None:
        self.said.append(("begin", settings["train.lr"], epochs_done))

    def write(self, epoch: int, numbers: dict[str, float]) -> None:
        self.said.append((epoch, sorted(numbers)))

    def end(self, summary: dict[str, Any] | None) -> None:
        self.said.append(("end", None if summary is None else summary["epochs"]))


def trained(small_preset: Path, data_dir: Path, run_dir: Path, **more: Any) -> RunSummary:
    where = {"data_dir": data_dir, "run_dir": run_dir, "device": "cpu"}
    return painet.train(small_preset, **where, **more)


def test_a_recorder_gets_the_preset_every_epoch_and_the_end(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    kept = Kept()
    run = trained(
        small_preset, data_dir, tmp_path, epochs=2, callbacks=[RecorderCallback(kept)]
    ).run
    plain = ["lr", "seconds", "train_mse"]
    assert kept.said == [("begin", 0.01, 0), (1, plain), (2, [*plain, "val_mse"]), ("end", 2)]
    again = Kept()
    painet.train(
        resume=run, epochs=3, data_dir=data_dir, device="cpu", callbacks=[RecorderCallback(again)]
    )
    assert again.said[:2] == [("begin", 0.01, 2), (3, [*plain, "val_mse"])]


def test_callbacks_are_told_of_every_batch_and_may_end_the_training(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    class Counting(painet.Callback):
        def __init__(self) -> None:
            self.steps: list[tuple[int, int, int]] = []
            self.summaries: list[RunSummary | None] = []

        def step(self, done: int, steps: int, trainer: Trainer) -> None:
            self.steps.append((trainer.progress.epoch, done, steps))
            if trainer.progress.epoch == 1:
                raise KeyboardInterrupt

        def ended(self, summary: RunSummary | None) -> None:
            self.summaries.append(summary)

    first, second = Counting(), Kept()
    with pytest.raises(KeyboardInterrupt):
        trained(small_preset, data_dir, tmp_path, callbacks=[first, RecorderCallback(second)])
    assert first.steps == [(0, 1, 3), (0, 2, 3), (0, 3, 3), (1, 1, 3)]
    assert first.summaries == [None]
    assert second.said[-1] == ("end", None)


def test_another_packages_recorder_is_used_by_its_name(
    small_preset: Path, data_dir: Path, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    kept = Kept()
    module = types.ModuleType("their_recorder")
    module.Theirs = lambda: kept  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "their_recorder", module)
    plugin = Plugin(RECORDERS, "theirs", "their_recorder:Theirs", "their-recorder", "1")
    monkeypatch.setattr(recorders, "plugins", lambda *_: {"theirs": plugin})
    trained(small_preset, data_dir, tmp_path, epochs=1, callbacks=["theirs"])
    assert kept.said[-1] == ("end", 1)


def test_what_is_no_recorder_is_refused_before_training(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "theirs", types.SimpleNamespace(Half=types.SimpleNamespace))
    plugin = Plugin(RECORDERS, "half", "theirs:Half", "theirs", "1.0")
    monkeypatch.setattr(recorders, "plugins", lambda group, own: {"half": plugin})
    with pytest.raises(painet.RequestError, match=r"recorder half of the package theirs.*`begin`"):
        recording("half")


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_without_its_package_a_recorder_says_what_to_install(
    name: str, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    for module in [one for one in sys.modules if one.startswith("painet_cli.training.watching.")]:
        if module.rpartition(".")[2] in ("tensorboard", "weights_and_biases", "mlflow_store"):
            monkeypatch.delitem(sys.modules, module)
    with pytest.raises(painet.RequestError) as caught:
        recording(name)
    assert f'pip install "painet[{name}]"' in caught.value.hint


def test_an_unknown_recorder_is_refused_before_anything_is_written(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(painet.RequestError, match="no such recorder"):
        trained(small_preset, data_dir, tmp_path, callbacks=["tensorbord"])
    assert not list(tmp_path.iterdir())


def test_tensorboard_reads_what_is_written(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = trained(small_preset, data_dir, tmp_path, epochs=2, callbacks=["tensorboard"]).run
    seen = EventAccumulator(str(run / "tensorboard")).Reload()
    assert [point.step for point in seen.Scalars("train_mse")] == [1, 2]
    assert [point.step for point in seen.Scalars("val_mse")] == [2]


def test_wandb_writes_offline_and_keeps_the_best(
    small_preset: Path, data_dir: Path, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    said: dict[str, Any] = {"logged": [], "summary": {}}

    class Run:
        summary = said["summary"]

        def log(self, numbers: dict[str, float], step: int) -> None:
            said["logged"].append(step)

        def finish(self, exit_code: int) -> None:
            said["code"] = exit_code

    fake = types.ModuleType("wandb")
    fake.init = lambda **given: said.update(given) or Run()  # type: ignore[attr-defined]
    fake.Settings = dict  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.delitem(
        sys.modules, "painet_cli.training.watching.weights_and_biases", raising=False
    )
    trained(small_preset, data_dir, tmp_path, epochs=2, callbacks=["wandb"])
    assert (said["mode"], said["logged"], said["code"]) == ("offline", [1, 2], 0)
    assert said["config"]["model.layers"] == 2
    assert said["summary"]["best/best_epoch"] == 2
