"""F-MSE and A-MSE, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.cut import windows_of
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.evaluation.metrics import Errors, prediction_errors
from painet_cli.models.base import DynamicsModel
from painet_cli.training.loss import squared_errors, validation_mse
from systems import CHAIN, PAIR, equal_systems, frames_of, manifest, side_by_side


class Still(DynamicsModel):
    """Nothing moves."""

    def __init__(self, horizon: int) -> None:
        super().__init__()
        self.horizon = horizon

    def forward(self, batch: Batch) -> Tensor:
        return batch.positions.expand(self.horizon, -1, -1)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    described = manifest()
    return write_dataset(tmp_path / "small", frames_of(described), described)


def windows(dataset: Dataset, offsets: list[int]) -> Windows:
    graph = bond_graph(CHAIN.types, CHAIN.bonds, hops=2)
    return windows_of(dataset, "train", np.array(offsets), graph, torch.device("cpu"))


def errors_of_still(dataset: Dataset, offsets: list[int]) -> NDArray[np.float64]:
    frames = dataset.frames.astype(np.float64)
    return np.array(
        [
            [np.mean((frames[start] - frames[start + offset]) ** 2) for offset in offsets]
            for start in dataset.manifest.split.train
        ]
    )


def test_two_windows_of_two_steps() -> None:
    errors = Errors(np.array([[1.0, 2.0], [3.0, 6.0]]))
    assert errors.step_mse == [2.0, 4.0]
    assert errors.f_mse == 4.0
    assert errors.a_mse == 3.0


def test_at_one_step_all_are_the_same() -> None:
    errors = Errors(np.array([[1.0], [4.0]]))
    assert errors.f_mse == errors.a_mse == 2.5
    assert errors.step_mse == [2.5]


def test_a_squared_error_is_a_mean_over_particles_and_coordinates() -> None:
    batch = side_by_side([equal_systems(PAIR, horizon=2), equal_systems(CHAIN, horizon=2)])
    off = torch.zeros_like(batch.known_targets())
    off[0, 0] = torch.tensor([3.0, 0.0, 0.0])  # one particle of the pair, first step: 9 / (2 * 3)
    off[1, 2:] = 2.0  # all particles of the chain, second step: 4
    expected = torch.tensor([[1.5, 0.0], [0.0, 4.0]], dtype=torch.float64)
    torch.testing.assert_close(squared_errors(batch.known_targets() + off, batch), expected)


def test_equal_and_unequal_systems_are_averaged_alike() -> None:
    equal = equal_systems(CHAIN, 3, horizon=2)
    mixed = side_by_side([equal, equal_systems(PAIR, horizon=2)])
    errors = squared_errors(torch.zeros_like(mixed.known_targets()), mixed)
    torch.testing.assert_close(
        errors[:3], squared_errors(torch.zeros_like(equal.known_targets()), equal)
    )


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_errors_of_windows_do_not_depend_on_the_batch(
    dataset: Dataset, batch_size: int
) -> None:
    offsets = [2, 4]
    errors = prediction_errors(
        Still(2), windows(dataset, offsets), batch_size, trained=np.array(offsets)
    )
    assert errors.squared.dtype == np.float64
    assert errors.squared.shape == (4, 2)
    np.testing.assert_allclose(errors.squared, errors_of_still(dataset, offsets), rtol=1e-6)
    np.testing.assert_allclose(
        validation_mse(Still(2), windows(dataset, offsets), batch_size), errors.a_mse, rtol=1e-12
    )


def test_validation_may_count_the_last_step_alone(dataset: Dataset) -> None:
    last = validation_mse(Still(2), windows(dataset, [2, 4]), 3, report="last")
    np.testing.assert_allclose(last, errors_of_still(dataset, [2, 4])[:, 1].mean(), rtol=1e-6)


def test_steps_past_the_trained_ones_are_rolled_out(dataset: Dataset) -> None:
    offsets = [2, 4, 6]
    errors = prediction_errors(Still(1), windows(dataset, offsets), 2, trained=np.array([2]))
    np.testing.assert_allclose(errors.squared, errors_of_still(dataset, offsets), rtol=1e-6)
