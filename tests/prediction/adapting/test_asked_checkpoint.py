"""Which checkpoint predicts beside what is learned, and what it is chosen by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from jitters import OFFSETS, jitter, recorded
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import write_dataset
from painet_cli.errors import PainetError, RequestError
from painet_cli.prediction import passes, pipeline
from painet_cli.prediction.adapting import adapt
from painet_cli.prediction.adapting.guesses import Candidate
from painet_cli.prediction.adapting.mixture import MIXTURE
from painet_cli.prediction.adapting.wish import Wish
from painet_cli.prediction.checkpoints import find_checkpoint
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.inputs.selections import SelectedSystem
from painet_cli.prediction.loading import LoadedModel
from painet_cli.prediction.pipeline import RecordingForecast
from painet_cli.report.summary import provenance_of
from recordings import forecast_recording
from systems import frames_of, manifest


def predicted(data_dir: Path, origin: Literal["given", "shipped"]) -> RecordingForecast:
    checkpoint = replace(find_checkpoint("sample"), origin=origin)
    with open_input(data_dir / "sample") as recording:
        return forecast_recording(recording, 5, [checkpoint], start="300", wish=Wish())


def test_of_few_frames_starts_are_flagged_by_what_the_checkpoint_was_trained_on(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was learned of them, so that nothing of them is to be near to."""

    def of_few() -> RecordingForecast:
        known = [replace(find_checkpoint("sample"), origin="shipped")]
        with open_input(data_dir / "sample") as recording:
            return forecast_recording(recording, 5, known, start="60", wish=Wish(), flag_above=1e-9)

    monkeypatch.setattr(pipeline, "novelty_of", lambda *of: np.ones(1))
    made = of_few()
    assert (made.name, made.flagged) == ("sample", [60])
    monkeypatch.setattr(pipeline, "make_forecast", _stray(pipeline.make_forecast))
    made = of_few()
    assert made.verdict is not None and made.name in made.verdict.yardsticks
    assert made.flagged == []
    assert made.forecast.warnings[-1].startswith("no start can be flagged")


def _stray(as_it_is: Callable[..., Forecast]) -> Callable[..., Forecast]:
    def stray(*given: object, **others: object) -> Forecast:
        made = as_it_is(*given, **others)
        return replace(made, positions=made.positions + 1.0)

    return stray


def test_one_that_is_asked_for_predicts_though_it_takes_too_long_to_measure(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapt, "_CHECKPOINT_PARTICLES", 1)
    made = predicted(data_dir, "given")
    assert made.by_checkpoint
    assert made.verdict is None
    assert any("sample was not measured" in one for one in made.forecast.warnings)


def test_none_is_chosen_by_how_fast_a_motion_is_after_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds: list[float] = []

    def choose(candidates: Sequence[SelectedSystem], *_: object, **others: object) -> None:
        speeds.append(candidates[0].speed)
        raise RequestError("that is all")

    monkeypatch.setattr(pipeline, "choose", choose)
    described = manifest((20,), train=(0,), val=(5,), test=(7,), up_axis="y")
    for later in (1.0, 50.0):
        frames = frames_of(described)
        frames[11:] *= later
        write_dataset(tmp_path / f"{later}", frames, described)
        with (
            open_input(tmp_path / f"{later}") as recording,
            pytest.raises(RequestError, match="that is all"),
        ):
            forecast_recording(recording, 2, [], start="10")
    assert speeds[0] == speeds[1] > 0


def test_one_that_runs_away_is_left_out(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: object, batch: object, steps: int, *others: object) -> torch.Tensor:
        return torch.full((steps, 9, 3), 1e4)

    monkeypatch.setattr(passes, "rollout", away)
    monkeypatch.setattr(passes, "BATCH_PARTICLES", 9)
    made = predicted(data_dir, "shipped")
    assert made.verdict is not None
    assert made.name != "sample"
    assert any("sample was not measured" in one for one in made.forecast.warnings)
    with pytest.raises(PainetError, match="runs away at once"):
        predicted(data_dir, "given")


def test_a_weighted_mean_says_what_its_checkpoint_warns_of_and_names_it(data_dir: Path) -> None:
    made = predicted(data_dir, "shipped")
    assert made.name == MIXTURE
    assert any("sample was trained on this dataset" in one for one in made.forecast.warnings)
    facts = provenance_of(made, [], [])
    assert made.verdict is not None
    assert facts["weights"] == made.verdict.weights
    assert made.loaded is not None
    assert facts["tensors_sha256"] == made.loaded.header.tensors_sha256


def test_where_its_checkpoint_fails_at_the_start_a_weighted_mean_is_left_out(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_it_is = pipeline.make_forecast

    def fails_at_the_start(
        loaded: LoadedModel, system: Input, starts: NDArray[np.int64], steps: int, **others: object
    ) -> Forecast:
        if 300 in starts:
            raise PainetError("the prediction runs away at once", "choose another")
        return as_it_is(loaded, system, starts, steps)

    monkeypatch.setattr(pipeline, "make_forecast", fails_at_the_start)
    made = predicted(data_dir, "shipped")
    assert made.verdict is not None
    assert MIXTURE not in made.verdict.mse
    assert made.verdict.weights == {}
    assert made.name == min(made.verdict.means, key=made.verdict.means.__getitem__)
    said = "weighted mean was left out: the prediction runs away at once"
    assert said in made.forecast.warnings


def test_one_whose_name_is_that_of_something_fitted_is_measured_in_its_place() -> None:
    def nowhere(known: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.floating]:
        return np.zeros((len(starts), len(OFFSETS), *known.shape[1:]), dtype=known.dtype)

    own = Candidate(nowhere)
    found = adapt.adapt(recorded(jitter()), 299, OFFSETS, own, adapt.KERNEL, keep_checkpoint=True)
    assert isinstance(found, adapt.Adapted)
    assert found.chosen is own
