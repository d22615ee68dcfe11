"""From a recording to a forecast: choose particles, checkpoint and starts, read, predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import RequestError
from painet_cli.prediction.adapting.learning import Learned, learn
from painet_cli.prediction.adapting.verdict import Verdict
from painet_cli.prediction.adapting.wish import Wish
from painet_cli.prediction.asked import (
    Asked,
    ask_forecast,
    finish_forecast,
    make_forecast,
)
from painet_cli.prediction.checkpoints import Checkpoint
from painet_cli.prediction.choosing import Choice, choose
from painet_cli.prediction.flagging import check_flag, flagged, novelty_in, novelty_of
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.inputs.recording import Input, Recording, Selected
from painet_cli.prediction.inputs.scaled import take_unit
from painet_cli.prediction.inputs.selections import selected_systems
from painet_cli.prediction.loading import LoadedModel
from painet_cli.prediction.passes import predict_together
from painet_cli.prediction.starting.start_checks import check_order, check_size
from painet_cli.prediction.starting.starts import Starts, parse_starts, why_not_compared
from painet_cli.prediction.starting.timing import frames_behind, known_frames


@dataclass(frozen=True, eq=False)
class RecordingForecast:
    """A forecast, and how it came about.

    Attributes
    ----------
    choice
        Checkpoint and particles; None where no checkpoint fits, and the recording was learned from.
    loaded
        The checkpoint's model.
    selected
        The particles.
    forecast
        The prediction, with the warnings of the choice too.
    start_frames
        Numbers of its starts in the recording.
    verdict
        What was learned from the recording, and how good it was on frames held out.
    flagged
        Those of `start_frames` that lie outside of what was seen, where that was asked for.
    """

    choice: Choice | None
    loaded: LoadedModel | None
    selected: Selected
    forecast: Forecast
    start_frames: list[int]
    verdict: Verdict | None = None
    flagged: list[int] | None = None

    @property
    def name(self) -> str:
        """What predicted."""
        if self.verdict is not None:
            return self.verdict.chosen
        return self.choice.checkpoint.name if self.choice else ""

    @property
    def by_checkpoint(self) -> bool:
        """Whether it was the checkpoint, alone or in a weighted mean."""
        members = (self.name,) if self.verdict is None else self.verdict.members
        return self.choice is not None and self.choice.checkpoint.name in members


@dataclass(frozen=True, eq=False)
class Begun:
    """A recording's forecast by a checkpoint, before the passes of the model.

    Attributes
    ----------
    asked
        What the model is to predict from.
    choice, start_frames
        As the `RecordingForecast` will have them.
    learned
        What was learned from the recording, where that was wanted.
    flag_above
        As `begin_forecast` has it.
    before, after
        Warnings that stand before and after those of the forecast.
    not_compared
        Why several starts cannot be held against what came next.
    """

    asked: Asked
    choice: Choice
    start_frames: list[int]
    learned: Learned | None
    flag_above: float | None
    before: tuple[str, ...]
    after: tuple[str, ...]
    not_compared: str

    def predict(
        self, notice: Callable[[str], None], memory_budget: int | None
    ) -> RecordingForecast:
        """Let the model pass over this recording alone, and finish; raises as `finish` does."""
        asked = self.asked
        (positions,) = predict_together(
            asked.loaded, [asked.states], asked.steps, notice=notice, memory_budget=memory_budget
        )
        return self.finish(positions)

    def finish(self, positions: NDArray[np.floating]) -> RecordingForecast:
        """Judge predicted positions, (S, T, N, 3), and join them with how they came about.

        Raises
        ------
        PainetError
            The prediction runs away at once.
        """
        forecast = finish_forecast(self.asked, positions)
        if self.learned is not None:
            forecast = self.learned.with_radii(forecast)
        lacks = forecast.truth is None and len(self.start_frames) > 1
        warnings = (
            *self.before,
            *forecast.warnings,
            *self.after,
            *([self.not_compared] if lacks else []),
        )
        made = RecordingForecast(
            self.choice,
            self.asked.loaded,
            self.choice.selected,
            replace(forecast, warnings=warnings),
            self.start_frames,
        )
        return _complete(made, self.learned, self.flag_above)


def begin_forecast(
    recording: Recording,
    steps: int,
    checkpoints: Sequence[Checkpoint],
    load: Callable[[Checkpoint], LoadedModel],
    *,
    select: str | None,
    start: str,
    wish: Wish,
    flag_above: float | None,
    notice: Callable[[str], None],
    memory_budget: int | None,
    behind: int,
) -> RecordingForecast | Begun:
    """Choose, read and learn: all of a forecast but the passes of the checkpoint.

    Parameters
    ----------
    steps
        T, at least 1; past the trained horizon by rollout.
    checkpoints
        To choose from, the newest runs first; see `known_checkpoints`.
    load
        Gives a checkpoint's model.
    select
        Particles, in MDAnalysis' selection language, or `heavy`; None for the first of
        `SELECTIONS` for which there is a checkpoint.
    start
        `last`, a frame, `all` or `A:B:S`; see `parse_starts`.
    wish
        What to learn from the frames before the first start, where there are enough; what is best
        on those held out predicts (`adapt`).
    flag_above
        Say which starts are farther from what was seen than this share of the windows that were
        not trained on; None for none.
    notice
        Told which checkpoint was taken, before it predicts, and what a long prediction will cost.
    memory_budget
        Bytes that a pass is to fit in; None for what is free.
    behind
        Frames before the starts that are read though no model needs them.

    Returns
    -------
    RecordingForecast | Begun
        The whole, where what was learned from the recording predicts; else what is to be predicted.

    Raises
    ------
    RequestError
        Nothing is selected, no checkpoint fits, or there is no such start.
    PainetError
        What was learned from the recording runs away.
    """
    check_flag(flag_above)
    take_unit(recording, checkpoints)
    last = int(parse_starts(start, recording.frame_count, recording.breaks, steps).frames[-1])
    systems = selected_systems(recording, select, last)
    try:
        choice = choose(
            systems,
            checkpoints,
            recording.length_unit,
            recording.up_axis,
            recording.frame_time_s,
            recording.fingerprint,
            moving=recording.frame_count > len(recording.breaks) + 1,
        )
    except RequestError as refused:
        given = any(one.origin == "given" for one in checkpoints)
        if given or not wish.learn or recording.frame_time_s is None:
            raise
        selected = systems[0].selected
        check_order(recording, selected, last)
        learned, said = learn(recording, selected, None, steps, start, None, wish, notice)
        if learned is None or learned.forecast is None:
            raise RequestError(refused.what, said) from refused
        made = RecordingForecast(None, None, selected, learned.forecast, learned.frames)
        return _complete(made, learned, flag_above)
    header, count = choice.checkpoint.header, len(choice.selected.indices)
    check_size(1, steps, count)
    ahead = known_frames(header, steps, recording.frame_time_s)
    starts = _checked_starts(recording, choice, start, steps, ahead, behind)
    notice(
        f"{recording.name}: {count:,} particles ({choice.selected.language}); "
        f"checkpoint {choice.checkpoint.name}, {choice.reason}"
    )
    loaded = load(choice.checkpoint)

    def by_checkpoint(system: Input, at: NDArray[np.int64]) -> Forecast:
        return make_forecast(loaded, system, at, steps, notice=notice, memory_budget=memory_budget)

    learned, said = None, ""
    if wish.learn:
        learned, said = learn(recording, choice, ahead, steps, start, by_checkpoint, wish, notice)
    if learned is not None and learned.forecast is not None:
        chosen = choice.selected
        made = RecordingForecast(choice, loaded, chosen, learned.forecast, learned.frames)
        return _complete(made, learned, flag_above)
    system = recording.read(choice.selected, starts.first, starts.stop)
    return Begun(
        ask_forecast(loaded, system, starts.frames - starts.first, steps),
        choice,
        starts.frames.tolist(),
        learned,
        flag_above,
        before=(*system.notes, *choice.warnings),
        after=(
            *([said] if said else []),
            *(learned.notes if learned is not None else []),
            *choice.seen_in_training(recording.fingerprint),
        ),
        not_compared=why_not_compared(ahead),
    )


def _checked_starts(
    recording: Recording,
    choice: Choice,
    start: str,
    steps: int,
    ahead: NDArray[np.int64] | None,
    behind: int,
) -> Starts:
    """Starts for a checkpoint, with the frames that it needs; refused as `begin_forecast` says."""
    starts = parse_starts(
        start,
        recording.frame_count,
        recording.breaks,
        None if ahead is None else int(ahead[-1]),
        max(behind, frames_behind(choice.checkpoint.header, recording.frame_time_s)),
    )
    check_size(len(starts.frames), steps, len(choice.selected.indices))
    check_order(recording, choice.selected, int(starts.frames[-1]))
    return starts


def _complete(
    made: RecordingForecast, learned: Learned | None, flag_above: float | None
) -> RecordingForecast:
    """With the verdict, and the starts that are flagged."""
    if learned is not None:
        made = replace(made, verdict=learned.verdict_of(made.forecast))
    if flag_above is None:
        return made
    novelty = None
    if learned is not None and not learned.lesson.too_few:
        at = np.array(made.start_frames) - learned.lesson.system.first_frame
        novelty = novelty_in(learned.lesson, at)
    elif made.loaded is not None and made.by_checkpoint:
        novelty = novelty_of(made.loaded, made.forecast)
    forecast, outside = flagged(made.forecast, novelty, flag_above, made.start_frames)
    return replace(made, forecast=forecast, flagged=outside)
