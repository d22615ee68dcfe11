"""Whether one model is better than another, or luckier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_rel, wilcoxon

LEVEL = 0.05
"""Below this p value a difference is called significant, as in the paper (section 4.2)."""

FEWEST_SEEDS = 3
"""Of fewer seeds that both have, no test is made."""

CONTRADICTS = "↕"
CONTRADICTS_MEANS = (
    f"{CONTRADICTS}: p speaks for the one with the higher mean; look at single windows or seeds."
)


@dataclass(frozen=True)
class Tested:
    """What a two-sided test says of two models."""

    p: float
    first_lower: bool
    """Whether it speaks for the first."""

    def contradicts(self, first_mse: float, second_mse: float) -> bool:
        """Whether it is significant for the model with the higher mean.

        It is where one window or seed is much of a mean.
        """
        lower = first_mse < second_mse if self.first_lower else second_mse < first_mse
        return self.p < LEVEL and not lower


def over_seeds(first: Mapping[int, float], second: Mapping[int, float]) -> Tested | None:
    """Two-sided paired t-test on logarithms of errors, a pair a seed.

    Seeds are few, and what varies with them varies in proportion; they are independent, as windows
    are not.

    Parameters
    ----------
    first, second
        Errors of two models by seed, above zero.

    Returns
    -------
    Tested or None
        None where they share fewer than `FEWEST_SEEDS` seeds, or no seed makes a difference.
    """
    shared = sorted(first.keys() & second.keys())
    one, other = (np.log([errors[seed] for seed in shared]) for errors in (first, second))
    if len(shared) < FEWEST_SEEDS or not np.isfinite([one, other]).all():
        return None
    if np.ptp(one - other) <= 1e-12 * np.abs(one).max():  # nothing that varies
        return None
    return Tested(float(ttest_rel(one, other).pvalue), bool(one.mean() < other.mean()))


def p_words(p: float | None, *, contradicts: bool = False) -> str:
    """A p value in the digits that it deserves: `<0.001`, `0.012`, `0.34`; `-` for none.

    Parameters
    ----------
    contradicts
        Whether it speaks for the model with the higher mean, which is marked by `CONTRADICTS`.
    """
    if p is None:
        return "-"
    words = "<0.001" if p < 1e-3 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"
    return words + CONTRADICTS * contradicts


def over_windows(
    first: NDArray[np.float64],  # (S,)
    second: NDArray[np.float64],  # (S,)
) -> Tested:
    """Two-sided Wilcoxon signed-rank test on paired errors.

    The windows of a trajectory overlap in time, so they are not independent and the true p is
    larger than the one given here.

    Parameters
    ----------
    first, second
        Errors of two models on the same S windows.

    Returns
    -------
    Tested
        With a p of 1 where all pairs are equal.
    """
    if np.array_equal(first, second):
        return Tested(1.0, first_lower=False)
    p, less = (
        float(wilcoxon(first, second, alternative=side).pvalue) for side in ("two-sided", "less")
    )
    return Tested(p, less < 0.5)
