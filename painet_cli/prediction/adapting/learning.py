"""A forecast by what was learned from the recording itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import PainetError, RequestError
from painet_cli.prediction.adapting.adapt import adapt, frames_to_read
from painet_cli.prediction.adapting.verdict import Verdict
from painet_cli.prediction.forecast import Forecast, check_size
from painet_cli.prediction.inputs.recording import Input, Recording, Selected
from painet_cli.prediction.matching import Choice
from painet_cli.prediction.sanity import sanity_of
from painet_cli.prediction.start_checks import treated
from painet_cli.prediction.starts import parse_starts
from painet_cli.prediction.yardsticks import straight_on

ByCheckpoint = Callable[[Input, NDArray[np.int64]], Forecast]


@dataclass(frozen=True, eq=False)
class Learned:
    """What was learned.

    Attributes
    ----------
    verdict
        What was chosen.
    forecast
        Its prediction; None where the checkpoint is to predict.
    frames
        Starts in the recording.
    """

    verdict: Verdict
    forecast: Forecast | None
    frames: list[int]


def learn(
    recording: Recording,
    choice: Choice | Selected,
    ahead: NDArray[np.int64] | None,
    steps: int,
    start: str,
    by_checkpoint: ByCheckpoint | None,
    notice: Callable[[str], None],
) -> tuple[Learned | None, str]:
    """Learn from the frames before the first start, and predict with the best.

    Parameters
    ----------
    choice
        Checkpoint and particles, or the particles alone.
    ahead
        (T,) frames from a start to each of the checkpoint's steps; None where they fall between
        frames: then, unless it was asked for, steps are the recording's own frames.
    by_checkpoint
        Predicts from some frames.

    Returns
    -------
    tuple
        What was learned, or None and a sentence that says why not.
    """
    asked = isinstance(choice, Choice) and choice.checkpoint.origin == "given"
    selected = choice.selected if isinstance(choice, Choice) else choice
    name = choice.checkpoint.name if isinstance(choice, Choice) else ""
    if ahead is None and asked:
        return None, f"nothing was learned: steps of {name} fall between frames"
    offsets = np.arange(1, steps + 1) if ahead is None else ahead
    if recording.frame_time_s is None and ahead is None:
        return None, "nothing was learned: the time between frames is not known"
    count = len(selected.indices)
    starts = parse_starts(start, recording.frame_count, recording.breaks, int(offsets[-1]))
    check_size(len(starts.frames), steps, count)
    first = frames_to_read(int(starts.frames[0]), count)
    try:
        system = recording.read(selected, first, starts.stop)
    except RequestError as refused:
        return None, f"nothing was learned: {refused.what}"
    at = starts.frames - first
    said: tuple[str, ...] = ()
    if isinstance(choice, Choice) and ahead is not None:  # a checkpoint sees frames as in training
        system, said = treated(choice.checkpoint.header, system, at)
    if any(at[0] < one <= at[-1] for one in system.breaks):
        return None, "nothing was learned: the starts are in several recordings"

    def checkpoint(_: NDArray[np.floating], which: NDArray[np.int64]) -> NDArray[np.floating]:
        made = by_checkpoint(system, which).positions  # type: ignore[misc]
        if made.shape[1] < steps:
            raise PainetError("it runs away")
        return made

    found = adapt(
        system,
        int(at[0]),
        offsets,
        checkpoint if by_checkpoint is not None and ahead is not None else None,
        name,
        keep_checkpoint=asked,
        notice=notice,
    )
    if isinstance(found, str):
        return None, found
    forecast = None
    if found.guess is not None:
        forecast = _forecast(system, at, offsets, recording, choice, found.guess(system.frames, at))
        notes = [*system.notes, *said, *found.verdict.notes]
        if ahead is None and name:
            notes.append(f"{name} was not measured: its steps fall between frames")
        if forecast.sanity is not None and forecast.sanity.sentence:
            notes.append(forecast.sanity.sentence)
        forecast = replace(forecast, warnings=tuple(notes))
    return Learned(found.verdict, forecast, starts.frames.tolist()), ""


def _forecast(
    system: Input,
    at: NDArray[np.int64],
    offsets: NDArray[np.int64],
    recording: Recording,
    choice: Choice | Selected,
    positions: NDArray[np.floating],
) -> Forecast:
    frame_time_s = recording.frame_time_s
    if frame_time_s is None and isinstance(choice, Choice):
        frame_time_s = choice.checkpoint.header.units.frame_time_s
    later = at[:, None] + offsets
    ends = np.array([*system.breaks, len(system.frames)])
    known = bool((later[:, -1] < ends[np.searchsorted(ends, at, side="right")]).all())
    x = system.frames[at]
    velocities = x - system.frames[np.maximum(at - 1, 0)]
    return Forecast(
        system=system,
        starts=at,
        positions=positions,
        times_s=offsets.astype(np.float64) * (frame_time_s or 1.0),
        velocities=velocities,
        straight=straight_on(x, velocities, offsets),
        truth=system.frames[later] if known else None,
        sanity=sanity_of(positions, x, system.particles, ""),
    )
