"""Bonds guessed from distances, for sources that list none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree


def bonds_within(
    positions: NDArray[np.floating],  # (N, 3)
    cutoff: float,
) -> tuple[tuple[int, int], ...]:
    """Pairs of particles no farther apart than a cutoff.

    Parameters
    ----------
    positions
        One frame, (N, 3), finite.
    cutoff
        Longest bond, in the unit of `positions`.

    Returns
    -------
    tuple
        Pairs (i, j) with i < j, each once, sorted.
    """
    pairs = cKDTree(positions).query_pairs(cutoff)
    return tuple(sorted((int(i), int(j)) for i, j in pairs))
