"""The weighted mean of what learned: half of it is the best one, the rest what helps that most."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jitters import OFFSETS, adapted, jitter, recorded
from numpy.typing import NDArray

from painet_cli.prediction.adapting.adapt import KERNEL, PAST, Adapted, adapt
from painet_cli.prediction.adapting.blocks import Blocks
from painet_cli.prediction.adapting.cuts import Cut, earlier_cuts
from painet_cli.prediction.adapting.guesses import Candidate
from painet_cli.prediction.adapting.mixture import (
    MIXTURE,
    mean_of,
    mixed,
    weights_of,
    with_mixture,
)
from painet_cli.prediction.sanity import sanity_of

SHAPE = (40, len(OFFSETS), 5, 3)


def off_by(**noise: NDArray[np.float64]) -> Cut:
    """A time at which candidates are off by some noise."""
    truth = np.random.default_rng(9).normal(size=SHAPE)
    guesses = {name: truth + one for name, one in noise.items()}
    nobody = Candidate(lambda frames, starts: truth)
    return Cut(np.arange(SHAPE[0]), truth, dict.fromkeys(noise, nobody), guesses)


def noise(seed: int, size: float = 1.0) -> NDArray[np.float64]:
    return size * np.random.default_rng(seed).normal(size=SHAPE)


def test_two_that_err_alike_much_but_apart_share_what_is_not_the_bests_own() -> None:
    weights = weights_of([off_by(one=noise(1), other=noise(2))], "one")
    assert weights == pytest.approx({"one": 0.75, "other": 0.25}, abs=0.02)


def test_what_does_not_help_the_best_has_no_weight() -> None:
    same = noise(1)
    assert weights_of([off_by(one=same, other=2 * same)], "one") == {"one": 1.0}


def test_every_time_counts_alike() -> None:
    here = off_by(one=noise(1, 0.1), other=noise(2))
    there = off_by(one=noise(3), other=noise(4, 0.1))
    assert weights_of([here], "one").get("other", 0.0) < 0.02
    both = weights_of([here, there], "one")
    assert both["other"] == pytest.approx(0.25, abs=0.03)


def test_errors_whose_squares_are_beyond_single_precision_have_weights() -> None:
    far = off_by(one=noise(1, 1e20), other=noise(2, 1e20))
    single = {name: guess.astype(np.float32) for name, guess in far.guesses.items()}
    cut = replace(far, truth=far.truth.astype(np.float32), guesses=single)
    assert weights_of([cut], "one") == pytest.approx({"one": 0.75, "other": 0.25}, abs=0.02)


def test_what_has_no_weight_is_not_fitted_again() -> None:
    found = adapted(jitter())
    past = found.candidates[PAST]

    def fails(blocks: Blocks) -> Candidate:
        raise AssertionError

    candidates = {PAST: past, "other": replace(past, again=fails)}
    one = mixed(candidates, {PAST: 1.0}, found.lesson.system.particles)
    assert one.again is not None
    one.again(found.lesson.blocks)


def beside_a_checkpoint(frames: NDArray[np.float64], **asked: bool) -> Adapted:
    """What is learned beside a checkpoint that is off by a noise of its own."""

    def guess(known: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.floating]:
        rest = known.mean(axis=0)
        off = np.random.default_rng(5).normal(size=(len(known), len(OFFSETS), *rest.shape))
        made: NDArray[np.floating] = (rest + 0.1 * off[starts]).astype(known.dtype)
        return made

    found = adapt(
        recorded(frames), len(frames) - 1, OFFSETS, Candidate(guess), "elsewhere", **asked
    )
    assert isinstance(found, Adapted), found
    return found


def test_the_mean_predicts_where_it_is_best_and_its_weights_are_told() -> None:
    found = beside_a_checkpoint(jitter())
    verdict = found.verdict
    assert verdict.chosen == MIXTURE
    assert verdict.means[MIXTURE] < min(
        mse for name, mse in verdict.means.items() if name != MIXTURE
    )
    assert verdict.plain()["weights"] == verdict.weights
    assert sum(verdict.weights.values()) == pytest.approx(1.0)
    assert set(verdict.weights) <= {"elsewhere", PAST, KERNEL}
    starts = found.lesson.blocks.held
    particles = found.lesson.system.particles
    again = mixed(found.candidates, verdict.weights, particles).guess(found.lesson.known, starts)
    assert again == pytest.approx(
        sum(
            weight * found.candidates[name].guess(found.lesson.known, starts)
            for name, weight in verdict.weights.items()
        ),
        abs=1e-5,
    )


def test_beside_a_checkpoint_that_was_asked_for_nothing_is_mixed() -> None:
    found = beside_a_checkpoint(jitter(), keep_checkpoint=True)
    assert found.verdict.chosen == "elsewhere"
    assert MIXTURE not in found.verdict.mse
    assert found.verdict.weights == {}


def test_what_was_trained_for_minutes_is_measured_at_the_latest_time_alone() -> None:
    found = adapted(jitter(600))
    lesson, past = found.lesson, found.candidates[PAST]
    held = lesson.blocks.held
    made = past.guess(lesson.known, held)
    latest = Cut(held, lesson.known[held[:, None] + OFFSETS], {PAST: past}, {PAST: made})
    assert len(list(earlier_cuts(lesson, latest))) == 2
    fixed = replace(past, again=None)
    assert not list(earlier_cuts(lesson, replace(latest, candidates={PAST: fixed})))
    trained = replace(past, run=Path("run"))
    assert not list(earlier_cuts(lesson, replace(latest, candidates={PAST: trained})))
    assert mixed({PAST: trained}, {PAST: 1.0}, lesson.system.particles).again is None


def test_a_mean_of_two_ways_that_a_bond_may_point_keeps_its_bonds() -> None:
    lesson = adapted(jitter()).lesson
    x = lesson.known

    def pointing(way: float) -> Candidate:
        def guess(frames: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.floating]:
            made = np.repeat(frames[starts][:, None], len(OFFSETS), axis=1)
            made[..., -1, :] = made[..., -2, :] + way * (made[..., -1, :] - made[..., -2, :])
            return made

        return Candidate(guess)

    starts, weights = lesson.blocks.held, {"there": 0.6, "back": 0.4}
    candidates = {"there": pointing(1.0), "back": pointing(-1.0)}
    guesses = {name: one.guess(x, starts) for name, one in candidates.items()}
    made = with_mixture(
        Cut(starts, x[starts[:, None] + OFFSETS], candidates, guesses), weights, lesson
    )
    particles = lesson.system.particles
    assert min(sanity_of(mean_of(guesses, weights), x[starts], particles, "").shortest) < 0.6
    assert sanity_of(made.guesses[MIXTURE], x[starts], particles, "").verdict == "plausible"
    assert np.array_equal(made.candidates[MIXTURE].guess(x, starts), made.guesses[MIXTURE])
