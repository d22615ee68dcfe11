"""Bonds that are too long to be any: a molecule in pieces, or atoms taken for one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.elements import bond_reach
from painet_cli.data.particles.lengths import bond_lengths
from painet_cli.data.particles.particles import Particles
from painet_cli.errors import RequestError

_BROKEN = 1.75
"""Times the longest that a bond of two elements is known to be."""
_LEAST_BROKEN = 2.5
"""Angstrom; below this no bond is called broken: rigid water lists one of 1.5 from H to H."""
_LONGEST = 4.0
"""Angstrom; the longest bond of elements that are not known, or of metals."""
_BESIDE_OTHERS = 3.0
"""Times the shortest bond: beads that stand for residues lie 3.8 angstrom apart, all of them."""
_LONG = 1.25
"""Times the longest that a bond of two elements is known to be, as no more than one of a whole
molecule is: in a transition state, say."""
_SEVERAL, _SHARE = 2, 0.1
"""Bonds, and the share of all, that are so long where atoms are taken for one another."""
_MENDS = (
    "the topology is another molecule's, or lists its atoms in another order than the trajectory: "
    "give the one that the trajectory was made with"
)
_ANYWAY = 2.5
"""Times the longest possible length, from which on other bonds do not matter."""


@dataclass(frozen=True)
class Stretched:
    """The bond that is farthest beyond its longest length.

    Attributes
    ----------
    frame
        Index of the frame.
    bond
        The two particles.
    length, longest
        How long it is, and how long it may be.
    """

    frame: int
    bond: tuple[int, int]
    length: float
    longest: float


def stretched_bond(
    particles: Particles,
    frames: NDArray[np.floating],  # (F, N, 3)
    length_unit: str = "angstrom",
) -> Stretched | None:
    """Find a bond that is too long in some frame; None where all are sound.

    Atoms are judged by their covalent radii, other particles by the shortest of their bonds; bones
    and other links that are not measured in angstrom may be of any length.

    Parameters
    ----------
    frames
        (F, N, 3), finite, in `length_unit`.
    """
    bonds = np.asarray(particles.bonds, dtype=np.int64).reshape(-1, 2)
    if not len(bonds) or not len(frames) or length_unit != "angstrom":
        return None
    longest = longest_bonds(particles.elements, bonds) if particles.elements else None
    for number, frame in enumerate(frames):
        apart = bond_lengths(frame, bonds)
        beside = np.full(len(bonds), _BESIDE_OTHERS * apart.min())
        most = beside if longest is None else np.clip(beside, longest, _ANYWAY * longest)
        worst = int(np.argmax(apart / most))
        if apart[worst] > most[worst]:
            i, j = bonds[worst].tolist()
            return Stretched(number, (i, j), float(apart[worst]), float(most[worst]))
    return None


def longest_bonds(
    elements: tuple[str, ...],
    bonds: NDArray[np.int64],  # (B, 2)
) -> NDArray[np.float64]:  # (B,)
    """Length beyond which each bond is none, angstrom."""
    known = bond_reach(elements)[bonds].sum(axis=1)
    known = np.where(np.isfinite(known), known, _LONGEST)
    longest: NDArray[np.float64] = np.maximum(_BROKEN * known, _LEAST_BROKEN)
    return longest


def refuse_other_order(
    where: str,
    elements: tuple[str, ...],
    bonds: NDArray[np.int64],  # (B, 2)
    positions: NDArray[np.floating],  # (N, 3)
    hint: str = _MENDS,
) -> None:
    """Refuse positions that are another's: of a trajectory that has its atoms in another order.

    Then many bonds of the topology are too long, though none need be as long as a cut one; and
    where bonds were found by distances, hydrogens have several or none.

    Parameters
    ----------
    where
        What messages call the system.
    elements
        Of the N atoms; where they are empty nothing is known.
    bonds
        (B, 2), listed or found by distances.
    hint
        What mends it.

    Raises
    ------
    RequestError
        They are.
    """
    if len(elements) != len(positions) or not len(bonds):
        return
    symbols = np.array(elements)
    reach = bond_reach(elements)[bonds].sum(axis=1)
    # boron shares its hydrogens
    known = np.isfinite(reach) & ~(symbols == "H")[bonds].all(axis=1)
    known &= ~(symbols == "B")[bonds].any(axis=1)
    apart = bond_lengths(positions, bonds)
    long = known & (apart > _LONG * reach)
    whole = apart[known] <= _ANYWAY * longest_bonds(elements, bonds[known])
    if long.sum() >= max(_SEVERAL, _SHARE * known.sum()) and whole.all():
        worst = int(np.argmax(np.where(long, apart / reach, 0)))
        i, j = bonds[worst].tolist()
        raise RequestError(
            f"{where}: {long.sum():,} of {known.sum():,} bonds are longer than bonds are, such as "
            f"{apart[worst]:.3g} angstrom from {elements[i]} (atom {i}) to {elements[j]} ({j})",
            hint,
        )
    own = symbols == "H"
    lone = own & (np.bincount(bonds.ravel(), minlength=len(elements)) == 0)
    lone[lone] = ~_has_neighbour(elements, positions, np.flatnonzero(lone))
    if np.isfinite(bond_reach(elements)).all() and lone.sum() >= max(
        _SEVERAL, 2 * _SHARE * own.sum()
    ):
        raise RequestError(
            f"{where}: {lone.sum():,} of {own.sum():,} H atoms have nothing that they are bonded "
            f"to, such as atom {int(np.argmax(lone))}",
            hint,
        )
    several = np.bincount(bonds[known].ravel(), minlength=len(elements))
    for element, most, share in (("H", 1, 2 * _SHARE), ("O", 3, _SHARE)):
        own = symbols == element
        over = own & (several > most)
        if over.sum() > share * own.sum() and (element != "H" or over.sum() >= _SEVERAL):
            at = int(np.argmax(over))
            raise RequestError(
                f"{where}: {over.sum():,} of {own.sum():,} {element} atoms have more than {most} "
                f"bond{'s' * (most > 1)}, such as atom {at}, which has {several[at]}",
                hint,
            )


def _has_neighbour(
    elements: tuple[str, ...],
    positions: NDArray[np.floating],  # (N, 3)
    chosen: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether some atoms have another as near as a bond is long, listed or not."""
    from scipy.spatial import cKDTree  # a command's help must not wait for it

    apart, near = cKDTree(positions).query(positions[chosen], k=min(6, len(positions)))
    reach = bond_reach(elements)
    return np.asarray((apart[:, 1:] <= reach[chosen, None] + reach[near[:, 1:]]).any(axis=1))
