"""Bonds: guessed from distances for sources that list none, and who is bonded to whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.elements import bond_reach
from painet_cli.errors import RequestError

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

FARTHEST = 1e9
"""No coordinate of a system is larger, and no arithmetic with smaller ones overflows."""
_SAME_PLACE = 0.1
"""Angstrom below which two atoms are one in two places, not bonded."""
MOST_PAIRS = 500
"""A particle; liquid water has 210 of them within 10 angstrom."""
_ASKED = 256


def bonds_within(
    positions: NDArray[np.floating],  # (N, 3)
    cutoff: float,
    box: NDArray[np.floating] | None = None,  # (3, 3)
) -> tuple[tuple[int, int], ...]:
    """Pairs of particles no farther apart than a cutoff.

    Parameters
    ----------
    positions
        One frame, (N, 3), finite.
    cutoff
        Longest bond, in the unit of `positions`.
    box
        (3, 3) edges of the periodic box: across its faces too; zero along which it is open.

    Returns
    -------
    tuple
        Pairs (i, j) with i < j, each once, sorted.

    Raises
    ------
    RequestError
        As `close_pairs` does.
    """
    pairs, _ = _pairs_and_distances(positions, cutoff, box)
    return tuple(sorted(map(tuple, np.sort(pairs, axis=1).tolist())))


def covalent_bonds(
    positions: NDArray[np.floating],  # (N, 3)
    elements: Sequence[str],
    box: NDArray[np.floating] | None = None,  # (3, 3)
) -> tuple[tuple[int, int], ...]:
    """Pairs of atoms no farther apart than their covalent radii and 0.4 angstrom.

    Metals and noble gases are joined to nothing: ions lie as close to what they are not bonded to.

    Parameters
    ----------
    positions
        One frame, (N, 3), finite, angstrom.
    elements
        (N,) symbols.
    box
        (3, 3) edges of the periodic box, angstrom: atoms are bonded across its faces too; zero
        along which it is open.

    Returns
    -------
    tuple
        Pairs (i, j) with i < j, each once, sorted.

    Raises
    ------
    RequestError
        As `close_pairs` does.
    """
    reach = bond_reach(elements)
    bonding = np.flatnonzero(np.isfinite(reach))
    if len(bonding) < 2:
        return ()
    reach = reach[bonding]
    pairs, apart = _pairs_and_distances(positions[bonding], 2 * float(reach.max()), box)
    bonded = bonding[pairs[(apart > _SAME_PLACE) & (apart <= reach[pairs].sum(axis=1))]]
    return tuple(map(tuple, np.unique(np.sort(bonded, axis=1), axis=0).tolist()))


def _pairs_and_distances(
    positions: NDArray[np.floating],  # (N, 3)
    cutoff: float,
    box: NDArray[np.floating] | None,  # (3, 3)
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pairs within a cutoff and their distances, of the nearest images where the box is periodic.

    A box that is not twice the cutoff wide in every direction is taken for none.
    """
    x = positions.astype(np.float64)
    box = None if box is None else _closed(box, float(np.linalg.norm(np.ptp(x, axis=0))) + cutoff)
    if box is None or not _widths(box).min() > 2 * cutoff:
        pairs = close_pairs(x, cutoff)
        return pairs, np.linalg.norm(x[pairs[:, 0]] - x[pairs[:, 1]], axis=1)
    from MDAnalysis.lib.distances import self_capped_distance
    from MDAnalysis.lib.mdamath import triclinic_box, triclinic_vectors

    fractional = x @ np.linalg.inv(box)
    dimensions = triclinic_box(*box)
    # MDAnalysis draws the box along its own axes
    inside = (fractional - np.floor(fractional)) @ triclinic_vectors(dimensions, dtype=np.float64)
    close_pairs(inside, cutoff)  # refuses what is crowded
    found, apart = self_capped_distance(inside.astype(np.float32), cutoff, box=dimensions)
    return found.astype(np.int64), apart


def _closed(box: NDArray[np.floating], reach: float) -> NDArray[np.floating]:
    """A box whose open sides, the edges that are zero, are so far apart that nothing reaches."""
    is_open = ~box.any(axis=1)
    if not is_open.any():
        return box
    closed = box.astype(np.float64)
    closed[is_open] = 4 * reach * np.linalg.svd(closed)[2][-int(is_open.sum()) :]
    return closed


def among(
    bonds: NDArray[np.int64],  # (B, 2)
    indices: NDArray[np.int64],  # (S,)
) -> NDArray[np.int64]:
    """Bonds within some atoms, as pairs of their places there."""
    place = np.full(max(int(bonds.max(initial=-1)), int(indices.max(initial=-1))) + 1, -1)
    place[indices] = np.arange(len(indices))
    found: NDArray[np.int64] = place[bonds]
    return found[(found >= 0).all(axis=1)]


def neighbours(bonds: Iterable[tuple[int, int]], count: int) -> list[list[int]]:
    """Whom each of `count` particles is bonded to, in the order of the bonds."""
    near: list[list[int]] = [[] for _ in range(count)]
    for i, j in bonds:
        near[i].append(j)
        near[j].append(i)
    return near


def inverse_box(box: NDArray[np.floating]) -> NDArray[np.float64]:
    """What turns positions, from the left, into fractions of a box's edges, (3, 3).

    Along edges that are zero, where the box is open, all fractions are.
    """
    return np.asarray(np.linalg.inv(box) if box.any(axis=1).all() else np.linalg.pinv(box))


def _widths(box: NDArray[np.floating]) -> NDArray[np.float64]:
    """Distances between opposite faces of a box, (3,)."""
    widths: NDArray[np.float64] = 1 / np.linalg.norm(np.linalg.inv(box), axis=0)
    return widths


def is_crowded(tree: cKDTree, cutoff: float) -> bool:
    """Whether particles have so many neighbours within a cutoff that no list of pairs is made.

    They lie on top of each other, as in a damaged file or a prediction that collapsed. A few are
    asked first: counting for all takes longer than making the list.
    """
    some = tree.data[:: max(1, tree.n // _ASKED)]
    most = int(tree.query_ball_point(some, cutoff, return_length=True).max(initial=0))
    if most <= MOST_PAIRS:
        return False
    return bool(tree.count_neighbors(tree, cutoff) > (2 * MOST_PAIRS + 1) * tree.n)


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
    if is_crowded(tree, cutoff):
        raise RequestError(
            f"no bonds can be guessed: of {count:,} particles, each has more than {MOST_PAIRS} "
            f"others within {cutoff:g}",
            hint,
        )
    pairs: NDArray[np.int64] = tree.query_pairs(cutoff, output_type="ndarray")
    return pairs
