"""Figures of a verdict on frames held out, and how sure what was chosen is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from jitters import OFFSETS, adapted, jitter

from painet_cli.prediction.adapting.adapt import PAST
from painet_cli.prediction.adapting.cuts import Cut, earlier_cuts
from painet_cli.prediction.adapting.sure import how_sure
from painet_cli.prediction.adapting.verdict import Verdict


def _verdict(mine: list[float], **yardsticks: list[float]) -> Verdict:
    return Verdict("mine", 10, 5, {"mine": mine, **yardsticks}, {}, (*yardsticks,), np.ones(2))


def test_skill_is_against_the_best_yardstick_and_a_steps_against_the_best_there() -> None:
    found = _verdict([1.0, 1.0], still=[2.0, 5.0], straight=[4.0, 2.0])
    assert found.best_yardstick == "straight"
    assert found.skill == pytest.approx(1 - 1 / 3)
    assert found.step_skill == pytest.approx([0.5, 0.5])
    plain = found.plain()
    assert (plain["skill"], plain["step_skill"]) == (found.skill, found.step_skill)


def test_there_is_no_skill_where_a_yardstick_makes_no_error() -> None:
    found = _verdict([1.0, 1.0], still=[0.0, 0.0], straight=[0.0, 2.0])
    assert found.skill is None
    assert found.step_skill == [None, None]


def test_it_loses_to_the_best_yardstick_first() -> None:
    found = _verdict([3.0], worst=[4.0], second=[2.0], first=[1.0], same=[3.0])
    assert found.loses_to == ("first", "second")


def test_what_is_fitted_again_is_as_sure_as_it_was_at_other_times_too() -> None:
    frames = jitter(600)
    frames[:420] = frames.mean(axis=0) + 4.0 * (frames[:420] - frames.mean(axis=0))
    found = adapted(frames)
    lesson, past = found.lesson, found.candidates[PAST]
    held = lesson.blocks.held
    truth, made = lesson.known[held[:, None] + OFFSETS], past.guess(lesson.known, held)
    latest = Cut(held, truth, {PAST: past}, {PAST: made})
    calm, wild = (
        how_sure(lesson, cuts, PAST).pooled
        for cuts in ([latest], [latest, *earlier_cuts(lesson, latest)])
    )
    assert (wild > 1.5 * calm).all()
    fixed = replace(latest, candidates={PAST: replace(past, again=None)})
    unlearned = how_sure(lesson, [fixed, *earlier_cuts(lesson, fixed)], PAST).pooled
    assert (unlearned == calm).all(), "of what learned nothing the latest windows are taken"


def test_windows_side_by_side_tell_less_of_single_particles_than_as_many_apart() -> None:
    found = adapted(jitter())
    lesson, still = found.lesson, replace(found.candidates[PAST], again=None)
    restless = np.linspace(0.1, 1.0, 5)[:, None]
    noise = restless * np.random.default_rng(0).normal(size=(30, len(OFFSETS), 5, 3))
    unlike = []
    for held in (np.arange(200, 230), np.linspace(10, 290, 30).astype(np.int64)):
        truth = lesson.known[held[:, None] + OFFSETS]
        cut = Cut(held, truth, {PAST: still}, {PAST: truth + noise})
        own = how_sure(lesson, [cut], PAST).of(None, 1)[0]
        unlike.append(own[:, -1] / own[:, 0])
    beside, apart = unlike
    assert (beside < 0.9 * apart).all()
