"""Distributions of a forecast, beside what happened or what is known of the same recording."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.superpose import superposed
from painet_cli.errors import RequestError, option
from painet_cli.evaluation.distributions.compare import Guess, compare
from painet_cli.evaluation.distributions.frames import FrameSet
from painet_cli.evaluation.distributions.report import Distribution
from painet_cli.prediction.adapting.adapt import frames_to_read
from painet_cli.prediction.inputs.recording import Recording
from painet_cli.prediction.pipeline import RecordingForecast
from painet_cli.prediction.starting.timing import beginnings, first_frames, known_frames
from painet_cli.prediction.yardsticks import (
    MEAN,
    RECENT,
    STILL,
    STRAIGHT,
    mean_of_last,
    mean_structure,
    nothing_moves,
)

_MOST_WINDOWS = 200
_FEWEST = 20
"""Frames of a recording that can be held against anything, and windows cut from them."""


def compare_forecast(made: RecordingForecast, recording: Recording) -> Distribution:
    """Compare a forecast with what happened; else with the recording up to the first start.

    Parameters
    ----------
    recording
        What was predicted from; read again for the frames up to the starts.

    Raises
    ------
    RequestError
        What happened is not known, and the recording has too few frames.
    """
    forecast, start_frames = made.forecast, made.start_frames
    count = len(made.selected.indices)
    first = frames_to_read(start_frames[0], count)
    known = recording.read(made.selected, first, start_frames[-1] + 1)
    at = np.array(start_frames) - first
    began = first_frames(beginnings(known), at)
    before, ahead = known.frames[began[0] : at[0] + 1], _frames_ahead(made, recording)
    fewest = max(_FEWEST, int(ahead[0]) + 1)  # a start, and a first step after it
    if forecast.truth is not None:
        reference = FrameSet(forecast.start_positions, forecast.truth, forecast.times_s)
        said = "what happened"
    elif len(before) >= fewest:
        reference = _cut(before, ahead, forecast.times_s)
        said = "the frames up to the start"
    else:
        raise RequestError(
            f"{option('distribution')}: {recording.name} has {len(before):,} "
            f"frame{'s' * (len(before) != 1)} up to the start, and what came next is not known",
            f"give a trajectory with at least {fewest} frames before the start",
        )
    horizon = len(forecast.times_s)

    def guesses() -> Iterator[Guess]:
        start = forecast.start_positions
        yield "prediction", forecast.positions
        yield STILL, nothing_moves(start, horizon)
        yield STRAIGHT, forecast.straight[:, :horizon]
        if len(before) >= _FEWEST:
            yield RECENT, nothing_moves(mean_of_last(known.frames, at, began), horizon)
            yield MEAN, nothing_moves(superposed(mean_structure(before), start), horizon)

    return compare(
        forecast.start_positions,
        guesses(),
        reference,
        said,
        forecast.system.particles,
        length_unit=forecast.system.length_unit,
        up_axis=forecast.system.up_axis,
        times_s=forecast.times_s,
    )


def _frames_ahead(made: RecordingForecast, recording: Recording) -> NDArray[np.int64]:
    """(T,) frames of the recording from a start to each step, or to the one nearest to it."""
    times = made.forecast.times_s
    if made.loaded is not None:
        ahead = known_frames(made.loaded.header, len(times), recording.frame_time_s)
        if ahead is not None:
            return ahead
    apart = recording.frame_time_s or float(times[0])
    return np.maximum(1, np.rint(times / apart)).astype(np.int64)


def _cut(
    known: NDArray[np.floating],  # (F, N, 3)
    offsets: NDArray[np.int64],  # (T,)
    times_s: NDArray[np.float64],  # (T,)
) -> FrameSet:
    """Windows of known frames as long as the forecast; one of all of them where it is longer."""
    starts = np.arange(len(known) - offsets[-1])
    if len(starts) < _FEWEST:
        frames = known[:: offsets[0]]
        return FrameSet(frames[:1], frames[None, 1:], times_s[0] * np.arange(1, len(frames)))
    chosen = starts[np.linspace(0, len(starts) - 1, min(len(starts), _MOST_WINDOWS)).astype(int)]
    return FrameSet(known[chosen], known[chosen[:, None] + offsets], times_s)
