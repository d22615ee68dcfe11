"""How sure a candidate is, and how far its starts lie from what was seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from painet_cli.models.confidence.radii import Radii, distances, fit_radii
from painet_cli.prediction.adapting.cuts import Cut
from painet_cli.prediction.adapting.lesson import Lesson


def how_sure(lesson: Lesson, cuts: Sequence[Cut], name: str) -> Radii:
    """Radii of a candidate from windows that it was not fitted to.

    Of what learned nothing of the recording the latest windows alone are taken: errors drift with
    it.

    Parameters
    ----------
    cuts
        The latest first.
    """
    errors, spreads, independent = [], [], 0.0
    for cut in cuts if cuts[0].candidates[name].again is not None else cuts[:1]:
        one, starts = cut.candidates[name], cut.starts
        errors.append(distances(cut.guesses[name], cut.truth))
        if one.spread is not None:
            spreads.append(one.spread(lesson.known, starts))
        independent += (starts[-1] - starts[0] + 1) / int(lesson.offsets[-1])
    spread = np.concatenate(spreads) if spreads else None
    return fit_radii(np.concatenate(errors), spread, independent)
