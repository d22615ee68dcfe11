"""Bonds guessed from distances, for sources that list none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import RequestError

FARTHEST = 1e9
"""No coordinate of a system is larger, and no arithmetic with smaller ones overflows."""
MOST_PAIRS = 500
"""A particle; liquid water has 210 of them within 10 angstrom."""


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

    Raises
    ------
    RequestError
        As `close_pairs` does.
    """
    return tuple(sorted(map(tuple, close_pairs(positions, cutoff).tolist())))


def close_pairs(
    positions: NDArray[np.floating],  # (N, 3)
    cutoff: float,
) -> NDArray[np.int64]:  # (P, 2)
    """Pairs (i, j) with i < j of particles no farther apart than a cutoff, in any order.

    Raises
    ------
    RequestError
        They are so many that the particles lie on top of each other, or a coordinate is no place.
    """
    from scipy.spatial import cKDTree  # a command's help must not wait for it

    hint = "is it the right file, in the right unit?"
    if np.abs(positions).max(initial=0) > FARTHEST:
        raise RequestError(f"no bonds can be guessed: a coordinate is beyond {FARTHEST:g}", hint)
    tree = cKDTree(positions)
    count = len(positions)
    if tree.count_neighbors(tree, cutoff) > (2 * MOST_PAIRS + 1) * count:
        raise RequestError(
            f"no bonds can be guessed: of {count:,} particles, each has more than {MOST_PAIRS} "
            f"others within {cutoff:g}",
            hint,
        )
    pairs: NDArray[np.int64] = tree.query_pairs(cutoff, output_type="ndarray")
    return pairs
