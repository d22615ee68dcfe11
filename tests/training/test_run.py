"""A training from start to end, however it is stopped."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from painet_cli.config.presets import load_preset
from painet_cli.errors import PainetError, RequestError
from painet_cli.training.checkpoint import load_checkpoint
from painet_cli.training.record import ERRORS, RECORD
from painet_cli.training.run import resume_run
from painet_cli.training.run_folder import BEST, CONFIG, CONTENTS, LAST, METRICS
from trainings import CPU, Watcher, same_bits, tensors, train


def metrics(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / METRICS).read_text().splitlines()]


def learned(run: Path) -> list[tuple[int, float, float | None]]:
    return [(row["epoch"], row["train_mse"], row["val_mse"]) for row in metrics(run)]


def record(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((run / RECORD).read_text())
    return loaded


def test_a_run_is_a_folder_with_what_was_announced(finished_run: Path) -> None:
    assert {path.name for path in finished_run.iterdir()} == set(CONTENTS)
    assert finished_run.parent.name == "small"


def test_the_config_is_the_resolved_preset(finished_run: Path, small_preset: Path) -> None:
    asked = load_preset(str(small_preset))
    assert asked.train.activations == "auto"  # what it came to is the run's
    assert asked.data.velocity is None  # what it came to is the dataset's
    resolved = asked.changed({"train.activations": "keep", "data.velocity": "next"})
    assert load_preset(str(finished_run / CONFIG)) == resolved


def test_metrics_have_a_line_an_epoch_and_an_evaluation_when_due(finished_run: Path) -> None:
    rows = metrics(finished_run)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert [row["val_mse"] is not None for row in rows] == [False, True, False, True]


def test_the_record_says_what_ran_on_what(finished_run: Path, data_dir: Path) -> None:
    seen = record(finished_run)
    assert seen["status"] == "done"
    assert seen["stopped_by"] == "epochs"
    assert seen["seed"] == 1
    assert seen["versions"]["torch"].startswith(torch.__version__.split("+")[0])
    manifest = data_dir / "sample" / "dataset.json"
    assert seen["dataset"] == "sample"
    assert len(seen["dataset_sha256"]) == 64
    assert manifest.exists()
    assert seen["peak_memory_gb"] >= 0


def test_training_lowers_the_error(finished_run: Path) -> None:
    rows = metrics(finished_run)
    assert rows[-1]["train_mse"] < rows[0]["train_mse"]


def test_the_same_seed_gives_the_same_weights(
    finished_run: Path, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    again = train(small_preset, data_dir, tmp_path).run
    assert same_bits(finished_run / LAST, again / LAST)
    assert same_bits(finished_run / BEST, again / BEST)
    assert learned(finished_run) == learned(again)


def test_another_seed_gives_other_weights(
    finished_run: Path, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    other = train(small_preset, data_dir, tmp_path, "train.seed=2").run
    assert not same_bits(finished_run / BEST, other / BEST)


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_a_resumed_run_ends_with_the_same_bits(
    finished_run: Path, small_preset: Path, data_dir: Path, tmp_path: Path, stop_after: int
) -> None:
    watcher = Watcher(stop_after)
    with pytest.raises(KeyboardInterrupt):
        train(small_preset, data_dir, tmp_path, watcher=watcher)
    assert watcher.run is not None
    assert record(watcher.run)["status"] == "interrupted"
    torch.manual_seed(99)  # whatever else the process drew in between
    summary = resume_run(watcher.run, data_dir, CPU, Watcher())
    assert summary.epochs == 4
    assert same_bits(finished_run / LAST, watcher.run / LAST)
    assert same_bits(finished_run / BEST, watcher.run / BEST)
    assert learned(finished_run) == learned(watcher.run)


def test_a_run_stopped_between_its_metrics_and_its_checkpoint_repeats_the_epoch(
    finished_run: Path, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    watcher = Watcher(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        train(small_preset, data_dir, tmp_path, watcher=watcher)
    assert watcher.run is not None
    with (watcher.run / METRICS).open("a") as file:
        file.write('{"epoch": 3, "train_mse": 1.0, "val_mse": null}\n{"epoch": 4, "tr')
    resume_run(watcher.run, data_dir, CPU, Watcher())
    assert learned(finished_run) == learned(watcher.run)


def test_resuming_a_finished_run_changes_nothing(
    finished_run: Path, data_dir: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "small" / "copy"
    shutil.copytree(finished_run, copy)
    resume_run(copy, data_dir, CPU, Watcher())
    assert same_bits(finished_run / LAST, copy / LAST)
    assert learned(finished_run) == learned(copy)


def test_what_is_drawn_in_training_is_drawn_on_after_a_stop(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    drawing = ("model.name=atom", "model.hidden=8", "model.heads=1", "model.layers=1")
    whole = train(small_preset, data_dir, tmp_path / "whole", *drawing).run
    watcher = Watcher(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        train(small_preset, data_dir, tmp_path / "cut", *drawing, watcher=watcher)
    assert watcher.run is not None
    torch.manual_seed(99)  # whatever else the process drew in between
    resume_run(watcher.run, data_dir, CPU, Watcher())
    assert same_bits(whole / LAST, watcher.run / LAST)


def test_resuming_can_go_further(finished_run: Path, data_dir: Path, tmp_path: Path) -> None:
    copy = tmp_path / "small" / "copy"
    shutil.copytree(finished_run, copy)
    assert resume_run(copy, data_dir, CPU, Watcher(), epochs=6).epochs == 6
    assert load_preset(str(copy / CONFIG)).train.epochs == 6


@pytest.mark.parametrize("eval_every", [1, 3])
def test_patience_ends_a_run_after_so_many_evaluations_that_improve_nothing(
    small_preset: Path, data_dir: Path, tmp_path: Path, eval_every: int
) -> None:
    often = f"train.eval_every={eval_every}"
    settings = ["train.lr=1e-30", "train.patience=2", often, "train.epochs=50"]
    summary = train(small_preset, data_dir, tmp_path, *settings)
    assert summary.stopped_by == "patience"
    assert summary.best_epoch is not None
    assert summary.epochs == summary.best_epoch + 2 * eval_every < 50


def test_a_loss_that_is_not_a_number_stops_with_when_and_what_to_do(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    watcher = Watcher()
    with pytest.raises(PainetError, match=r"epoch \d+: the .* is (nan|inf)") as caught:
        train(small_preset, data_dir, tmp_path, "train.lr=1e18", watcher=watcher)
    assert "lower train.lr" in caught.value.hint
    assert watcher.run is not None
    assert record(watcher.run)["status"] == "failed"
    assert "Traceback" in (watcher.run / ERRORS).read_text()


def test_a_dataset_that_is_not_there_says_how_to_prepare_it(
    small_preset: Path, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="painet prepare sample"):
        train(small_preset, tmp_path, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_made_is_said_before_training(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(RequestError, match="run_dir"):
        train(small_preset, data_dir, tmp_path / "runs")


def test_resuming_on_another_dataset_is_refused(
    finished_run: Path, data_dir: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "small" / "copy"
    shutil.copytree(finished_run, copy)
    other = tmp_path / "data"
    shutil.copytree(data_dir, other)
    manifest = other / "sample" / "dataset.json"
    content = json.loads(manifest.read_text())
    content["split"]["train"] = content["split"]["train"][:-1]
    manifest.write_text(json.dumps(content))
    with pytest.raises(RequestError, match="not the one it began with"):
        resume_run(copy, other, CPU, Watcher())


def test_resuming_from_a_checkpoint_of_something_else_is_refused(
    finished_run: Path, data_dir: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "small" / "copy"
    shutil.copytree(finished_run, copy)
    (copy / LAST).write_bytes((copy / BEST).read_bytes())  # no optimiser, no random state
    with pytest.raises(RequestError, match="do not fit the preset"):
        resume_run(copy, data_dir, CPU, Watcher())


def test_runs_of_one_second_have_folders_of_their_own(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    folders = {train(small_preset, data_dir, tmp_path, "train.epochs=1").run for _ in range(3)}
    assert len(folders) == 3


def test_resuming_what_is_no_run_is_refused(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no run here"):
        resume_run(tmp_path, data_dir, CPU, Watcher())


def test_best_is_the_average_where_there_is_one(finished_run: Path) -> None:
    last, best = tensors(finished_run / LAST), tensors(finished_run / BEST)
    assert load_checkpoint(finished_run / BEST)[1].progress.epoch == 4
    name = "embed.weight"
    assert torch.equal(best[f"model/{name}"], last[f"average/module.{name}"])
    assert not torch.equal(best[f"model/{name}"], last[f"model/{name}"])


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_goes_on_and_ends_with_the_same_bits(
    small_preset: Path, data_dir: Path, tmp_path: Path, how: signal.Signals
) -> None:
    settings = ["train.epochs=30", "train.batch_size=25"]
    whole = train(small_preset, data_dir, tmp_path / "whole", *settings).run
    command = [
        sys.executable,
        "-c",
        "import sys; from painet_cli.cli.app import main; sys.exit(main())",
        "train",
    ]
    command += ["--preset", str(small_preset), "--device", "cpu", "--data-dir", str(data_dir)]
    command += ["--run-dir", str(tmp_path / "killed")]
    command += [part for setting in settings for part in ("--set", setting)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list((tmp_path / "killed").glob("small/*/last.safetensors")):
        time.sleep(0.05)
        assert process.poll() is None
    time.sleep(0.5)
    process.send_signal(how)
    _, said = process.communicate()
    (killed,) = (tmp_path / "killed" / "small").iterdir()
    if how is not signal.SIGKILL:
        assert process.returncode == 130
        assert f"painet train --resume {killed}" in said
        assert record(killed)["status"] == "interrupted"
    assert resume_run(killed, data_dir, CPU, Watcher()).epochs == 30
    assert same_bits(whole / LAST, killed / LAST)
