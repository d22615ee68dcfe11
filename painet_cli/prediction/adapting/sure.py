"""How sure a candidate is, and how far its starts lie from what was seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.models.confidence.radii import Radii, distances, fit_radii
from painet_cli.prediction.adapting.blocks import earlier, thinned
from painet_cli.prediction.adapting.guesses import Candidate
from painet_cli.prediction.adapting.lesson import Lesson

_FOLDS = 2
"""Earlier cuts of the recording that tell how sure what is fitted in seconds is."""
_FOLD_PARTICLES = 5_000


def how_sure(
    lesson: Lesson,
    held: NDArray[np.int64],
    candidate: Candidate,
    made: NDArray[np.floating],
) -> Radii:
    """Radii from windows that a candidate was not fitted to.

    Those held out lie side by side and share frames: they are one time of the recording more than
    they are many windows. So what is fitted in seconds is fitted to two earlier cuts as well. Of
    what learned nothing of the recording the latest windows alone are taken: errors drift with it.

    Parameters
    ----------
    held
        (S,) starts held out.
    made
        (S, T, N, 3) what it predicts there.
    """
    last, small = int(lesson.offsets[-1]), lesson.known.shape[1] <= _FOLD_PARTICLES
    parts = [(candidate, held, made)]
    blocks = lesson.blocks
    for _ in range(_FOLDS if candidate.again is not None and small else 0):
        before = earlier(lesson.begin, blocks, last)
        if before is None or candidate.again is None:
            break
        blocks = before
        other, starts = candidate.again(blocks), thinned(blocks.held, len(held))
        parts.append((other, starts, other.guess(lesson.known, starts)))
    errors, spreads, independent = [], [], 0.0
    for one, starts, guess in parts:
        errors.append(distances(guess, lesson.known[starts[:, None] + lesson.offsets]))
        if one.spread is not None:
            spreads.append(one.spread(lesson.known, starts))
        independent += (starts[-1] - starts[0] + 1) / last
    spread = np.concatenate(spreads) if spreads else None
    return fit_radii(np.concatenate(errors), spread, independent)
