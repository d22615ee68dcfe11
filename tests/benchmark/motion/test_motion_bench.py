"""The motion benchmark: its rate and windows, its errors, and its yardsticks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from painet_cli.benchmark.cells import Cell
from painet_cli.benchmark.motion import rows as bench_rows
from painet_cli.benchmark.motion.protocol import MotionTask, motion_task
from painet_cli.benchmark.motion.rows import SIMLPE, MotionRow, yardstick_rows
from painet_cli.benchmark.motion.simlpe import cosine_transform, train_simlpe
from painet_cli.benchmark.motion.tables import motion_markdown, motion_notes
from painet_cli.cli.bench import motion as command
from painet_cli.config.presets import Preset
from painet_cli.data.dataset.dataset import open_dataset, write_dataset
from painet_cli.data.sources.prepare import prepare
from painet_cli.errors import RequestError
from takes import take
from typed import Say


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> MotionTask:
    """A take at 100 frames a second whose frames glide 1 cm each, all joints alike."""
    folder = tmp_path_factory.mktemp("motion")
    take(folder / "one.bvh", 1200)
    made = prepare("motion", data_dir=folder, files=[folder / "one.bvh"], name="mine")
    frames = np.repeat(np.array(made.frames[:1]), len(made.frames), axis=0)
    frames[..., 0] += np.arange(len(frames))[:, None]
    gliding = made.manifest.model_copy(update={"name": "gliding"})
    return motion_task(write_dataset(folder / "gliding", frames, gliding), folder / "thin")


def test_frames_are_thinned_to_about_25_a_second(task: MotionTask) -> None:
    manifest = task.dataset.manifest
    assert manifest.name == "gliding-25fps"
    assert manifest.units.frame_time_s == pytest.approx(0.04)
    assert len(task.dataset.frames) == 300
    assert task.steps == (2, 4, 8, 10, 14, 25)
    assert task.times_ms == pytest.approx([80, 160, 320, 400, 560, 1000])
    assert task.to_mm == pytest.approx(10)


def test_takes_that_were_prepared_anew_are_thinned_anew(task: MotionTask, tmp_path: Path) -> None:
    first = motion_task(task.dataset, tmp_path / "thin").dataset
    other = np.array(task.dataset.frames) + np.linspace(0, 1, 300)[:, None, None]
    described = task.dataset.manifest
    second = motion_task(write_dataset(tmp_path / "new", other, described), tmp_path / "thin")
    assert second.dataset.folder == first.folder
    assert second.dataset.sha256 != first.sha256
    again = motion_task(task.dataset, tmp_path / "thin").dataset
    assert again.sha256 == first.sha256, "cells of the same takes are the same cells"


def test_errors_are_millimetres_in_the_room_and_from_the_root(
    task: MotionTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        bench_rows, "train_simlpe", lambda *given, **how: train_simlpe(*given, **how, epochs=1)
    )
    still, straight, learned = yardstick_rows(task, seeds=2)
    # 1 BVH unit of 10 mm a frame at 100 frames a second: a metre a second
    assert still.global_mm == pytest.approx([80, 160, 320, 400, 560, 1000], rel=1e-4)
    assert still.root_relative_mm == pytest.approx([0] * 6, abs=1e-3)
    assert straight.global_mm == pytest.approx([0] * 6, abs=1e-1)
    assert (learned.model, learned.seeds) == (SIMLPE, 2)


def test_the_cosine_transform_loses_nothing() -> None:
    dct = cosine_transform(11)
    torch.testing.assert_close(dct @ dct.T, torch.eye(11), atol=1e-5, rtol=0)


def test_the_network_learns_a_swing_and_leaves_the_random_state_alone() -> None:
    times = torch.arange(400)[:, None] + torch.arange(-10, 9)
    swing = torch.zeros(400, 19, 2, 3)
    swing[:, :, 1, 0] = torch.sin(0.3 * times)
    swing[:, :, 1, 1] = torch.cos(0.3 * times)
    past, future = swing[:, :11], swing[:, 11:]
    before = torch.get_rng_state()
    model = train_simlpe(past[:300], future[:300], (past[300:], future[300:]), up=2, epochs=60)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.no_grad():
        error = (model(past[300:]) - future[300:]).norm(dim=-1).mean()
    still = (past[300:, -1:] - future[300:]).norm(dim=-1).mean()
    assert error < 0.5 * still


def test_a_molecule_is_no_motion_capture(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no motion capture with a height"):
        motion_task(open_dataset(data_dir / "sample"), tmp_path)


def row(model: str, global_mm: float) -> MotionRow:
    return MotionRow(model, "d", 9, 1, [global_mm] * 6, [global_mm] * 6, [80.0] * 6)


def test_a_model_that_loses_to_a_yardstick_is_said_to() -> None:
    rows = [row("zero velocity", 5.0), row("constant velocity", 4.0), row("egnn", 4.5)]
    notes = motion_notes(rows)
    assert any(
        note.startswith("egnn LOSES globally to constant velocity at 80 ms") for note in notes
    )
    assert "| egnn" in motion_markdown(rows)
    assert not any("LOSES" in note for note in motion_notes([*rows[:2], row("egnn", 1.0)]))


def test_notes_say_how_many_seeds_and_what_was_not_trained_to_its_end() -> None:
    rows = [row("zero velocity", 5.0), replace(row("egnn", 4.5), seeds=3, stopped_by=["budget"])]
    notes = motion_notes(rows)
    assert "Means over seeds: zero velocity 1, egnn 3." in notes
    assert "egnn: training ended by its budget, not by patience or its last epoch." in notes
    assert not any("budget" in note for note in motion_notes(rows[:1]))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("data.horizon=5", "--set data.horizon=5: the task has data.horizon=25"),
        ("data={history_known: 0}", "the task has data.history_known=None"),
        ("data.velocity=next", "the task has data.velocity=before"),
    ],
)
def test_settings_that_make_it_another_task_are_refused(
    task: MotionTask, say: Say, setting: str, said: str
) -> None:
    source = task.dataset.folder.parents[1] / "gliding"
    status, out, err = say("bench", "motion", "--dataset", source, "--set", setting)
    assert (status, out) == (2, "")
    assert said in " ".join(err.split())
    assert len(err.splitlines()) <= 3
    assert not Path("bench").exists()


def test_features_are_those_that_are_asked_for(
    task: MotionTask, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Preset] = []

    def train(session: object, cells: Sequence[Cell], *_: object) -> list[str]:
        seen.extend(cell.preset for cell in cells)
        return []

    monkeypatch.setattr(command, "train", train)
    monkeypatch.setattr(
        bench_rows, "train_simlpe", lambda *given, **how: train_simlpe(*given, **how, epochs=1)
    )
    source = task.dataset.folder.parents[1] / "gliding"
    typed = ("bench", "motion", "--dataset", source, "--models", "egnn")
    twice = ("bench", "motion", "--dataset", source, "--models", "egnn,egnn", "--seeds", "2")
    own = ("--set", "features.node=[speed]", "--set", "data.history=10")
    assert say(*typed)[0] == 0
    status, _, err = say(*typed, *own)
    assert status == 0
    assert [one.features.node for one in seen] == [("speed", "height", "past"), ("speed",)]
    seen.clear()
    assert say(*twice)[0] == 0
    assert [one.train.seed for one in seen] == [1, 2], "a model that is named twice counts once"
    assert "features.node: ['speed'] as --set has it" in err


@pytest.mark.slow
def test_models_are_measured_far_from_the_origin_too(
    task: MotionTask, say: Say, tmp_path: Path
) -> None:
    source = task.dataset.folder.parents[1] / "gliding"  # which glides 12 m
    typed = [
        *("bench", "motion", "--dataset", source, "--models", "egnn", "--epochs", "1"),
        *("--set", "model.hidden=8", "--set", "model.layers=1", "--json"),
    ]
    status, out, err = say(*typed)
    assert status == 0, err
    rows = {row["model"]: row for row in json.loads(out)["rows"]}
    assert list(rows) == ["zero velocity", "constant velocity", SIMLPE, "egnn"]
    assert max(rows["egnn"]["global_mm"]) < 2000
    assert Path("bench/motion/bench.md").is_file()
