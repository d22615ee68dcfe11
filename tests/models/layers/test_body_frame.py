"""The body's frame: what it leaves alone, and what it does where its rule does not decide."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.errors import RequestError
from painet_cli.models.layers.body_frame import BodyFrame
from painet_cli.testing.motions import moved, orthogonal, turn_about
from systems import BRANCHED, CHAIN, PAIR, RING, equal_systems, normal, side_by_side, typed

NOTHING = torch.zeros(3, dtype=torch.float64)


def fitted(up: int | None, *batches: Batch) -> BodyFrame:
    frame = BodyFrame(up)
    frame.fit(batches)
    return frame


def mixed() -> Batch:
    molecules = (BRANCHED, PAIR, RING, CHAIN)
    return side_by_side([equal_systems(m, seed=k) for k, m in enumerate(molecules)])


def components(frame: BodyFrame, batch: Batch) -> Tensor:
    """Positions and velocities in the frame, (M, 6)."""
    frames = frame(batch)
    x, v = frames.positions(batch.positions), frames.components(batch.velocities)
    return torch.cat([x, v], dim=-1)


def heading() -> BodyFrame:
    return fitted(1, equal_systems(BRANCHED, 5, seed=3))


def superposing() -> BodyFrame:
    return fitted(None, equal_systems(BRANCHED, 5, seed=3))


def principal() -> BodyFrame:
    return fitted(None, mixed())


def upright_of_several_kinds() -> BodyFrame:
    return fitted(1, mixed())


ABOUT_THE_VERTICAL = turn_about(1, 2.0)
SHIFT = torch.tensor([3.0, 0.0, -2.0], dtype=torch.float64)
RULES = [
    (heading, ABOUT_THE_VERTICAL),
    (upright_of_several_kinds, ABOUT_THE_VERTICAL),
    (superposing, orthogonal(3, 1)),
    (principal, orthogonal(4, 1)),
]


@pytest.mark.parametrize(("rule", "turn"), RULES)
def test_turns_and_shifts_change_no_component(rule, turn: Tensor) -> None:  # type: ignore[no-untyped-def]
    frame, batch = rule(), equal_systems(BRANCHED, 3, seed=8)
    there = components(frame, moved(batch, turn, SHIFT))
    torch.testing.assert_close(there, components(frame, batch), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("rule", "turn"), RULES)
def test_standing_still_is_no_exception(rule, turn: Tensor) -> None:  # type: ignore[no-untyped-def]
    frame, batch = rule(), equal_systems(BRANCHED, 3, seed=8)
    still = replace(batch, velocities=torch.zeros_like(batch.velocities))
    there = components(frame, moved(still, turn, SHIFT))
    torch.testing.assert_close(there, components(frame, still), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("rule", "turn"), RULES)
def test_particles_on_a_line_turn_with_their_velocities(rule, turn: Tensor) -> None:  # type: ignore[no-untyped-def]
    frame, batch = rule(), equal_systems(BRANCHED, 2, seed=8)
    direction = torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64)
    line = replace(batch, positions=normal(len(batch.positions), 1, seed=4) * direction)
    there = components(frame, moved(line, turn, SHIFT))
    torch.testing.assert_close(there, components(frame, line), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("rule", "turn"), RULES)
def test_a_line_at_rest_and_a_point_have_finite_components(rule, turn: Tensor) -> None:  # type: ignore[no-untyped-def]
    frame, batch = rule(), equal_systems(BRANCHED, 2, seed=8)
    nothing = torch.zeros_like(batch.positions)
    line = normal(len(nothing), 1, seed=4) * torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64)
    for x in (line, nothing):
        frames = frame(replace(batch, positions=x, velocities=nothing))
        assert frames.positions(x).isfinite().all()
        identity = frames.turn @ frames.turn.transpose(1, 2)
        torch.testing.assert_close(identity, torch.eye(3).double().expand_as(identity))


def test_slowing_down_turns_the_frame_without_a_jump() -> None:
    frame, batch = heading(), equal_systems(BRANCHED, 1, seed=8)
    pace = [frame(replace(batch, velocities=k * batch.velocities)).turn for k in (1e-12, 0.0)]
    torch.testing.assert_close(pace[0], pace[1], atol=1e-5, rtol=0)
    walking = frame(batch).components(batch.velocities.mean(dim=0).expand(8, 3))
    assert walking[0, 0].abs() < 1e-5, "nothing to the side"
    assert walking[0, 2] > 0, "forward"


def test_up_stays_up_and_heights_are_kept() -> None:
    frame, batch = heading(), equal_systems(BRANCHED, 3, seed=8)
    frames = frame(batch)
    torch.testing.assert_close(frames.positions(batch.positions)[:, 1], batch.positions[:, 1])
    torch.testing.assert_close(frames.components(batch.velocities)[:, 1], batch.velocities[:, 1])


def test_a_mirror_is_seen_as_one_by_all_but_the_heading() -> None:
    batch = equal_systems(BRANCHED, 3, seed=8)
    mirror = torch.diag(torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64))
    there, here = (components(heading(), b) for b in (moved(batch, mirror, NOTHING), batch))
    sides = torch.tensor([-1.0, 1, 1, -1, 1, 1], dtype=torch.float64)
    torch.testing.assert_close(there, here * sides, rtol=1e-4, atol=1e-4)
    there, here = (components(superposing(), b) for b in (moved(batch, mirror, NOTHING), batch))
    assert (there.abs() - here.abs()).abs().max() > 0.01


def test_components_turned_back_are_what_they_were_of() -> None:
    for batch in (equal_systems(BRANCHED, 3, seed=8), mixed()):
        frames = principal()(batch)
        vectors = normal(4, batch.graph.num_nodes, 3, seed=2)
        torch.testing.assert_close(frames.back(frames.components(vectors)), vectors)


def test_a_system_has_the_same_frame_alone_and_beside_others() -> None:
    batch, frame = mixed(), principal()
    alone = equal_systems(BRANCHED, seed=0)
    torch.testing.assert_close(components(frame, batch)[:8], components(frame, alone))


def test_the_rotation_is_the_one_that_superposes_best() -> None:
    frame, batch = superposing(), equal_systems(BRANCHED, 1, seed=8)
    frames = frame(batch)
    placed = frames.positions(batch.positions)
    best = (placed - frame.reference).square().sum()
    for seed in range(20):
        other = placed @ torch.matrix_exp(
            0.1
            * torch.triu(normal(3, 3, seed=seed), 1).sub(torch.triu(normal(3, 3, seed=seed), 1).t())
        )
        assert (other - frame.reference).square().sum() > best * (1 - 1e-5)


def test_other_particles_than_the_reference_are_refused() -> None:
    for frame in (heading(), superposing()):
        for other in (equal_systems(RING), mixed()):
            with pytest.raises(RequestError, match="reference has 8 particles"):
                frame(other)


def test_the_reference_goes_through_a_state_dict() -> None:
    frame, batch = superposing(), equal_systems(BRANCHED, 2, seed=8)
    other = BodyFrame(None)
    other.load_state_dict(frame.state_dict())
    assert torch.equal(components(other, batch), components(frame, batch))


def test_equal_second_moments_are_told_apart_by_types() -> None:
    one = torch.tensor([2.0, -1.0, -1.0], dtype=torch.float64)
    x = torch.zeros(6, 3, dtype=torch.float64)
    x[:3, 0] = x[3:, 1] = one  # two arms of one shape, across each other
    cross = Batch(typed([[0, 0, 0, 1, 1, 1]]), x, torch.zeros_like(x))
    here = components(BodyFrame(None), cross)
    assert here[0, :3].abs().argmax() != here[3, :3].abs().argmax()
    for seed in range(8):
        there = components(BodyFrame(None), moved(cross, orthogonal(seed, 1), NOTHING))
        torch.testing.assert_close(there, here, rtol=1e-6, atol=1e-6)


def test_where_third_moments_vanish_velocities_choose_the_sides() -> None:
    x = torch.zeros(4, 3, dtype=torch.float64)
    x[:2, 0], x[2:, 1] = torch.tensor([2.0, -2.0]), torch.tensor([1.0, -1.0])
    even = Batch(typed([[0, 0, 0, 0]]), x, normal(4, 3, seed=1) + 1)
    here = components(BodyFrame(None), even)
    for seed in range(8):
        there = components(BodyFrame(None), moved(even, orthogonal(seed, 1), NOTHING))
        torch.testing.assert_close(there, here, rtol=1e-6, atol=1e-6)
