"""Errors as a share of what a guess has after such a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from painet_cli.config.presets import Preset
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.cut import windows
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import write_dataset
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel
from painet_cli.training.loss import check_loss, mean_loss, validation_mse
from painet_cli.training.run import start_run
from painet_cli.training.setup.usual import usual_errors
from systems import manifest, preset
from trainings import CPU, Watcher

FRAMES = 4000


class Still(DynamicsModel):
    horizon = 2

    def forward(self, batch: Batch) -> Tensor:
        return batch.positions.expand(2, -1, -1)


def walk(folder: Path) -> Windows:
    """Windows of a random walk, whose squared distances grow with time; 1 to 30 fs apart."""
    starts = range(FRAMES - 70)
    described = manifest((FRAMES,), delta_frames=60, train=starts, val=(3930,), test=(3935,))
    shape = (FRAMES, len(described.particles.names), 3)
    frames = np.random.default_rng(0).normal(size=shape).cumsum(axis=0).astype(np.float32)
    dataset = write_dataset(folder / "walk", frames, described)
    cut = {"dataset": "walk", "horizon": 2, "delta_frames": 2, "delta_time": ("1fs", "30fs")}
    return windows(
        dataset,
        "train",
        preset({"name": "painet"}).data.model_copy(update={**cut, "velocity": "before"}),
    )


def test_the_better_guess_on_a_random_walk_is_off_by_the_time(tmp_path: Path) -> None:
    usual = usual_errors(walk(tmp_path))
    times = np.array([2e-15, 1e-14, 5e-14])
    assert usual.after(times) == pytest.approx(times / 1e-15, rel=0.15)


def test_nothing_moves_has_an_error_of_one_at_short_times_and_at_long_ones(tmp_path: Path) -> None:
    train = walk(tmp_path)
    train.usual = usual_errors(train)
    batch = train.batch(torch.arange(len(train)))
    assert batch.weights is not None
    assert batch.frame_time_s is not None
    still = batch.positions.expand_as(batch.known_targets())
    assert mean_loss(still, batch) == pytest.approx(1.0, rel=0.05)
    raw = (still - batch.known_targets()).square().mean()
    assert raw > 5, "of the long times"
    for short in (True, False):
        own = torch.nonzero((batch.frame_time_s < 5e-15) == short).flatten()
        some = train.batch(own)
        still = some.positions.expand_as(some.known_targets())
        assert mean_loss(still, some) == pytest.approx(1.0, rel=0.1)


def test_validation_counts_as_training_does(tmp_path: Path) -> None:
    train = walk(tmp_path)
    train.usual = usual_errors(train)
    assert validation_mse(Still(), train, 500, loss="relative") == pytest.approx(1.0, rel=0.05)


def test_a_training_tells_shares(tmp_path: Path) -> None:
    walk(tmp_path)
    chosen = Preset.model_validate(
        {
            "data": {
                "dataset": "walk",
                "horizon": 2,
                "delta_frames": 2,
                "velocity": "before",
                "delta_time": ["1fs", "30fs"],
            },
            "model": {"name": "painet", "layers": 1, "hidden": 6, "prior": "still"},
            "train": {
                "epochs": 1,
                "batch_size": 64,
                "eval_every": 1,
                "lr": 1e-3,
                "loss": "relative",
            },
        }
    )
    watcher = Watcher()
    start_run(chosen, "one", tmp_path, tmp_path / "runs", CPU, watcher)
    assert watcher.records[0].train_mse == pytest.approx(1.0, rel=0.05)


def test_a_closed_form_has_no_relative_loss() -> None:
    chosen = preset({"name": "painet"})
    kernel = chosen.changed({"model": {"name": "kernel"}, "train.loss": "relative"})
    with pytest.raises(RequestError, match=r"relative: kernel is the closed form"):
        check_loss(kernel, manifest())
    check_loss(chosen.changed({"train.loss": "relative"}), manifest(up_axis="z"))
