"""Which starts lie outside of what was seen: farther from it than windows usually are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import RequestError, option, some_of
from painet_cli.models.confidence.kept import seen_of
from painet_cli.models.confidence.seen import Seen
from painet_cli.prediction.adapting.blocks import with_latest
from painet_cli.prediction.adapting.cutter import Cutter
from painet_cli.prediction.adapting.lesson import Lesson
from painet_cli.prediction.asked import graph_of
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.loading import LoadedModel
from painet_cli.prediction.starting.states import States
from painet_cli.storage.archives import last_line

_MOST_NAMED = 10


def check_flag(share: float | None) -> None:
    """Refuse a share that is none.

    Raises
    ------
    RequestError
        It is not above 0 and at most 1.
    """
    if share is not None and not 0.0 < share <= 1.0:
        raise RequestError(
            f"{option('flag_above', share)}: expected a share above 0, at most 1",
            "0.99 lists starts that are farther off than 99 % of windows not trained on",
        )


def novelty_in(lesson: Lesson, starts: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """(S,) share of the windows held out that are nearer to those learned from than a start is.

    None of systems too large to keep any.
    """
    system, last = lesson.system, int(lesson.offsets[-1])
    cutter, blocks = Cutter(system), with_latest(lesson.begin, lesson.blocks, last)
    seen = Seen(cutter.spec.up, cutter.names)
    none = lesson.offsets[:0]
    known, usual = (cutter(lesson.known, part, none) for part in (blocks.learn, blocks.held))
    if not seen.fit(known, usual):
        return None
    return np.concatenate([seen.rank(one).numpy() for one in cutter(system.frames, starts, none)])


def novelty_of(loaded: LoadedModel, forecast: Forecast) -> NDArray[np.float64] | None:
    """The same of a checkpoint's training windows; None where it keeps none.

    Raises
    ------
    RequestError
        What it keeps does not fit.
    """
    near = forecast.at_origin()
    system = near.system
    names = system.particles.names
    try:
        seen = seen_of(loaded.confidence[0], loaded.header.up_axis, names)
        if seen is None:
            return None
        graph = graph_of(loaded, system)
        states = States(graph, near.start_positions, near.velocities, None, loaded.device)
        return seen.to(loaded.device).rank(states.batch(slice(None))).cpu().numpy()
    except RuntimeError as error:
        raise RequestError(
            f"{loaded.path}: the starts that it keeps do not fit", last_line(error)
        ) from error


def flagged(
    forecast: Forecast, novelty: NDArray[np.float64] | None, share: float, frames: list[int]
) -> tuple[Forecast, list[int]]:
    """A forecast that says which starts lie outside, and the numbers of their frames."""
    if novelty is None:
        said = "no start can be flagged: nothing is kept that what predicts was trained on"
        return replace(forecast, warnings=(*forecast.warnings, said)), []
    outside = [frame for frame, one in zip(frames, novelty.tolist(), strict=True) if one >= share]
    if not outside:
        return forecast, []
    named = some_of([f"{frame:,}" for frame in outside], _MOST_NAMED)
    word = "frame" if len(outside) == 1 else "frames"
    said = (
        f"{len(outside):,} of {len(frames):,} starts lie outside of what was seen, farther off "
        f"than {share:.4g} of the windows not trained on: {word} {named}"
    )
    return replace(forecast, warnings=(*forecast.warnings, said)), outside
