"""Predictions fed back: positions and velocities worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.errors import PainetError
from painet_cli.models.base import DynamicsModel
from painet_cli.prediction.rollout import rollout, rollout_offsets
from systems import BRANCHED, equal_systems

TAIL_OF_TEN = [6, 7, 8, 9, 10]


class Ballistic(DynamicsModel):
    """x + v t + a t^2 at fixed offsets t, and `kick` once a pass; counts its passes."""

    def __init__(self, offsets: list[int], *, acceleration: float = 0.0, kick: float = 0.0) -> None:
        super().__init__()
        self.horizon = len(offsets)
        self.offsets = torch.tensor(offsets, dtype=torch.float64)[:, None, None]
        self.acceleration = acceleration
        self.kick = kick
        self.passes = 0

    def forward(self, batch: Batch) -> Tensor:
        self.passes += 1
        t = self.offsets
        return batch.positions + t * batch.velocities + self.acceleration * t**2 + self.kick


def at_the_origin() -> Batch:
    """Every particle starts at zero with unit velocity."""
    batch = equal_systems(BRANCHED)
    return batch.at(torch.zeros_like(batch.positions), torch.ones_like(batch.velocities))


@pytest.mark.parametrize(
    ("trained", "steps", "offsets"),
    [
        ([4], 3, [4, 8, 12]),
        ([4], 1, [4]),
        (TAIL_OF_TEN, 3, [6, 7, 8]),
        (TAIL_OF_TEN, 5, TAIL_OF_TEN),
        (TAIL_OF_TEN, 12, [6, 7, 8, 9, 10, 16, 17, 18, 19, 20, 26, 27]),
        ([2, 4], 5, [2, 4, 6, 8, 10]),
    ],
)
def test_offsets_go_on_from_the_last_prediction(
    trained: list[int], steps: int, offsets: list[int]
) -> None:
    assert rollout_offsets(np.array(trained), steps).tolist() == offsets


@pytest.mark.parametrize("trained", [[4], [1], TAIL_OF_TEN, [2, 4], [3, 7, 10]])
@pytest.mark.parametrize("steps", [1, 2, 5, 7, 13])
def test_straight_motion_stays_straight(trained: list[int], steps: int) -> None:
    batch = equal_systems(BRANCHED, 2)
    predicted = rollout(Ballistic(trained), batch, steps, np.array(trained))
    times = torch.from_numpy(rollout_offsets(np.array(trained), steps))[:, None, None]
    assert predicted.shape == (steps, batch.graph.num_nodes, 3)
    torch.testing.assert_close(predicted, batch.positions + times * batch.velocities)


@pytest.mark.parametrize(
    ("trained", "acceleration", "kick", "expected"),
    [
        # 0 + 2 v + 1 = 3, then v = 3 / 2, then v = 4 / 2
        pytest.param([2], 0.0, 1.0, [3, 7, 12], id="one step"),
        # 0 + t + 1, then from 11 with v = (11 - 10) / 1
        pytest.param(
            TAIL_OF_TEN, 0.0, 1.0, [7, 8, 9, 10, 11, 18, 19, 20, 21, 22, 29], id="tail of five"
        ),
        # t + t^2, then from 20 with v = (20 - 6) / 2
        pytest.param([2, 4], 1.0, 0.0, [6, 20, 38, 64], id="two frames apart"),
    ],
)
def test_the_new_velocity_is_the_last_difference_a_frame(
    trained: list[int], acceleration: float, kick: float, expected: list[float]
) -> None:
    model = Ballistic(trained, acceleration=acceleration, kick=kick)
    predicted = rollout(model, at_the_origin(), len(expected), np.array(trained))
    assert (predicted == predicted[:, :1, :1]).all(), "all particles move alike"
    assert predicted[:, 0, 0].tolist() == expected


@pytest.mark.parametrize(("steps", "passes"), [(1, 1), (4, 1), (5, 1), (6, 2), (10, 2), (11, 3)])
def test_no_more_passes_than_needed(steps: int, passes: int) -> None:
    model = Ballistic(TAIL_OF_TEN)
    rollout(model, at_the_origin(), steps, np.array(TAIL_OF_TEN))
    assert model.passes == passes


def test_no_edges_are_made_after_the_last_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[Tensor] = []
    at = Batch.at

    def counted(batch: Batch, positions: Tensor, *rest: Tensor | None) -> Batch:
        moved.append(positions)
        return at(batch, positions, *rest)

    start = at_the_origin()
    monkeypatch.setattr(Batch, "at", counted)
    rollout(Ballistic([1, 2]), start, 5, np.array([1, 2]))
    assert len(moved) == 2  # of three passes


def test_inside_the_horizon_it_is_the_model_itself() -> None:
    model, batch = Ballistic(TAIL_OF_TEN, acceleration=0.3), equal_systems(BRANCHED, horizon=5)
    assert torch.equal(rollout(model, batch, 3, np.array(TAIL_OF_TEN)), model(batch)[:3])
    assert batch.targets is not None, "the batch that was given is left as it was"


class Remembers(DynamicsModel):
    """Straight on by the last difference of the past, and keeps the pasts it was given."""

    def __init__(self, offsets: list[int]) -> None:
        super().__init__()
        self.horizon = len(offsets)
        self.offsets = torch.tensor(offsets, dtype=torch.float64)[:, None, None]
        self.pasts: list[Tensor] = []

    def forward(self, batch: Batch) -> Tensor:
        past = batch.known_past(3)
        self.pasts.append(past)
        return batch.positions - self.offsets * past[0]


@pytest.mark.parametrize("trained", [[4], [1], [2, 4], [3, 7, 10]])
def test_the_past_of_straight_motion_stays_that_of_straight_motion(trained: list[int]) -> None:
    batch = equal_systems(BRANCHED)
    past = torch.stack([-k * batch.velocities for k in (1, 2, 3)])
    model = Remembers(trained)
    steps = 2 * len(trained) + 1
    predicted = rollout(model, replace(batch, past=past), steps, np.array(trained))
    offsets = torch.from_numpy(rollout_offsets(np.array(trained), steps))[:, None, None]
    torch.testing.assert_close(predicted, batch.positions + offsets * batch.velocities)
    for seen in model.pasts:
        torch.testing.assert_close(seen, past)


def test_a_model_that_gives_another_number_of_steps_is_refused() -> None:
    batch = at_the_origin()
    with pytest.raises(PainetError, match=r"of shape \(2, \d+, 3\), not \(5, \d+, 3\)"):
        rollout(Ballistic([1, 2]), batch, 5, np.array(TAIL_OF_TEN))
