"""Errors after superposition: what does not count, their gradient, and where they are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.particles.superpose import superposed
from painet_cli.errors import RequestError
from painet_cli.training.loss import check_loss, mean_loss, squared_errors
from systems import CHAIN, RING, equal_systems, manifest, normal, preset, side_by_side
from trainings import Watcher, train


def _batches() -> list[Batch]:
    several = side_by_side([equal_systems(CHAIN, horizon=3), equal_systems(RING, horizon=3)])
    return [equal_systems(CHAIN, copies=2, horizon=3), several]


def _turn(seed: int) -> Tensor:
    turn, _ = torch.linalg.qr(normal(3, 3, seed=seed))
    return turn * torch.det(turn)


@pytest.mark.parametrize("batch", _batches())
def test_a_shift_and_a_turn_of_a_system_are_no_error(batch: Batch) -> None:
    moved = batch.known_targets().double() @ _turn(1).double() + torch.tensor([3.0, -2.0, 1.0])
    assert squared_errors(moved, batch, "superposed").max() < 1e-10
    assert squared_errors(moved, batch).min() > 1


def test_a_mirror_image_is_an_error() -> None:
    batch = equal_systems(CHAIN, horizon=3)
    mirrored = batch.known_targets() * torch.tensor([-1.0, 1.0, 1.0])
    assert squared_errors(mirrored, batch, "superposed").min() > 1e-3


@pytest.mark.parametrize("batch", _batches())
def test_it_is_the_error_of_each_frame_laid_on_the_other(batch: Batch) -> None:
    targets = batch.known_targets()
    predicted = targets + 0.3 * normal(*targets.shape, seed=2)
    errors, bounds = squared_errors(predicted, batch, "superposed"), batch.graph.ptr.tolist()
    for system in range(batch.graph.num_systems):
        own = slice(bounds[system], bounds[system + 1])
        for step in range(len(targets)):
            guess, truth = (x[step, own].double().numpy() for x in (predicted, targets))
            expected = np.square(superposed(guess, truth) - truth).mean()
            assert errors[system, step].item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("batch", _batches())
def test_its_gradient_is_that_of_finite_differences(batch: Batch) -> None:
    targets = batch.known_targets()
    predicted = (targets + 0.3 * normal(*targets.shape, seed=2)).double().requires_grad_()
    wide = Batch(batch.graph, batch.positions.double(), batch.velocities.double(), targets.double())
    assert torch.autograd.gradcheck(lambda x: mean_loss(x, wide, "superposed"), predicted)


def test_what_is_no_number_stays_no_number() -> None:
    batch = equal_systems(CHAIN, copies=2, horizon=3)
    predicted = batch.known_targets().clone()
    predicted[1, 0] = torch.nan
    errors = squared_errors(predicted, batch, "superposed")
    assert torch.isnan(errors[0, 1])
    assert torch.isfinite(errors[1]).all()


def test_training_descends_it_and_chooses_by_it(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    raw, laid = Watcher(), Watcher()
    short = ("train.epochs=2", "train.eval_every=1")
    train(small_preset, data_dir, tmp_path, *short, watcher=raw)
    train(small_preset, data_dir, tmp_path, *short, "train.loss=superposed", watcher=laid)
    for one, other in zip(raw.records, laid.records, strict=True):
        assert other.val_mse is not None
        assert one.val_mse is not None
        assert other.val_mse < one.val_mse
        assert other.train_mse < one.train_mse


def test_a_vertical_is_not_to_be_lost() -> None:
    asked = preset({"name": "linear"}).changed({"train.loss": "superposed"})
    check_loss(asked, manifest())
    with pytest.raises(RequestError, match="up axis, z"):
        check_loss(asked, manifest(up_axis="z"))


def test_a_closed_form_is_of_the_raw_error(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="kernel is the closed form of the raw error"):
        train(small_preset, data_dir, tmp_path, "model.name=kernel", "train.loss=superposed")
