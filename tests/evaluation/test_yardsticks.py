"""Yardsticks: worked out by hand, and shown where a model loses to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from painet_cli.config.presets import Preset
from painet_cli.data.batches.cut import windows
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.evaluation.opened_run import windows_for
from painet_cli.evaluation.yardsticks import better, guesses, on_training, reported, yardsticks
from systems import frames_of, manifest

SMALL = {
    "data": {"dataset": "small", "horizon": 2, "delta_frames": 4},
    "train": {"epochs": 1, "batch_size": 2, "lr": 1e-3},
}


@pytest.fixture
def measured(tmp_path: Path) -> tuple[Dataset, Windows, dict[str, list[float]]]:
    described = manifest(lengths=(40, 30), train=range(20), val=(25, 26, 27), test=(48, 60))
    dataset = write_dataset(tmp_path / "small", frames_of(described), described)
    preset = Preset.model_validate(SMALL)
    test = windows(dataset, "test", preset.data)
    return dataset, test, yardsticks(dataset, preset, test)


def frames_at(dataset: Dataset, starts: list[int], offset: int) -> np.ndarray:
    return np.stack([dataset.frames[s + offset] for s in starts]).astype(np.float64)


def test_nothing_moves_and_straight_on(
    measured: tuple[Dataset, Windows, dict[str, list[float]]],
) -> None:
    dataset, test, found = measured
    starts = test.starts.tolist()
    x, following = (frames_at(dataset, starts, k) for k in (0, 1))
    for step, offset in enumerate((2, 4)):
        truth = frames_at(dataset, starts, offset)
        assert found["nothing moves"][step] == pytest.approx(np.square(x - truth).mean(), rel=1e-5)
        straight = np.square(x + offset * (following - x) - truth).mean()
        assert found["straight on"][step] == pytest.approx(straight, rel=1e-5)


def test_the_mean_of_the_last_frames_keeps_to_the_segment(
    measured: tuple[Dataset, Windows, dict[str, list[float]]],
) -> None:
    dataset, test, found = measured
    assert test.starts.tolist() == [48, 60]
    means = [dataset.frames[first:stop].mean(axis=0) for first, stop in ((40, 49), (51, 61))]
    truth = frames_at(dataset, [48, 60], 2)
    expected = np.square(np.stack(means) - truth).mean()
    assert found["mean of the last frames"][0] == pytest.approx(expected, rel=1e-5)


def test_where_frames_are_superposed_the_mean_start_is_a_yardstick_as_it_lies(
    tmp_path: Path,
) -> None:
    described = manifest(lengths=(40,), train=range(20), val=(25,), test=(30, 33))
    far = frames_of(described) + 1e5  # from where batches are moved near the origin
    preset = Preset.model_validate(SMALL)
    found = {}
    for treatment in ((), ("superposed",)):
        own = described.model_copy(update={"treatment": treatment})
        dataset = write_dataset(tmp_path / f"of {len(treatment)}", far, own)
        found[treatment] = yardsticks(dataset, preset, windows(dataset, "test", preset.data))
    plain, superposed = found.values()
    measured = superposed.pop("mean structure, as it lies")
    assert plain == superposed
    mean = far[:20].astype(np.float64).mean(axis=0)
    expected = [np.square(far[[30 + k, 33 + k]] - mean).mean() for k in (2, 4)]
    assert measured == pytest.approx(expected, rel=1e-3)


def test_the_nearest_window_of_a_window_that_was_seen_is_itself(tmp_path: Path) -> None:
    described = manifest(lengths=(40,), train=range(20), val=(25,), test=(7, 12))
    dataset = write_dataset(tmp_path / "small", frames_of(described), described)
    preset = Preset.model_validate(SMALL)
    found = yardsticks(dataset, preset, windows(dataset, "test", preset.data))
    for name in ("nearest window", "nearest window, superposed"):
        assert max(found[name]) < 1e-8
    assert found["mean structure"][0] > 0.1


def test_the_nearest_window_of_a_training_window_is_another_that_shares_no_frame(
    tmp_path: Path,
) -> None:
    described = manifest(lengths=(40,), train=range(20), val=(25,), test=(30,))
    dataset = write_dataset(tmp_path / "small", frames_of(described), described)
    preset = Preset.model_validate(SMALL)
    train = windows(dataset, "train", preset.data)
    found = guesses(dataset, preset, train, "train")
    x = dataset.frames[:25].astype(np.float64)
    seen = np.stack([x[:20], x[1:21] - x[:20]], axis=1)  # positions, velocities
    scale = (seen - seen.mean(axis=0)).std(axis=(0, 2, 3), keepdims=True)
    seen = (seen / scale).reshape(20, -1)
    apart = np.square(seen[:, None] - seen).sum(axis=2)
    number = np.arange(20)
    apart[np.abs(number[:, None] - number) <= 5] = np.inf  # the start, four after it, one before
    other = apart.argmin(axis=1)
    expected = np.square(x[other + 2] - x[number + 2]).mean()
    assert found.errors("raw")[0]["nearest window"][0] == pytest.approx(expected, rel=1e-4)


def test_where_all_training_windows_share_frames_no_nearest_is_measured(tmp_path: Path) -> None:
    described = manifest(lengths=(40,), train=range(8), val=(25,), test=(30,))
    dataset = write_dataset(tmp_path / "small", frames_of(described), described)
    preset = Preset.model_validate(SMALL)
    found = guesses(dataset, preset, windows(dataset, "train", preset.data), "train").by_name
    assert not {"nearest window", "nearest window, superposed"} & set(found)
    assert "the nearest window is left out" in on_training("small", found)
    assert "is another that shares no frame" in on_training("small", {*found, "nearest window"})
    assert on_training("small", ["nothing moves"]) == ""


def test_what_stands_still_over_one_step_is_told_without_a_warning(tmp_path: Path) -> None:
    described = manifest(lengths=(40,), train=range(20), val=(25,), test=(30,))
    dataset = write_dataset(tmp_path / "small", frames_of(described), described)
    preset = Preset.model_validate(SMALL).changed({"data.horizon": 1})
    found = yardsticks(dataset, preset, windows(dataset, "test", preset.data))
    x, after = (frames_at(dataset, [30], offset) for offset in (0, 4))
    assert found["nothing moves"] == pytest.approx([np.square(x - after).mean()], rel=1e-5)


def test_yardsticks_do_not_depend_on_how_a_model_counts_types(
    measured: tuple[Dataset, Windows, dict[str, list[float]]],
) -> None:
    dataset, _, found = measured
    preset = Preset.model_validate(SMALL)
    as_model_has_them = windows_for(dataset, preset, "test", known=("c", "a"))
    assert yardsticks(dataset, preset, as_model_has_them) == found


def test_a_turned_window_is_near_in_the_body_s_frame_alone(tmp_path: Path) -> None:
    described = manifest(lengths=(40, 40), train=range(20), val=(25,), test=(47,))
    first = frames_of(described)[:40]
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))[0]
    turn[:, 0] *= torch.linalg.det(turn).sign()
    both = np.concatenate([first, first @ turn.numpy() + 3]).astype(np.float32)
    dataset = write_dataset(tmp_path / "small", both, described)
    preset = Preset.model_validate(SMALL)
    found = yardsticks(dataset, preset, windows(dataset, "test", preset.data))
    assert max(found["nearest window, superposed"]) < 1e-6
    assert min(found["nearest window"]) > 0.1


def test_what_is_better_comes_the_best_first() -> None:
    found = {"nothing moves": 2.0, "straight on": 0.75, "kernel": 9.0}
    assert better(2.5, found) == [("straight on", 0.75), ("nothing moves", 2.0)]
    assert better(0.1, found) == []
    assert reported([3.0, 1.0], mse=0.4, f_mse=0.2) == 2.0
    assert reported([3.0, 1.0], mse=0.2, f_mse=0.2) == 1.0, "the last step alone is reported"
