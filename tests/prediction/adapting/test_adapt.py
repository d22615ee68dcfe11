"""What is learned from a recording's own frames, and what is said where nothing can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jitters import OFFSETS, adapted, jitter, recorded
from numpy.typing import NDArray

from painet_cli.data.particles.superpose import superposed
from painet_cli.errors import RequestError
from painet_cli.models.confidence.radii import coverage, fit_radii
from painet_cli.prediction.adapting.adapt import KERNEL, PAST, Adapted, adapt
from painet_cli.prediction.adapting.blocks import (
    cut,
    frames_needed,
    last_jump,
    leaps,
    leaps_note,
    with_latest,
)
from painet_cli.prediction.adapting.guesses import Candidate, weighted_past
from painet_cli.prediction.adapting.learning import Learned, learn
from painet_cli.prediction.adapting.superposition import superposed_mse
from painet_cli.prediction.adapting.wish import NEVER, Wish, read_wish
from painet_cli.prediction.inputs.recording import Frames, Input, Recording, Selected
from painet_cli.prediction.yardsticks import (
    MEAN,
    NEAREST,
    NEAREST_SUPERPOSED,
    RECENT,
    STILL,
    STRAIGHT,
    mean_structure,
)
from painet_cli.report.tables.verdict import held_out_figures, verdict_sentences


def test_what_was_learned_beats_the_yardsticks_where_there_is_something_to_learn() -> None:
    found = adapted(jitter())
    assert found.verdict.chosen not in found.verdict.yardsticks
    assert found.verdict.skill is not None
    assert found.verdict.skill > 0.02
    assert found.verdict.means[PAST] < found.verdict.means["nothing moves"]


def test_the_nearest_past_window_predicts_what_comes_round_again_wherever_it_lies() -> None:
    time = np.arange(400)[:, None, None] * (2 * np.pi / 37.3)  # no frame comes again bit by bit
    places = 3.0 * np.random.default_rng(6).normal(size=(5, 3))
    round_again = places + np.sin(time + np.arange(5)[:, None] + np.arange(3))
    means = adapted(round_again).verdict.means
    assert max(means[NEAREST], means[NEAREST_SUPERPOSED]) < 0.05 * means[STILL]
    away = round_again + 0.5 * np.arange(400)[:, None, None]
    means = adapted(away).verdict.means
    assert means[NEAREST] > 10 * means[STILL]
    assert means[NEAREST_SUPERPOSED] < means[STILL]


def test_every_yardstick_is_measured_and_a_forecast_that_loses_to_one_is_marked() -> None:
    frames, offsets = jitter(), OFFSETS
    stray = Candidate(
        lambda known, starts: known[starts][:, None].repeat(len(offsets), axis=1) + 1.0
    )
    found = adapt(recorded(frames), 299, offsets, stray, "mine", keep_checkpoint=True)
    assert isinstance(found, Adapted)
    every = {STILL, STRAIGHT, RECENT, MEAN, NEAREST, NEAREST_SUPERPOSED}
    assert set(found.verdict.yardsticks) == every
    assert {KERNEL, PAST, "mine"} | every == set(found.verdict.mse)
    assert STILL in found.verdict.loses_to
    assert found.verdict.plain()["loses_to"] == list(found.verdict.loses_to)
    assert "It loses to " in " ".join(verdict_sentences(found.verdict, "angstrom"))
    names, _ = held_out_figures(found.verdict)
    marks = dict(zip(*names.values(), strict=True))
    assert marks["mine"] == "loses"
    assert marks[STILL] == "yardstick"
    assert marks[PAST] == ""


def test_of_what_learned_nothing_no_frame_is_said_to_be_learned_from() -> None:
    frames, stray = jitter(), Candidate(lambda known, starts: known[starts][:, None].repeat(3, 1))
    assert adapted(frames).verdict.learned_from == len(frames)
    found = adapt(recorded(frames), 299, OFFSETS, stray, "mine", keep_checkpoint=True)
    assert isinstance(found, Adapted)
    assert found.verdict.learned_from == 0


def test_a_network_has_learned_from_the_frames_before_those_it_was_chosen_by() -> None:
    knowing = Candidate(lambda known, starts: known[starts[:, None] + OFFSETS], run=Path("a-run"))
    found = adapt(
        recorded(jitter()), 299, OFFSETS, None, "", train=lambda lesson: {"network": knowing}
    )
    assert isinstance(found, Adapted)
    assert found.verdict.chosen == "network"
    assert found.verdict.learned_from == found.lesson.blocks.choose[0] < 240


def test_what_is_fitted_again_knows_the_frames_that_were_held_out() -> None:
    frames = jitter().astype(np.float32)
    blocks = cut(0, 299, 4)
    assert blocks is not None
    like = int(blocks.held[3])
    frames[298:] = frames[like - 1 : like + 1]
    found = adapted(frames)
    last = with_latest(0, found.lesson.blocks, 4)
    again = {name: found.candidates[name].again for name in (NEAREST, MEAN)}
    nearest, mean = (
        one(last).guess(frames, np.array([299])) for one in again.values() if one is not None
    )
    np.testing.assert_allclose(nearest[0], frames[like + OFFSETS], atol=1e-5)
    expected = superposed(mean_structure(frames), frames[299:])
    np.testing.assert_allclose(mean[:, 0], expected, atol=1e-5)


def test_a_yardstick_without_error_is_named_where_something_moves() -> None:
    frames = 3.0 * np.arange(15.0).reshape(1, 5, 3) + np.arange(300.0)[:, None, None]
    still = Candidate(lambda known, starts: known[starts][:, None].repeat(3, 1))
    found = adapt(recorded(frames), 299, OFFSETS, still, "mine", keep_checkpoint=True)
    assert isinstance(found, Adapted)
    assert found.verdict.skill is None
    said = verdict_sentences(found.verdict, "angstrom")[0]
    assert "the yardstick straight on makes no error" in said


def test_where_nothing_can_be_learned_a_yardstick_is_the_answer() -> None:
    steps = np.random.default_rng(1).normal(size=(400, 5, 3)) * 0.1
    walk = 3.0 * np.random.default_rng(2).normal(size=(5, 3)) + steps.cumsum(axis=0)
    verdict = adapted(walk).verdict
    assert verdict.means["nothing moves"] <= 1.1 * min(verdict.means.values())


def test_the_same_is_learned_wherever_the_system_lies() -> None:
    frames = jitter()
    away = np.array([2000.0, -5000.0, 300.0])
    here, there = adapted(frames), adapted(frames + away)
    assert there.verdict.chosen == here.verdict.chosen
    assert there.verdict.mse.keys() == here.verdict.mse.keys()
    for name, mean in here.verdict.means.items():
        assert there.verdict.means[name] == pytest.approx(mean, rel=0.02), name
    kernels = [one.candidates[KERNEL].guess for one in (here, there)]
    near, far = (frames.astype(np.float32), (frames + away).astype(np.float32))
    made = [guess(x, np.array([299])) for guess, x in zip(kernels, (near, far), strict=True)]
    np.testing.assert_allclose(made[1] - away, made[0], atol=5e-3)


def test_no_frame_after_the_start_is_looked_at() -> None:
    frames = jitter()
    other = frames.copy()
    other[251:] += 100.0
    first, second = (adapt(recorded(one), 250, OFFSETS, None, "") for one in (frames, other))
    assert isinstance(first, Adapted)
    assert isinstance(second, Adapted)
    assert first.verdict.mse == second.verdict.mse
    start = np.array([250])
    ahead = (
        found.chosen.guess(recorded(one).frames, start)
        for found, one in ((first, frames), (second, other))
    )
    np.testing.assert_array_equal(*ahead)


@pytest.mark.parametrize("count", [2, 5, 20])
def test_too_few_frames_are_said_with_what_would_suffice(count: int) -> None:
    found = adapt(recorded(jitter(count)), count - 1, OFFSETS, None, "")
    assert isinstance(found, str)
    assert f"{count} frames" in found
    assert f"{frames_needed(4)} are needed" in found
    enough = frames_needed(4)
    assert cut(0, enough - 1, 4) is not None
    assert cut(0, enough - 2, 4) is None


def standing(known: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.floating]:
    return known[starts][:, None].repeat(len(OFFSETS), axis=1)


def test_of_frames_too_few_to_learn_from_the_checkpoint_is_held_against_yardsticks() -> None:
    frames = recorded(jitter(30))
    lost = adapt(frames, 29, OFFSETS, Candidate(lambda *at: standing(*at) + 1.0), "stray")
    assert isinstance(lost, Adapted)
    assert lost.verdict.chosen in lost.verdict.yardsticks
    assert lost.verdict.windows == 11
    assert f"30 frames up to the start, and {frames_needed(4)} are" in lost.verdict.notes[0]
    assert lost.verdict.notes[1].startswith(f"{lost.verdict.chosen} was better than stray")
    assert "checkpoint='stray' has it predict" in lost.verdict.notes[1]
    knows = Candidate(lambda known, starts: known[starts[:, None] + OFFSETS])
    kept = adapt(frames, 29, OFFSETS, knows, "good")
    assert isinstance(kept, Adapted)
    assert kept.verdict.chosen == "good"
    assert kept.verdict.learned_from == 0
    assert len(kept.verdict.notes) == 1


def test_a_checkpoint_that_fails_on_those_few_frames_is_not_replaced_by_a_yardstick() -> None:
    def fails(*_: object) -> NDArray[np.floating]:
        raise RequestError("the prediction runs away")

    found = adapt(recorded(jitter(30)), 29, OFFSETS, Candidate(fails), "net")
    assert isinstance(found, str)
    assert found.endswith("net was not measured: the prediction runs away")


@pytest.mark.parametrize("count", [14, 15])
def test_fewer_frames_than_ten_windows_and_one_before_them_tell_nothing(count: int) -> None:
    found = adapt(recorded(jitter(count)), count - 1, OFFSETS, Candidate(standing), "net")
    assert isinstance(found, Adapted if count == 15 else str)


def test_of_two_parts_that_do_not_belong_together_the_last_is_learned_from() -> None:
    parts = np.concatenate([jitter(100, seed=3) + 50.0, jitter(200, seed=4)])
    assert last_jump(parts) == 100
    found = adapted(parts)
    assert any("jumps at frame 100" in note for note in found.verdict.notes)
    alone = adapted(parts[100:])
    assert found.verdict.mse == alone.verdict.mse


def test_molecules_that_leap_again_and_again_are_said_to_lack_their_box() -> None:
    """One of two chains that crosses a face of the box: 53 angstrom squared, and not a word."""
    frames = jitter(300)
    frames[np.sin(np.arange(300)) > 0.5, 3:] += 30.0  # as often here as there
    apart = recorded(frames).particles.model_copy(update={"bonds": ()})
    system = replace(recorded(frames), particles=apart, length_unit="angstrom")
    found = adapt(system, 299, OFFSETS, None, "")
    assert isinstance(found, Adapted)
    (said,) = found.verdict.notes
    assert said.startswith("96 of 300 frames lie far from the one before")
    still = replace(system, frames=jitter(300).astype(np.float32))
    calm = adapt(still, 299, OFFSETS, None, "")
    assert isinstance(calm, Adapted) and not calm.verdict.notes


def test_a_geometry_that_is_optimised_leaps_and_crosses_no_box() -> None:
    """Its first steps are hundreds of times the median one, and a tenth of an angstrom."""
    left = np.exp(-np.arange(200.0) / 6.0)[:, None, None]
    rng = np.random.default_rng(0)
    frames = jitter(1) + left * rng.normal(size=(5, 3)) + 1e-5 * rng.normal(size=(200, 5, 3))
    assert leaps(frames).size > 20
    assert leaps_note(frames) == ""


def test_after_a_late_jump_nothing_is_learned_and_the_jump_is_named() -> None:
    parts = np.concatenate([jitter(100) + 50.0, jitter(10, seed=4)])
    found = adapt(recorded(parts), len(parts) - 1, OFFSETS, None, "")
    assert isinstance(found, str)
    assert "after the jump at frame 100" in found


@pytest.mark.parametrize(("particles", "learns"), [(78, True), (101, False)])
def test_a_kernel_is_fitted_to_two_people_in_markers_too(particles: int, learns: bool) -> None:
    found = adapted(jitter(100, particles))
    assert (KERNEL in found.verdict.mse) is learns


def test_of_a_motion_that_began_late_in_its_file_it_is_said_where() -> None:
    parts = replace(recorded(jitter(110)), breaks=(100,))
    found = adapt(parts, 109, OFFSETS, None, "")
    assert isinstance(found, str)
    assert "10 frames up to the start from frame 100 on, where another motion begins" in found


def _timed(frames: NDArray[np.floating], late_from: Sequence[int]) -> Input:
    """Frames 1 fs apart, but for some that come later."""
    times = np.arange(len(frames), dtype=np.float64)
    for at in late_from:
        times[at:] += 5.0
    return replace(recorded(frames), times_s=1e-15 * times)


def test_of_frames_unevenly_spaced_in_time_those_after_the_last_gap_are_learned_from() -> None:
    frames = jitter()
    found = adapt(_timed(frames, [40, 100]), 299, OFFSETS, None, "")
    assert isinstance(found, Adapted)
    assert any("not evenly spaced up to frame 100" in note for note in found.verdict.notes)
    assert found.verdict.mse == adapted(frames[100:]).verdict.mse
    late = adapt(_timed(frames, range(0, 300, 7)), 299, OFFSETS, None, "")
    assert isinstance(late, str)
    assert "6 frames up to the start after frame 294, before which they are not evenly" in late


class _Held(Recording):
    """A recording that is in memory."""

    def __init__(self, system: Input) -> None:
        super().__init__(Path("made"), len(system.frames), system.frame_time_s)
        self.system, self.length_unit = system, system.length_unit
        self.breaks = system.breaks

    def select(self, language: str) -> Selected:
        count = len(self.system.particles.names)
        return Selected(language, self.system.particles, np.arange(count))

    def _frames(self, first: int, stop: int, indices: NDArray[np.int64]) -> Frames:
        times = self.system.times_s
        return Frames(
            self.system.frames[first:stop], times_s=None if times is None else times[first:stop]
        )


def _learned(system: Input, start: str) -> tuple[Learned | None, str]:
    recording = _Held(system)
    return learn(recording, recording.select("all"), None, 3, start, None, Wish(), lambda _: None)


def test_starts_that_a_gap_in_time_a_jump_or_a_break_parts_have_no_past_in_common() -> None:
    frames = jitter()
    assert _learned(recorded(frames), "200:260:20")[0] is not None
    none, said = _learned(replace(recorded(frames), breaks=(230,)), "200:260:20")
    assert none is None
    assert said == "nothing was learned: the starts are in several recordings"
    none, said = _learned(_timed(frames, [230]), "200:260:20")
    assert none is None
    assert "the time between frames is another before frame 230, among the starts" in said
    parts = np.concatenate([frames[:230] + 50.0, frames[230:]])
    none, said = _learned(recorded(parts), "200:260:20")
    assert none is None
    assert "jumps at frame 230, among the starts" in said


def _molecule(frames: NDArray[np.floating]) -> Input:
    return replace(recorded(frames), length_unit="angstrom")


def test_nothing_is_learned_from_molecules_in_pieces() -> None:
    frames = np.arange(5.0)[:, None] * [1.5, 0.0, 0.0] + 0.1 * (jitter() - jitter(1))
    assert _learned(_molecule(frames), "200:260:20")[0] is not None
    cut = frames.copy()
    cut[30:150:3, 2:] += 20.0
    none, said = _learned(_molecule(cut), "200")
    assert none is None
    assert "nothing was learned: made: frame 30: bond C-C (particles 1 and 2) is" in said
    late = frames.copy()
    late[239:270:2, 2:] += 20.0
    none, said = _learned(_molecule(late), "200:260:20")
    assert none is None
    assert "frame 239: bond C-C" in said


def test_what_comes_after_a_gap_in_time_is_not_what_was_predicted() -> None:
    for late_from, known in (([], True), ([202], False), ([250], True)):
        found, _ = _learned(_timed(jitter(), late_from), "200")
        assert found is not None
        assert found.forecast is not None
        assert (found.forecast.truth is not None) == known


def test_constant_coordinates_have_no_skill_and_stay_where_they_are() -> None:
    frames = np.repeat(jitter(1), 200, axis=0)
    found = adapted(frames)
    assert found.verdict.skill is None
    assert found.radii.pooled.max() == 0.0
    ahead = found.chosen.guess(recorded(frames).frames, np.array([199]))
    np.testing.assert_allclose(ahead[0], np.repeat(frames[:1], 3, axis=0), atol=1e-5)


def test_frames_that_are_held_out_are_not_learned_from_where_they_stand_earlier_too() -> None:
    once = jitter(100)
    found = adapted(np.concatenate([once, once, once, once]))
    assert any("appear again" in note for note in found.verdict.notes)


def test_frames_that_repeat_the_one_before_are_said() -> None:
    found = adapted(np.repeat(jitter(150), 2, axis=0))
    assert any("equal to the one before" in note for note in found.verdict.notes)


def test_radii_hold_nine_in_ten_particles_of_other_windows() -> None:
    rng = np.random.default_rng(0)
    scale = np.linspace(0.1, 1.0, 30)[:, None]
    first, second = (scale * rng.normal(size=(150, 2, 30, 3)) for _ in range(2))
    radii = fit_radii(np.linalg.norm(first, axis=-1), None, len(first))
    own = radii.of(None, len(second))
    share = coverage(second, np.zeros_like(second), own)
    assert ((share > 0.88) & (share < 0.92)).all()
    assert radii.pooled.shape == (2,)
    assert own[0, 0, -1] > 3 * own[0, 0, 0]


def test_a_weighted_past_turns_with_the_coordinates() -> None:
    frames, turn = jitter(), np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    turn[:, 0] *= np.sign(np.linalg.det(turn))
    starts, at = np.arange(10, 200), np.array([250])
    plain = weighted_past(frames, starts, OFFSETS)(frames, at)
    turned = weighted_past(frames @ turn + 7.0, starts, OFFSETS)(frames @ turn + 7.0, at)
    np.testing.assert_allclose(turned, plain @ turn + 7.0, atol=1e-8)


def test_a_weighted_past_has_other_weights_for_particles_that_move_otherwise() -> None:
    rng = np.random.default_rng(0)
    places, kicks = 3.0 * rng.normal(size=(8, 3)), 0.05 * rng.normal(size=(400, 8, 3))
    frames = places + kicks
    frames[:, 4:] = places[4:] + 2.0 * kicks[:, 4:].cumsum(axis=0)  # half of them wander
    guess = weighted_past(frames, np.arange(10, 300), OFFSETS)
    held = np.arange(310, 390)
    truth, here = frames[held[:, None] + OFFSETS], frames[held][:, None]
    off, still = (
        np.square(one - truth).mean(axis=(0, 1, 3)) for one in (guess(frames, held), here)
    )
    assert (off[:4] < 0.7 * still[:4]).all(), "those that shake come back"
    assert (off[4:] < 1.3 * still[4:]).all(), "those that wander do not"


def test_a_system_that_was_only_turned_and_moved_has_no_superposed_error() -> None:
    frames = jitter(6)[:, None]
    turned = frames[..., [1, 2, 0]] + 5.0
    assert superposed_mse(turned, frames).max() < 1e-12


def test_what_adapt_may_be_is_said(tmp_path: Path) -> None:
    def read(text: str, run: Path | None = None) -> Wish:
        return read_wish(text, run, tmp_path, force=False)

    assert read("auto") == Wish(data_dir=tmp_path)
    assert read("never") == NEVER
    assert [read(text).budget_s for text in ("90s", "5m", "1.5 min", "1h")] == [90, 300, 90, 3600]
    for text in ("5", "soon", "0s", "-1m", "5fs"):
        with pytest.raises(RequestError, match="expected auto, never or a time"):
            read(text)
    with pytest.raises(RequestError, match="nothing is learned"):
        read("never", tmp_path / "run")
