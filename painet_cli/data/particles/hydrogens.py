"""How many hydrogens atoms have, where the hydrogens themselves are left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from MDAnalysis.lib.distances import capped_distance
from numpy.typing import NDArray

FARTHEST_HYDROGEN = 1.35
"""Angstrom; bonds of hydrogen to C, N and O are 1.1 long at most, to sulphur 1.35."""


def hydrogens_of(
    positions: NDArray[np.floating],  # (N, 3)
    is_hydrogen: NDArray[np.bool_],  # (N,)
    kept: Sequence[int] | NDArray[np.int64],
    box: NDArray[np.floating] | None = None,  # (6,)
) -> tuple[int, ...]:
    """Number of hydrogens that are nearest to each particle that is kept and are left out.

    Parameters
    ----------
    positions
        (N, 3) of all, angstrom.
    kept
        (K,) indices of the particles that stay.
    box
        Lengths and angles of a periodic box, as MDAnalysis has them.

    Returns
    -------
    tuple
        K numbers; none where no hydrogen is near those that stay, so that nothing is known of them:
        a molecule without hydrogens may stand in water that has them.
    """
    stays = np.zeros(len(positions), dtype=bool)
    stays[np.asarray(kept)] = True
    hydrogen, others = np.flatnonzero(is_hydrogen & ~stays), np.flatnonzero(~is_hydrogen)
    counts = np.zeros(len(positions), dtype=np.int64)
    if len(hydrogen) and len(others):
        pairs, apart = capped_distance(
            np.asarray(positions[hydrogen], dtype=np.float32),
            np.asarray(positions[others], dtype=np.float32),
            FARTHEST_HYDROGEN,
            box=box,
        )
        nearest = np.lexsort((apart, pairs[:, 0]))
        _, first = np.unique(pairs[nearest, 0], return_index=True)
        counts += np.bincount(others[pairs[nearest[first], 1]], minlength=len(positions))
    own = counts[np.asarray(kept)]
    return tuple(own.tolist()) if own.any() else ()
