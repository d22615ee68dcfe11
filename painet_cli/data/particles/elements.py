"""Atoms by their numbers: names, types, formulas, and which are no hydrogens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles
from painet_cli.errors import RequestError, option

HEAVY = "heavy"
"""Selection of all atoms but hydrogens, beside those of MDAnalysis' language."""
LONGEST_BOND = 1.6
"""Angstrom. Bonds between H, C, N and O stay below, hydrogens of one carbon (1.8 apart) above."""


def symbol(number: int) -> str:
    """Chemical symbol of an atomic number, from 1 to 118."""
    from MDAnalysis.guesser.tables import Z2SYMB  # a command's help must not wait for it

    return str(Z2SYMB[number])


def atoms(numbers: Sequence[int], bonds: tuple[tuple[int, int], ...]) -> Particles:
    """Atoms named by element and count (C1, C2, O1, H1, ...), typed by element.

    Parameters
    ----------
    numbers
        Atomic number of each.
    bonds
        Pairs of their indices.
    """
    elements = sorted(set(numbers))
    seen: Counter[int] = Counter()
    names = []
    for number in numbers:
        seen[number] += 1
        names.append(f"{symbol(number)}{seen[number]}")
    return Particles(
        names=tuple(names),
        types=tuple(elements.index(number) for number in numbers),
        type_names=tuple(symbol(number) for number in elements),
        bonds=bonds,
        elements=tuple(symbol(number) for number in numbers),
    )


def formula(numbers: Sequence[int]) -> str:
    """Hill formula: carbon, hydrogen, then the others by alphabet (C2H6O)."""
    counts = Counter(symbol(number) for number in numbers)
    first = [element for element in ("C", "H") if counts["C"] and counts[element]]
    ordered = first + sorted(set(counts) - {*first, "C"})
    return "".join(f"{one}{counts[one] if counts[one] > 1 else ''}" for one in ordered)


def heavy_places(elements: tuple[str, ...], count: int, path: Path) -> NDArray[np.int64]:
    """Places of all atoms but hydrogens.

    Raises
    ------
    RequestError
        Elements are not known, or all atoms are hydrogens.
    """
    if not elements:
        raise RequestError(
            f"{option('select', HEAVY)}: the elements of {path} are not known", "choose by name"
        )
    kept = np.flatnonzero(np.array(elements) != "H")
    if len(kept) == 0:
        raise RequestError(
            f"{option('select', HEAVY)}: all {count} atoms of {path} are hydrogens",
            "choose other atoms",
        )
    return kept
