"""Whether one model is better than another, or luckier."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_rel, wilcoxon

LEVEL = 0.05
"""Below this p value a difference is called significant, as in the paper (section 4.2)."""

FEWEST_SEEDS = 3
"""Of fewer seeds that both have, no test is made."""


def seeds_p(first: Mapping[int, float], second: Mapping[int, float]) -> float | None:
    """P value of the two-sided paired t-test on logarithms of errors, a pair a seed.

    Seeds are few, and what varies with them varies in proportion; they are independent, as windows
    are not.

    Parameters
    ----------
    first, second
        Errors of two models by seed, above zero.

    Returns
    -------
    float or None
        None where they share fewer than `FEWEST_SEEDS` seeds, or no seed makes a difference.
    """
    shared = sorted(first.keys() & second.keys())
    one, other = (np.log([errors[seed] for seed in shared]) for errors in (first, second))
    if len(shared) < FEWEST_SEEDS or not np.isfinite([one, other]).all():
        return None
    if np.ptp(one - other) <= 1e-12 * np.abs(one).max():  # nothing that varies
        return None
    return float(ttest_rel(one, other).pvalue)


def p_words(p: float | None) -> str:
    """A p value in the digits that it deserves: `<0.001`, `0.012`, `0.34`; `-` for none."""
    if p is None:
        return "-"
    return "<0.001" if p < 1e-3 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def signed_rank_p(
    first: NDArray[np.float64],  # (S,)
    second: NDArray[np.float64],  # (S,)
) -> float:
    """P value of the two-sided Wilcoxon signed-rank test on paired errors.

    The windows of a trajectory overlap in time, so they are not independent and the true p is
    larger than the one given here.

    Parameters
    ----------
    first, second
        Errors of two models on the same S windows.

    Returns
    -------
    float
        1 where all pairs are equal.
    """
    if np.array_equal(first, second):
        return 1.0
    return float(wilcoxon(first, second).pvalue)
