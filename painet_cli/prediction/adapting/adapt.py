"""Learning from the frames before a start, and choosing by what was held out of them.

Candidates are the checkpoint, what is fitted to the recording's own frames (a weighted past, for
small systems a kernel, and where time is given a network), and yardsticks that nothing is learned
for; and a weighted mean of those that learned. All are measured on the same windows in the last
frames before the start, which none was fitted to. The best one predicts; what takes seconds is
fitted again to the frames held out too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import option
from painet_cli.models.confidence.radii import Radii
from painet_cli.prediction.adapting.blocks import HELD, Blocks, thinned, with_latest
from painet_cli.prediction.adapting.cuts import Cut, earlier_cuts, measured
from painet_cli.prediction.adapting.cutter import Cutter
from painet_cli.prediction.adapting.guesses import Candidate, weighted_past, yardsticks
from painet_cli.prediction.adapting.kernel import kernel
from painet_cli.prediction.adapting.lesson import (
    MOST_PARTICLES,
    MOST_WINDOWS,
    Lesson,
    lesson_of,
)
from painet_cli.prediction.adapting.mixture import MIXTURE, weights_of, with_mixture
from painet_cli.prediction.adapting.nearest import nearest_windows
from painet_cli.prediction.adapting.sure import how_sure
from painet_cli.prediction.adapting.verdict import Verdict
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.yardsticks import MEAN

PAST, KERNEL = "weighted past", "kernel"
_MOST_BYTES = 2**28
"""Frames before a start that are read."""
_MOST_FRAMES = 5000
_MOST_HELD = 120
_KERNEL_PARTICLES = 100
"""Two people in markers, or one with all fingers."""
_CHECKPOINT_PARTICLES = 100_000
"""Particles of all windows that a checkpoint is measured on."""
_NEAREST_PARTICLES = 300_000
"""Particles of the fewest windows that the nearest is looked for among."""

Train = Callable[[Lesson], Mapping[str, Candidate]]


@dataclass(frozen=True, eq=False)
class Adapted:
    """What was found.

    Attributes
    ----------
    verdict
        What was chosen, and how good everything was.
    chosen
        What predicts.
    radii
        How sure it is.
    lesson
        What was learned from.
    candidates
        All that was measured, by name.
    without_mean
        The same without the weighted mean, where that was chosen: it may yet fail at the start.
    """

    verdict: Verdict
    chosen: Candidate
    radii: Radii
    lesson: Lesson
    candidates: Mapping[str, Candidate]
    without_mean: Callable[[], Adapted] | None = None


def frames_to_read(first_start: int, particles: int) -> int:
    """First frame to read of those before the first start."""
    most = max(1, min(_MOST_FRAMES, _MOST_BYTES // (12 * particles)))
    return max(0, first_start - most)


def adapt(
    system: Input,
    start: int,
    offsets: NDArray[np.int64],
    checkpoint: Candidate | None,
    name: str,
    *,
    keep_checkpoint: bool = False,
    frame_time_s: float = 1.0,
    train: Train | None = None,
    notice: Callable[[str], None] = lambda message: None,
) -> Adapted | str:
    """Learn from the frames up to a start, and choose.

    Parameters
    ----------
    system
        The recording; no frame after `start` is looked at.
    start
        Index of the first start.
    offsets
        (T,) frames from a start to each step.
    checkpoint
        Predicts from the system's frames at some starts, where there is one that can.
    name
        Of the checkpoint.
    keep_checkpoint
        Measure, but predict with the checkpoint all the same.
    frame_time_s
        Seconds between frames.
    train
        Trains networks on what there is to learn.

    Returns
    -------
    Adapted
        Or a sentence that says why nothing was learned.
    """
    notes: list[str] = []
    count = system.frames.shape[1]
    measurable = checkpoint is not None and count * HELD <= _CHECKPOINT_PARTICLES
    lesson = lesson_of(system, start, offsets, frame_time_s, notes, also_few=measurable)
    if isinstance(lesson, str):
        return lesson
    rivals = _yardsticks(lesson, int(lesson.blocks.choose[0]))
    held = thinned(lesson.blocks.held, min(_MOST_HELD, MOST_PARTICLES // count))
    candidates: dict[str, Candidate] = {}
    enough = len(lesson.blocks.learn) >= HELD
    if count * HELD > _NEAREST_PARTICLES:
        notes.append(f"nearest windows were not measured: that takes long on {count:,} particles")
    elif enough:
        rivals |= nearest_windows(lesson, lesson.blocks)
    if checkpoint is not None and measurable:
        held = thinned(held, _CHECKPOINT_PARTICLES // count)
        candidates[name] = checkpoint
    elif checkpoint is not None:
        notes.append(f"{name} was not measured: it would take too long on {count:,} particles")
    if lesson.moves and enough:
        notice(f"learning from {len(lesson.blocks.learn):,} windows of {system.name}")
        trained = {} if train is None else train(lesson)
        # what was given comes first, and wins where names are alike
        candidates = {**candidates, **_fitted(lesson), **trained, **candidates}
    elif train is not None:
        notes.append("no network was trained: too few frames, or nothing moves in them")
    latest = measured(lesson, held, {**candidates, **rivals}, notes)
    if lesson.too_few and name not in latest.guesses:
        return "; ".join(notes)
    learned = [key for key in candidates if key in latest.guesses]
    cuts = [latest.of(learned)]
    alone = partial(_chosen, lesson, latest, cuts, tuple(rivals), notes)
    if keep_checkpoint:
        return alone(name if name in learned else latest.best)
    if lesson.too_few and latest.best != name:
        notes.append(
            f"{latest.best} was better than {name} on those frames: {option('checkpoint', name)} "
            "has it predict all the same"
        )
    if len(learned) > 1:
        cuts += earlier_cuts(lesson, cuts[0])
        weights = weights_of(cuts, cuts[0].best)
        if len(weights) > 1:
            mean = with_mixture(latest, weights, lesson)
            also = [with_mixture(cut, weights, lesson) for cut in cuts]
            found = _chosen(lesson, mean, also, tuple(rivals), notes, mean.best, weights)
            other = partial(alone, latest.best) if mean.best == MIXTURE else None
            return replace(found, without_mean=other)
    return alone(latest.best)


def _chosen(
    lesson: Lesson,
    latest: Cut,
    cuts: Sequence[Cut],
    rivals: tuple[str, ...],
    notes: Sequence[str],
    best: str,
    weights: Mapping[str, float] | None = None,
) -> Adapted:
    """What is best, how sure it is, and the same fitted to all that is known."""
    chosen = latest.candidates[best]  # what has no run and cannot be fitted again learned nothing
    learns = chosen.run is not None or best == MIXTURE
    last_learned = int(lesson.blocks.choose[0]) if learns else lesson.begin
    if len(cuts) == 1 or best not in cuts[0].candidates:
        cuts = [latest.of([best])]
        cuts += earlier_cuts(lesson, cuts[0])
    radii = how_sure(lesson, cuts, best)
    if chosen.again is not None:  # there is nothing left to choose by what was held out
        blocks = with_latest(lesson.begin, lesson.blocks, int(lesson.offsets[-1]))
        chosen = chosen.again(blocks)
        last_learned = lesson.start + 1
    verdict = Verdict(
        best,
        len(latest.starts),
        last_learned - lesson.begin,
        latest.mse,
        {name: latest.superposed_mse(name) for name in latest.guesses},
        tuple(name for name in rivals if name in latest.guesses),
        radii.pooled,
        tuple(notes),
        weights if weights and best == MIXTURE else {},
    )
    return Adapted(verdict, chosen, radii, lesson, latest.candidates)


def _fitted(lesson: Lesson) -> dict[str, Candidate]:
    """What is fitted to the recording's own frames in seconds."""
    fitted = {PAST: _past(lesson, lesson.blocks)}
    if lesson.known.shape[1] <= _KERNEL_PARTICLES:
        cutter = Cutter(lesson.system)
        fitted[KERNEL] = kernel(cutter, lesson.known, lesson.blocks, lesson.offsets)
    return fitted


def _past(lesson: Lesson, blocks: Blocks) -> Candidate:
    """The weighted past; it has nothing to choose, and learns from the block for that too."""
    begin, known, stop = lesson.begin, lesson.known, _end_of_choosing(lesson, blocks)
    most = min(MOST_WINDOWS, MOST_PARTICLES // known.shape[1])
    starts = thinned(np.concatenate([blocks.learn, blocks.choose]), most)
    guess = weighted_past(known[begin:stop], starts - begin, lesson.offsets)
    return Candidate(guess, again=lambda other: _past(lesson, other)).within(begin)


def _end_of_choosing(lesson: Lesson, blocks: Blocks) -> int:
    """The first frame that is in no window to choose by."""
    return int(blocks.choose[-1] + lesson.offsets[-1]) + 1


def _yardsticks(lesson: Lesson, stop: int) -> dict[str, Candidate]:
    """Yardsticks, whose mean structure is that of the frames before `stop`."""
    begin = lesson.begin
    guesses = yardsticks(lesson.known[begin:stop], lesson.offsets)
    made = {name: Candidate(guess) for name, guess in guesses.items()}
    made[MEAN] = Candidate(
        guesses[MEAN],
        again=lambda other: _yardsticks(lesson, _end_of_choosing(lesson, other))[MEAN],
    )
    return {name: one.within(begin) for name, one in made.items()}
