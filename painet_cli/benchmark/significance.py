"""Whether one model is better than another, or luckier."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wilcoxon

LEVEL = 0.05
"""Below this p value a difference is called significant, as in the paper (section 4.2)."""


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
