"""What yardsticks of a forecast's distributions know of the frames before its starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from painet_cli.data.dataset.dataset import open_dataset, write_dataset
from painet_cli.data.dataset.manifest import Segment, Split
from painet_cli.errors import RequestError
from painet_cli.evaluation.distributions import forecast
from painet_cli.prediction.checkpoints import find_checkpoint
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.yardsticks import RECENT
from recordings import forecast_recording


def test_the_mean_of_the_last_frames_keeps_to_the_recording_of_each_start(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = open_dataset(data_dir / "sample")
    frames = np.concatenate([sample.frames[:75], sample.frames[1000:1075]])
    segments = tuple(Segment(name=f"{k}", start=75 * k, length=75) for k in range(2))
    split = Split(kind="blocks", delta_frames=8, train=(0,), val=(80,), test=(100,))
    changed = {"segments": segments, "split": split, "name": "two"}
    write_dataset(tmp_path / "two", frames, sample.manifest.model_copy(update=changed))
    monkeypatch.setattr(forecast, "compare", lambda start, guesses, *rest, **more: dict(guesses))
    with open_input(tmp_path / "two") as recording:
        made = forecast_recording(recording, 2, [find_checkpoint("sample")], start="70:91:10")
        guessed: Any = forecast.compare_forecast(made, recording)
    assert made.start_frames == [70, 80, 90]
    expected = [
        frames[first : start + 1].mean(axis=0) for first, start in ((61, 70), (75, 80), (81, 90))
    ]
    np.testing.assert_allclose(guessed[RECENT][:, 0], expected, atol=1e-5)


def test_a_recording_shorter_than_the_first_step_is_held_against_nothing(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_input(data_dir / "sample") as recording:
        made = forecast_recording(recording, 1, [find_checkpoint("sample")], start="24")
        made = replace(made, forecast=replace(made.forecast, truth=None))
        monkeypatch.setattr(forecast, "known_frames", lambda *_: np.array([30]))
        with pytest.raises(RequestError, match="25 frames up to the start") as refused:
            forecast.compare_forecast(made, recording)
    assert "at least 31 frames" in refused.value.hint
