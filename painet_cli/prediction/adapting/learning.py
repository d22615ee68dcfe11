"""A forecast by what was learned from the recording itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import PainetError, RequestError
from painet_cli.models.confidence.radii import Radii
from painet_cli.prediction.adapting.adapt import Adapted, adapt, frames_to_read
from painet_cli.prediction.adapting.blocks import last_jump
from painet_cli.prediction.adapting.guesses import Candidate
from painet_cli.prediction.adapting.lesson import Lesson
from painet_cli.prediction.adapting.mixture import MIXTURE
from painet_cli.prediction.adapting.own_run import OwnRuns, whole
from painet_cli.prediction.adapting.verdict import Verdict
from painet_cli.prediction.adapting.wish import Wish
from painet_cli.prediction.checkpoints import Checkpoint
from painet_cli.prediction.choosing import Choice
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.inputs.recording import Input, Recording, Selected
from painet_cli.prediction.sanity import sanity_of
from painet_cli.prediction.starting.start_checks import check_size, check_starts
from painet_cli.prediction.starting.starts import parse_starts
from painet_cli.prediction.starting.timing import (
    beginnings,
    first_frames,
    have_followers,
    uneven_frames,
)
from painet_cli.prediction.starting.treatment import treated
from painet_cli.prediction.yardsticks import straight_on

ByCheckpoint = Callable[[Input, NDArray[np.int64]], Forecast]


@dataclass(frozen=True, eq=False)
class Learned:
    """What was learned.

    Attributes
    ----------
    verdict
        What was chosen.
    radii
        How sure it is.
    forecast
        Its prediction; None where the checkpoint is to predict.
    frames
        Starts in the recording.
    notes
        What is to be said of what was learned, a sentence each.
    lesson
        What there was to learn.
    """

    verdict: Verdict
    radii: Radii
    forecast: Forecast | None
    frames: list[int]
    notes: list[str]
    lesson: Lesson

    def with_radii(self, forecast: Forecast) -> Forecast:
        """A forecast of what was chosen, with the radii that were measured on the recording."""
        radii = self.radii.first(forecast.positions.shape[1])
        if radii.by_spread and forecast.spread is None:
            return forecast
        radius = radii.of(forecast.spread, len(forecast.starts))
        return replace(forecast, radius=radius, radius_90=radii.typical(radius))

    def verdict_of(self, forecast: Forecast) -> Verdict:
        """The verdict, with the radii of a forecast's own starts."""
        if forecast.radius_90 is None:
            return self.verdict
        return replace(self.verdict, radius_90=forecast.radius_90)


def learn(
    recording: Recording,
    choice: Choice | Selected,
    ahead: NDArray[np.int64] | None,
    steps: int,
    start: str,
    by_checkpoint: ByCheckpoint | None,
    wish: Wish,
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
    wish
        What is to be learned, for how long, and kept where.

    Returns
    -------
    tuple
        What was learned, or None and a sentence that says why not.
    """
    checkpoint = choice.checkpoint if isinstance(choice, Choice) else None
    selected = choice.selected if isinstance(choice, Choice) else choice
    asked = checkpoint is not None and checkpoint.origin == "given"
    name = "" if checkpoint is None else checkpoint.name
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
    if checkpoint is not None and ahead is not None:  # it sees frames as in training
        system, said = treated(checkpoint.header, system, at)
    if parted := _parted(system, at):
        return None, f"nothing was learned: {parted}"
    usable = by_checkpoint if ahead is not None else None
    heard: list[str] = []
    with ExitStack() as stack:
        own = OwnRuns(wish, checkpoint, notice, stack)
        found = adapt(
            system,
            int(at[0]),
            offsets,
            None if usable is None else _by_checkpoint(usable, system, steps, heard),
            name,
            keep_checkpoint=asked,
            frame_time_s=_frame_time(recording, checkpoint),
            train=own.train if wish.budget_s else None,
            notice=notice,
        )
        if isinstance(found, str):
            return None, found
        notes = [*found.verdict.notes, *own.keep(found)]
        if asked and found.verdict.chosen != name:  # it was not measured, and predicts all the same
            return None, "; ".join(notes)
        if ahead is None and name:
            notes.append(f"{name} was not measured: its steps fall between frames")
        alone = name if usable is not None else None
        try:
            forecast = _predicted(found, at, alone)
        except PainetError as error:
            if found.without_mean is None:
                raise
            found = found.without_mean()
            notes.append(f"{MIXTURE} was left out: {error.what}")
            forecast = _predicted(found, at, alone)
        frames, verdict = starts.frames.tolist(), found.verdict
        learned = Learned(verdict, found.radii, None, frames, notes, found.lesson)
        if forecast is None:
            return learned, ""
        notes = [*system.notes, *said, *notes]
        if isinstance(choice, Choice) and name in verdict.members:
            seen = choice.seen_in_training(recording.fingerprint)
            notes = [*system.notes, *choice.warnings, *said, *heard, *learned.notes, *seen]
        if forecast.sanity is not None and forecast.sanity.sentence:
            notes.append(forecast.sanity.sentence)
        forecast = replace(forecast, warnings=tuple(dict.fromkeys(notes)))
        return replace(learned, forecast=learned.with_radii(forecast)), ""


def _parted(system: Input, at: NDArray[np.int64]) -> str:
    """What parts several starts or cuts a later one, which then have no past in common.

    Empty where nothing does.
    """
    if any(at[0] < one <= at[-1] for one in system.breaks):
        return "the starts are in several recordings"
    for one in uneven_frames(system).tolist():
        if at[0] < one <= at[-1]:
            where = system.first_frame + one
            return f"the time between frames is another before frame {where:,}, among the starts"
    if len(at) == 1:
        return ""
    try:
        check_starts(system, at[1:])
    except RequestError as refused:
        return refused.what
    begin = int(first_frames(system.breaks, at)[0])
    jump = begin + last_jump(system.frames[begin : at[-1] + 1])
    if jump > at[0]:
        return f"the recording jumps at frame {system.first_frame + jump:,}, among the starts"
    return ""


def _by_checkpoint(predict: ByCheckpoint, system: Input, steps: int, heard: list[str]) -> Candidate:
    """The checkpoint; all that its latest forecast warns of, but of its bonds, is heard."""

    def guess(_: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.floating]:
        forecast = predict(system, starts)
        own = forecast.sanity.sentence if forecast.sanity else ""
        heard[:] = [one for one in forecast.warnings if one != own]
        return whole(forecast, steps)

    def spread(_: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.floating]:
        known = predict(system, starts).spread
        if known is None:
            raise TypeError("a model that knows no standard deviations")
        return known

    knows = False
    with suppress(PainetError):  # it is left out where it is measured
        knows = predict(system, np.array([len(system.frames) - 1])).spread is not None
    return Candidate(guess, spread=spread if knows else None)


def _predicted(found: Adapted, at: NDArray[np.int64], checkpoint: str | None) -> Forecast | None:
    """What was chosen predicts; None where that is the checkpoint."""
    if found.verdict.chosen == checkpoint:
        return None
    system, offsets, chosen = found.lesson.system, found.lesson.offsets, found.chosen
    positions = chosen.guess(system.frames, at)
    later = at[:, None] + offsets
    known = have_followers(beginnings(system), at, int(offsets[-1]), len(system.frames))
    x = system.frames[at]
    velocities = x - system.frames[np.maximum(at - 1, 0)]
    return Forecast(
        system=system,
        starts=at,
        positions=positions,
        times_s=offsets.astype(np.float64) * found.lesson.frame_time_s,
        velocities=velocities,
        straight=straight_on(x, velocities, offsets),
        truth=system.frames[later] if known else None,
        sanity=sanity_of(positions, x, system.particles, ""),
        spread=None if chosen.spread is None else chosen.spread(system.frames, at),
    )


def _frame_time(recording: Recording, checkpoint: Checkpoint | None) -> float:
    if recording.frame_time_s is not None:
        return recording.frame_time_s
    return 1.0 if checkpoint is None else checkpoint.header.units.frame_time_s
