"""What is learned from a recording with time given, kept as a run like any other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import painet
from painet_cli.config.schema import TimedSchedule
from painet_cli.data.batches.offsets import target_offsets
from painet_cli.data.dataset.dataset import open_dataset, write_dataset
from painet_cli.errors import RequestError
from painet_cli.prediction.adapting.blocks import cut
from painet_cli.prediction.adapting.lesson import Lesson
from painet_cli.prediction.adapting.own_run import keep_dataset
from painet_cli.prediction.adapting.recipes import data_section, network_preset
from painet_cli.prediction.checkpoints import find_checkpoint
from painet_cli.prediction.inputs.open import open_input
from painet_cli.report.prediction_folder import WrittenPrediction
from systems import frames_of, manifest


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    painet.prepare("sample", data_dir=folder)
    return folder


@pytest.fixture(scope="module")
def learned(data: Path) -> WrittenPrediction:
    return painet.write_prediction(
        data / "sample",
        5,
        data / "predicted",
        start="400",
        adapt="1s",
        save_run=data / "own",
        data_dir=data,
        run_dir=data / "runs",
        device="cpu",
    )


def test_with_time_a_network_is_trained_further_and_measured_beside_the_others(
    learned: WrittenPrediction,
) -> None:
    assert {"sample", "sample, trained further", "kernel"} <= learned.summary["held_out_mse"].keys()
    chosen = learned.summary["chosen"]
    means = {name: np.mean(mse) for name, mse in learned.summary["held_out_mse"].items()}
    assert means[chosen] == min(means.values())


def test_what_was_kept_is_an_ordinary_run(learned: WrittenPrediction, data: Path) -> None:
    own = data / "own"
    assert learned.summary["saved_run"] == str(own)
    found = painet.evaluate(own, data_dir=data, device="cpu")
    name = "kernel" if found.model == "kernel" else "sample, trained further"
    held_out = np.mean(learned.summary["held_out_mse"][name])
    assert found.mse == pytest.approx(held_out, rel=0.05)
    assert painet.load(own, "cpu").header.dataset == "own-frames"
    record = json.loads((own / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "done"
    assert record["dataset"] == "own-frames"


def test_nothing_is_learned_where_its_run_would_replace_another(
    learned: WrittenPrediction, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="already"):
        painet.write_prediction(
            data / "sample", 2, tmp_path / "again", save_run=data / "own", data_dir=data
        )
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("begin", [True, False], ids=["further", "new"])
def test_a_network_ends_with_its_time_at_a_rate_of_nothing(begin: bool, data: Path) -> None:
    checkpoint = find_checkpoint("sample")
    lesson = _lesson(target_offsets(checkpoint.header.preset.data).tolist(), data)
    lesson = replace(lesson, frame_time_s=checkpoint.header.units.frame_time_s)
    preset = network_preset(lesson, "frames", checkpoint if begin else None, 90.0)
    assert (preset.train.start_from is not None) is begin
    assert preset.train.schedule == TimedSchedule(seconds=90)


@pytest.mark.parametrize(
    ("offsets", "sampling", "horizon"),
    [([2, 4, 6], "uniform", 3), (list(range(1, 31)), "uniform", 8), ([8, 9, 10], "tail", 3)],
)
def test_a_network_learns_the_steps_that_are_to_be_predicted(
    offsets: list[int], sampling: str, horizon: int, data: Path
) -> None:
    section = data_section(_lesson(offsets, data), "frames")
    assert (section["sampling"], section["horizon"]) == (sampling, horizon)


def test_steps_that_no_preset_cuts_are_said(data: Path) -> None:
    with pytest.raises(RequestError, match="not evenly spaced"):
        data_section(_lesson([1, 5, 6], data), "frames")


def _lesson(offsets: list[int], data: Path) -> Lesson:
    with open_input(data / "sample", data_dir=data) as recording:
        system = recording.read(recording.select("all"), 0, 300)
    blocks = cut(0, 299, offsets[-1])
    assert blocks is not None
    return Lesson(system, 0, 299, blocks, np.array(offsets), 1.0)


def test_what_is_kept_of_a_dataset_has_its_unit_of_length(tmp_path: Path) -> None:
    described = manifest((200,), train=(1,), val=(150,), test=(180,))
    units = described.units.model_copy(update={"length": "sigma", "length_in_metres": 3.4e-10})
    described = described.model_copy(update={"units": units})
    write_dataset(tmp_path / "beads", frames_of(described), described)
    with open_input(tmp_path / "beads") as recording:
        system = recording.read(recording.select("all"))
    blocks = cut(0, 199, 3)
    assert blocks is not None
    keep_dataset(Lesson(system, 0, 199, blocks, np.array([1, 2, 3]), 1.0), tmp_path / "kept")
    assert open_dataset(tmp_path / "kept").manifest.units.length_in_metres == 3.4e-10
