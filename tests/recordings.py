"""Recordings that tests read and predict as a whole, where `predict` goes part by part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from painet_cli.prediction.adapting.wish import NEVER, Wish
from painet_cli.prediction.checkpoints import Checkpoint
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Input, Recording
from painet_cli.prediction.loading import load_model
from painet_cli.prediction.pipeline import RecordingForecast, begin_forecast

CPU = torch.device("cpu")


def forecast_recording(
    recording: Recording,
    steps: int,
    checkpoints: Sequence[Checkpoint],
    *,
    start: str = "last",
    wish: Wish = NEVER,
    flag_above: float | None = None,
    notice: Callable[[str], None] = lambda message: None,
) -> RecordingForecast:
    """Predict what a recording holds."""
    begun = begin_forecast(
        recording,
        steps,
        checkpoints,
        lambda checkpoint: load_model(checkpoint, CPU),
        select=None,
        start=start,
        wish=wish,
        flag_above=flag_above,
        notice=notice,
        memory_budget=None,
        behind=0,
    )
    return begun if isinstance(begun, RecordingForecast) else begun.predict(notice, None)


def read_input(
    path: Path,
    *,
    topology: Path | None = None,
    select: str = "all",
    frame_time_s: float | None = None,
    data_dir: Path | None = None,
    first: int = 0,
    stop: int | None = None,
) -> Input:
    """Read frames of what `open_input` opens."""
    with open_input(
        path, topology=topology, frame_time_s=frame_time_s, data_dir=data_dir
    ) as recording:
        return recording.read(recording.select(select), first, stop)
