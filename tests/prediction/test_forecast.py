"""Forecasts: starts, velocities, times, truth and yardsticks."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from painet_cli.data.batches.batch import Batch
from painet_cli.data.particles.superpose import superposed
from painet_cli.errors import PainetError, RequestError
from painet_cli.prediction import passes
from painet_cli.prediction.asked import make_forecast
from painet_cli.prediction.checkpoints import known_checkpoints
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.loading import LoadedModel, load
from painet_cli.prediction.starting.start_checks import refuse_wrong_order
from painet_cli.prediction.starting.starts import parse_starts
from painet_cli.prediction.starting.timing import frame_warnings, start_past, start_velocities
from painet_cli.prediction.starting.treatment import treated
from painet_cli.training.checkpoint import Header
from recordings import forecast_recording, read_input
from systems import wagging_chain

OFFSETS = [10, 20]  # of the small preset


@pytest.fixture(scope="module")
def model(finished_run: Path) -> LoadedModel:
    return load(finished_run, "cpu")


@pytest.fixture(scope="module")
def system(data_dir: Path) -> Input:
    return read_input(data_dir / "sample", first=0, stop=120)


def starts(*frames: int) -> np.ndarray:
    return np.array(frames, dtype=np.int64)


def test_shapes_times_and_truth(model: LoadedModel, system: Input) -> None:
    made = make_forecast(model, system, starts(3, 50), 2)
    assert made.positions.shape == made.straight.shape == (2, 2, 9, 3)
    np.testing.assert_allclose(made.times_s, [5e-15, 10e-15])
    assert made.truth is not None
    np.testing.assert_array_equal(made.truth[1], system.frames[[60, 70]])
    velocity = system.frames[50] - system.frames[49]
    np.testing.assert_array_equal(made.velocities[1], velocity)
    np.testing.assert_allclose(made.straight[1, 1], system.frames[50] + 20 * velocity, rtol=1e-6)
    errors = made.step_mse()
    assert errors is not None
    assert list(errors) == ["prediction", "nothing moves", "straight on"]
    assert errors["nothing moves"][0] == pytest.approx(
        np.square(system.frames[[3, 50]] - system.frames[[13, 60]]).mean(), rel=1e-4
    )


def test_no_later_frame_is_looked_at(model: LoadedModel, system: Input) -> None:
    known = replace(system, frames=system.frames[:31])
    whole, cut = (make_forecast(model, one, starts(30), 2) for one in (system, known))
    np.testing.assert_array_equal(whole.positions, cut.positions)
    assert cut.truth is None


def test_a_start_near_the_origin_of_what_goes_far_from_it_is_predicted_alike(
    model: LoadedModel, system: Input
) -> None:
    frames = system.frames.astype(np.float64)  # as recordings are read that lose digits otherwise
    frames[100:] += 2000
    near, far = (
        make_forecast(model, one, starts(30), 2) for one in (system, replace(system, frames=frames))
    )
    np.testing.assert_array_equal(near.positions, far.positions)


def test_steps_past_the_trained_horizon_roll_out(model: LoadedModel, system: Input) -> None:
    short, long = (make_forecast(model, system, starts(30), steps) for steps in (2, 5))
    np.testing.assert_allclose(long.positions[:, :2], short.positions)
    np.testing.assert_allclose(long.times_s, np.arange(1, 6) * 5e-15)


def test_many_starts_are_one_batch_and_the_same(
    model: LoadedModel, system: Input, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []
    forward = type(model.model).forward
    monkeypatch.setattr(
        type(model.model),
        "forward",
        lambda self, batch: (passes.append(1), forward(self, batch))[1],
    )
    many = make_forecast(model, system, np.arange(1, 90), 2)
    assert len(passes) == 1
    alone = [make_forecast(model, system, starts(k), 2).positions[0] for k in (1, 40, 89)]
    np.testing.assert_allclose(many.positions[[0, 39, 88]], alone, atol=1e-5)


def test_a_single_frame_stands_still(model: LoadedModel, system: Input) -> None:
    one = replace(system, frames=system.frames[:1], frame_time_s=None)
    made = make_forecast(model, one, starts(0), 2)
    assert not made.velocities.any()
    assert "velocity zero" in made.warnings[0]


def test_a_new_recording_begins_without_velocity(model: LoadedModel, system: Input) -> None:
    made = make_forecast(model, replace(system, breaks=(40,)), starts(30, 40), 2)
    assert made.velocities[0].any()
    assert not made.velocities[1].any()
    assert made.truth is None  # the first's would cross the break


def test_another_time_between_frames(model: LoadedModel, system: Input) -> None:
    fine = replace(system, frame_time_s=0.25e-15)
    made = make_forecast(model, fine, starts(30), 2)
    np.testing.assert_array_equal(made.velocities[0], 2 * (system.frames[30] - system.frames[29]))
    assert made.truth is not None
    np.testing.assert_array_equal(made.truth[0], system.frames[[50, 70]])
    assert "velocities are scaled" in made.warnings[0]
    between = make_forecast(model, replace(system, frame_time_s=0.7e-15), starts(30), 2)
    assert between.truth is None


def test_an_unknown_time_is_the_checkpoints(model: LoadedModel, system: Input) -> None:
    made = make_forecast(model, replace(system, frame_time_s=None), starts(30), 2)
    assert "taken as the checkpoint's, 0.5 fs" in made.warnings[0]
    assert made.truth is not None


def test_what_cannot_be_predicted(
    model: LoadedModel, system: Input, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RequestError, match="nothing to predict"):
        make_forecast(model, system, starts(3), 0)
    with pytest.raises(RequestError, match="GiB, more than 4"):
        make_forecast(model, system, starts(3), 10**9)
    with pytest.raises(RequestError, match="does not fit"):
        make_forecast(model, replace(system, length_unit="nm"), starts(3), 2)


def test_a_prediction_that_runs_away_ends_before(
    model: LoadedModel, system: Input, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = torch.from_numpy(system.frames[3].copy())

    def ends_at(fourth: torch.Tensor) -> Forecast:
        def rollout(
            _: object, batch: object, steps: int, trained: object, hold: object
        ) -> torch.Tensor:
            ahead = begin.repeat(steps, 1, 1)
            ahead[3:] = fourth
            return ahead

        monkeypatch.setattr(passes, "rollout", rollout)
        made = make_forecast(model, system, starts(3), 8)
        assert made.positions.shape[1] == len(made.times_s) == made.straight.shape[1] == 3
        assert "step 4 of 8" in made.warnings[-1]
        assert made.sanity is not None
        assert made.sanity.verdict == "runs away"
        return made

    assert "NaN" in ends_at(begin * torch.nan).warnings[-1]
    assert "times as long" in ends_at(begin * 5).warnings[-1]
    assert "away from its start" in ends_at(begin + 1e4).warnings[-1]


def test_a_prediction_that_shrinks_is_marked_as_distorted(
    model: LoadedModel, system: Input, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = torch.from_numpy(0.4 * system.frames[3])
    monkeypatch.setattr(passes, "rollout", lambda *_: small.repeat(2, 1, 1))
    made = make_forecast(model, system, starts(3), 2)
    assert made.sanity is not None
    assert made.sanity.verdict == "distorted"
    assert "0.40 to 0.40 times" in made.warnings[-1]


def test_a_prediction_that_runs_away_at_once_is_refused(
    model: LoadedModel, system: Input, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = torch.from_numpy(5 * system.frames[3])
    monkeypatch.setattr(passes, "rollout", lambda *_: large.repeat(2, 1, 1))
    with pytest.raises(PainetError, match="runs away at once"):
        make_forecast(model, system, starts(3), 2)


def test_a_long_prediction_says_what_it_costs(model: LoadedModel, system: Input) -> None:
    said: list[str] = []
    make_forecast(model, system, starts(3), 60, notice=said.append)
    assert "30 passes of the model" in said[0]


@pytest.mark.parametrize(
    ("text", "frames", "first", "stop"),
    [
        ("last", [99], 98, 100),
        ("7", [7], 6, 28),
        ("-1", [99], 98, 100),
        ("0", [0], 0, 21),
        ("0:60:30", [0, 30], 0, 51),
        ("all", [*range(1, 80)], 0, 100),
    ],
)
def test_starts(text: str, frames: list[int], first: int, stop: int) -> None:
    read = parse_starts(text, 100, (), 20)
    assert (read.frames.tolist(), read.first, read.stop) == (frames, first, stop)


def test_all_starts_keep_within_their_recording() -> None:
    assert parse_starts("all", 100, (50,), 20).frames.tolist() == [*range(1, 30), *range(51, 80)]
    assert parse_starts("all", 5, (), 20).frames.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "text", ["", "first", "100", "-101", "5:3", "0:9:0", "1:2:3:4", "1.5", "-:5", "1:-"]
)
def test_starts_that_are_none(text: str) -> None:
    with pytest.raises(RequestError, match="start="):
        parse_starts(text, 100, (), 20)


def test_a_source_is_predicted_from_its_last_frames(finished_run: Path, data_dir: Path) -> None:
    said: list[str] = []
    with open_input(data_dir / "sample") as source:
        known = known_checkpoints(finished_run, Path("none"))
        done = forecast_recording(source, 2, known, notice=said.append)
    assert done.start_frames == [19999]
    assert len(done.forecast.system.frames) == 2
    assert "as asked: trained on this very system" in said[0]
    assert any("trained on this dataset" in warning for warning in done.forecast.warnings)


def test_what_was_done_before_training_is_done_to_the_input(
    model: LoadedModel, system: Input
) -> None:
    angle = 0.01
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    x = system.frames[30].astype(np.float64)
    turning = replace(system, frames=np.stack([x @ turn + 0.01, x]).astype(np.float32))
    header = model.header.model_copy(update={"treatment": ("superposed",)})
    plain, treated = (
        make_forecast(one, turning, starts(1), 2) for one in (model, replace(model, header=header))
    )
    assert np.abs(plain.velocities).max() > 0.01
    np.testing.assert_allclose(treated.velocities, 0, atol=1e-5)
    np.testing.assert_allclose(treated.start_positions[0], x, atol=1e-4)
    assert any("superposed" in warning for warning in treated.warnings)


def test_frames_are_superposed_on_what_training_was_superposed_on(
    model: LoadedModel, system: Input
) -> None:
    random = np.random.default_rng(0)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    reference = system.frames[0].astype(np.float64)
    header = model.header.model_copy(
        update={"treatment": ("superposed",), "reference": tuple(map(tuple, reference.tolist()))}
    )
    seen: list[np.ndarray] = []

    def watched(batch: Batch) -> torch.Tensor:
        seen.append(batch.positions.numpy().copy())
        return batch.positions + torch.tensor([[[1.0, 0, 0]], [[2.0, 0, 0]]])

    other = deepcopy(model.model)
    other.forward = watched  # type: ignore[method-assign]
    moved = (system.frames[28:31].astype(np.float64) @ turn + [5, -3, 2]).astype(np.float32)
    loaded = replace(model, header=header, model=other)
    done = make_forecast(loaded, replace(system, frames=moved), starts(2), 2)
    # the model sees the start where training had it
    np.testing.assert_allclose(seen[0], superposed(moved[2], reference), atol=1e-4)
    # and what it predicts is taken back: its x is the reference's
    np.testing.assert_allclose(done.start_positions[0], moved[2], atol=1e-4)
    shift = (done.positions[0, 0] - moved[2]).mean(axis=0)
    np.testing.assert_allclose(np.linalg.norm(shift), 1.0, atol=1e-4)
    np.testing.assert_allclose(done.positions[0, 0] - moved[2], np.tile(shift, (9, 1)), atol=1e-4)
    assert any("frame that training was superposed on" in said for said in done.warnings)


def test_a_start_that_superposition_spins_is_refused(model: LoadedModel, system: Input) -> None:
    frames = wagging_chain()
    header = model.header.model_copy(
        update={"treatment": ("superposed",), "reference": tuple(map(tuple, frames[0].tolist()))}
    )
    wagging = replace(system, name="chain", frames=frames, first_frame=1000)
    for start in (0, 70, 72):
        treated(header, wagging, starts(start))
    treated(header, replace(wagging, breaks=(71,)), starts(71))
    with pytest.raises(RequestError, match=r"chain: frame 1071 nearly is a mirror image"):
        treated(header, wagging, starts(30, 71))


def test_a_gap_in_time_matters_to_a_past_that_reaches_over_it_alone(
    model: LoadedModel, system: Input
) -> None:
    preset = model.header.preset.changed({"data.history": 3})
    header = model.header.model_copy(update={"preset": preset})
    times = np.arange(len(system.frames)) * 0.5e-15
    times[31:] += 0.5e-15
    late = replace(system, times_s=times)
    for start in (30, 34):
        past, _ = start_past(header, late, starts(start))
        even, _ = start_past(header, system, starts(start))
        np.testing.assert_array_equal(past, even)
    for start in (31, 33):
        with pytest.raises(RequestError, match="frame 31 does not follow"):
            start_past(header, late, starts(start))


def test_a_frame_that_is_there_twice_is_named(system: Input) -> None:
    times = np.arange(len(system.frames)) * 0.5e-15
    times[31:] -= 0.5e-15
    with pytest.raises(
        RequestError, match="frames 30 and 31 are at the same time, 15 fs"
    ) as caught:
        refuse_wrong_order(replace(system, times_s=times))
    assert "restarted" in caught.value.hint


def test_the_interval_before_a_start_counts(model: LoadedModel, system: Input) -> None:
    times = np.arange(len(system.frames)) * 0.5e-15
    times[31:] += 0.5e-15
    late = replace(system, times_s=times)
    moved = system.frames[31] - system.frames[30]
    for start, share in ((30, 1.0), (31, 0.5), (32, 1.0)):
        made = make_forecast(model, late, starts(start), 2)
        moved = system.frames[start] - system.frames[start - 1]
        np.testing.assert_allclose(made.velocities[0], share * moved, rtol=1e-5)
    crossing = make_forecast(model, late, starts(25), 2)
    assert crossing.truth is None
    assert "not evenly spaced" in " ".join(crossing.warnings)


def reading(model: LoadedModel, history: int, frame_time_s: float | None = None) -> Header:
    """Header of a checkpoint that reads so many frames before the start."""
    header = model.header
    preset = header.preset.changed({"data.history": history})
    units = header.units.model_copy(
        update={"frame_time_s": frame_time_s or header.units.frame_time_s}
    )
    return header.model_copy(update={"preset": preset, "units": units})


def test_the_past_is_displacements_to_the_frames_before(model: LoadedModel, system: Input) -> None:
    past, known = start_past(reading(model, 3), system, starts(7, 50))
    assert past is not None
    assert known == 3
    for row, start in enumerate((7, 50)):
        for k in (1, 2, 3):
            expected = system.frames[start - k] - system.frames[start]
            np.testing.assert_allclose(past[row, k - 1], expected, atol=1e-6)


def test_a_past_of_another_time_step_lies_between_frames(model: LoadedModel, system: Input) -> None:
    assert system.frame_time_s is not None
    header = reading(model, 1, 1.5 * system.frame_time_s)
    past, _ = start_past(header, system, starts(7))
    assert past is not None
    between = (system.frames[6] + system.frames[5]) / 2 - system.frames[7]
    np.testing.assert_allclose(past[0, 0], between, atol=1e-6)


def test_too_short_a_past_is_filled_with_the_first_frame_and_said(
    model: LoadedModel, system: Input
) -> None:
    header = reading(model, 4)
    past, known = start_past(header, system, starts(2))
    assert past is not None
    assert known == 2
    first = system.frames[0] - system.frames[2]
    for k in (1, 2, 3):
        np.testing.assert_allclose(past[0, k], first, atol=1e-6)
    moving = start_velocities(header, system, starts(2))
    said = " ".join(frame_warnings(header, system, moving, known))
    assert "reads 4 frames before a start, and 2 are there" in said
    assert start_past(model.header, system, starts(2)) == (None, 0)
