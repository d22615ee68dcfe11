"""Which checkpoint predicts beside what is learned, and what it is chosen by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch

from painet_cli.data.dataset.dataset import write_dataset
from painet_cli.errors import PainetError, RequestError
from painet_cli.prediction import passes, pipeline
from painet_cli.prediction.adapting import adapt
from painet_cli.prediction.adapting.wish import Wish
from painet_cli.prediction.checkpoints import find_checkpoint
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.selections import SelectedSystem
from painet_cli.prediction.pipeline import RecordingForecast
from recordings import forecast_recording
from systems import frames_of, manifest


def predicted(data_dir: Path, origin: Literal["given", "shipped"]) -> RecordingForecast:
    checkpoint = replace(find_checkpoint("sample"), origin=origin)
    with open_input(data_dir / "sample") as recording:
        return forecast_recording(recording, 5, [checkpoint], start="300", wish=Wish())


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
    assert any("sample was left out" in one for one in made.forecast.warnings)
    with pytest.raises(PainetError, match="runs away at once"):
        predicted(data_dir, "given")
