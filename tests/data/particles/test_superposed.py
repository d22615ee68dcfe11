"""Frames superposed many at a time are what they are one by one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.particles import superpose
from painet_cli.data.particles.superpose import (
    Reference,
    clearest,
    fit,
    spins,
    stretches,
    superposed,
)
from painet_cli.prediction.adapting.guesses import weighted_past
from painet_cli.prediction.adapting.superposition import superposed_mse
from painet_cli.prediction.yardsticks import mean_structure
from systems import wagging_chain

EXACT = {"rtol": 0, "atol": 1e-12}


def drawn(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(*shape, 3)) + 5


@pytest.fixture(autouse=True)
def few_frames_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three frames of seven particles, so that the last stretch is a shorter one."""
    monkeypatch.setattr(superpose, "_AT_ONCE", 23)


def test_every_frame_has_its_own_reference() -> None:
    x, references = drawn(4, 5, 7), drawn(4, 5, 7, seed=1)
    x[0, 0] = references[0, 0] * [1, 1, -1]  # a mirror image
    made, turns = superposed(x, references), fit(x, references)
    for k in np.ndindex(4, 5):
        np.testing.assert_allclose(made[k], superposed(x[k], references[k]), **EXACT)
        np.testing.assert_allclose(turns[k], fit(x[k], references[k]), **EXACT)
    np.testing.assert_allclose(np.linalg.det(turns), 1.0)


def test_one_frame_goes_onto_several_references() -> None:
    structure, starts = drawn(7), drawn(6, 7, seed=1)
    made = superposed(structure, starts)
    for one, start in zip(made, starts, strict=True):
        np.testing.assert_allclose(one, superposed(structure, start), **EXACT)


@pytest.mark.parametrize(("frames", "particles"), [(1, 7), (3, 7), (8, 7), (5, 1000)])
def test_stretches_are_all_frames_once(frames: int, particles: int) -> None:
    taken = [np.arange(frames)[some] for some in stretches(frames, particles)]
    assert np.concatenate(taken).tolist() == list(range(frames))
    assert max(map(len, taken)) == max(1, min(frames, 23 // particles))


def test_the_superposed_error_is_that_of_every_frame_by_itself() -> None:
    guess, truth = drawn(8, 4, 7), drawn(8, 4, 7, seed=1)
    expected = np.zeros(4)
    for steps, real in zip(guess, truth, strict=True):
        for t in range(4):
            expected[t] += np.square(superposed(steps[t], real[t]) - real[t]).mean() / 8
    np.testing.assert_allclose(superposed_mse(guess, truth), expected, **EXACT)


def test_the_mean_structure_is_that_of_every_frame_by_itself() -> None:
    frames = drawn(8, 7)
    expected = np.mean([superposed(frame, frames[-1]) for frame in frames], axis=0)
    np.testing.assert_allclose(mean_structure(frames), expected, **EXACT)


def test_a_weighted_past_guesses_many_starts_as_each_by_itself() -> None:
    frames, starts = drawn(60, 7), np.arange(8, 50)
    guess = weighted_past(frames, starts, np.array([1, 2]))
    together = guess(frames, starts)
    for at, one in zip(starts, together, strict=True):
        np.testing.assert_allclose(one, guess(frames, np.array([at]))[0], **EXACT)


def test_frames_go_onto_one_that_no_other_is_a_mirror_image_of() -> None:
    frames = wagging_chain()
    onto_first, onto_chosen = (superposed(frames, frames[k]) for k in (0, clearest(frames)))
    assert np.abs(np.diff(onto_first, axis=0)).max() > 0.9
    assert np.abs(np.diff(onto_chosen, axis=0)).max() < 0.03


def test_a_trajectory_in_blocks_has_the_reference_of_the_whole() -> None:
    frames, kept = wagging_chain(), [0, 1, 2, 3, 4]
    found = Reference.among(np.array_split(frames, 3), len(frames), kept)
    assert found.number == clearest(frames[:, kept])
    np.testing.assert_array_equal(found.positions, frames[found.number, kept])


def test_the_first_frame_serves_where_it_is_clear() -> None:
    body = drawn(7)
    assert clearest(body + 0.1 * drawn(50, 7, seed=1)) == 0


def test_a_spin_is_what_superposition_made_of_a_small_step() -> None:
    frames = wagging_chain()
    onto_first, onto_flat = (superposed(frames, frames[k]) for k in (0, 50))
    assert [k for k in range(100) if spins(onto_first[k + 1], onto_first[k])] == [70]
    assert not any(spins(onto_flat[k + 1], onto_flat[k]) for k in range(100))
    assert not spins(superposed(frames[90], frames[10]), frames[10]), "a long way of its own"
