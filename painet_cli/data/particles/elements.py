"""Atoms by their numbers: names, types, formulas, and which are no hydrogens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles
from painet_cli.errors import RequestError, option

HEAVY = "heavy"
"""Selection of all atoms but hydrogens, beside those of MDAnalysis' language."""


HEAVIEST = 118
_NOBLE = {"He", "Ne", "Ar", "Kr", "Xe", "Rn", "Og"}
_DEUTERIUM = 2.014
ISOTOPES = {"D": "H", "T": "H"}
"""Symbols of hydrogens that have a name of their own."""
_MASS_TOLERANCE = 0.02
"""Daltons; no two elements are that close."""
_HYDROGEN = 1.008
_LIGHTEST_HEAVY, _HEAVIEST_HEAVY = 1.1, 4.5
"""Daltons of hydrogens that took mass from their neighbours: 1.5 to 4 are usual."""
_BOND_TOLERANCE = 0.4
"""Angstrom that a bond may be longer than the sum of two covalent radii, as it vibrates."""


@cache
def _table() -> dict[str, Any]:
    """Elements by symbol, as gemmi tables them (radii: Cordero et al., doi:10.1039/b801115j)."""
    import gemmi  # a command's help must not wait for it

    elements = [gemmi.Element(number) for number in range(1, HEAVIEST + 1)]
    return {str(element.name): element for element in elements}


def symbol(number: int) -> str:
    """Chemical symbol of an atomic number, from 1 to 118."""
    return list(_table())[number - 1]


def is_element(text: str) -> bool:
    """Whether this is the symbol of an element as chemists write it: `Ca`, not `CA`."""
    return text in _table()


_IN_DOUBT = {"CA", "CD", "CE", "HE", "HG", "HO", "NA", "NB", "ND", "NE", "NP", "OS", "PA", "PB"}
"""Names of atoms of residues that are elements in other capitals too."""


def elements_named(names: Sequence[str]) -> tuple[str, ...]:
    """Element of every name that is a symbol, perhaps with a number (`C1`, `CL`, `Ca`).

    Empty where one is not, or may be another: `CA` is the C-alpha of a residue, or calcium.
    """
    bare = [name.rstrip("0123456789") for name in names]
    found = tuple(ISOTOPES.get(name, name.capitalize()) for name in bare)
    sure = all(map(is_element, found)) and not _IN_DOUBT & {*bare}
    return found if sure else ()


def elements_by_mass(
    masses: NDArray[np.floating],  # (N,)
    bonds: NDArray[np.int64] | None = None,  # (B, 2)
) -> tuple[str, ...]:
    """Symbol of the element of every mass, in dalton; empty where none has it, or it may not.

    Hydrogens that took mass from the atoms they are bonded to (hydrogen mass repartitioning) give
    it back first: 11.99 is the nitrogen of an amide then, and no carbon. Where bonds are not known,
    such masses tell nothing; nor do those that would make every atom a hydrogen, as the mass of 1
    that reduced units have.

    Parameters
    ----------
    bonds
        Pairs of atoms, where they are known.
    """
    found = _elements(masses)
    heavy = _may_be_heavy_hydrogens(masses)
    if bonds is not None and len(bonds):
        found = _elements(_given_back(masses, np.array(found), heavy, bonds))
    elif any(not one for one in np.array(found)[heavy]):
        return ("",) * len(masses)
    return found if {*found} != {"H"} else ("",) * len(masses)


def holds_heavy_hydrogens(masses: NDArray[np.floating]) -> bool:
    """Whether masses, (N,), dalton, are such that bonds tell more of their elements."""
    return bool(_may_be_heavy_hydrogens(masses).any())


def _may_be_heavy_hydrogens(masses: NDArray[np.floating]) -> NDArray[np.bool_]:
    heavy: NDArray[np.bool_] = (masses > _LIGHTEST_HEAVY) & (masses < _HEAVIEST_HEAVY)
    return heavy


def _elements(masses: NDArray[np.floating]) -> tuple[str, ...]:
    symbols = [*_table(), "H"]
    known = np.array([*(element.weight for element in _table().values()), _DEUTERIUM])
    distinct, which = np.unique(masses, return_inverse=True)
    far = np.abs(distinct[:, None] - known)
    found = [
        symbols[k] if far[row, k] < _MASS_TOLERANCE else ""
        for row, k in enumerate(far.argmin(axis=1))
    ]
    return tuple(found[k] for k in which)


def _given_back(
    masses: NDArray[np.floating],  # (N,)
    found: NDArray[np.str_],  # (N,)
    heavy: NDArray[np.bool_],  # (N,)
    bonds: NDArray[np.int64],  # (B, 2)
) -> NDArray[np.floating]:  # (N,)
    """Masses before some `heavy` hydrogens took a part of those of the atoms they are bonded to.

    They are left as they are where deuterium explains all, and where an atom would be no element.
    """
    # one bond, or two in water that is rigid by a third; the carbon of a methyl has four
    heavy = heavy & (np.bincount(bonds.ravel(), minlength=len(masses)) <= 2)
    ends = np.concatenate([bonds, bonds[:, ::-1]])
    ends = ends[heavy[ends[:, 0]] & ~heavy[ends[:, 1]]]
    once = np.bincount(ends[:, 0], minlength=len(masses)) == 1
    ends = ends[once[ends[:, 0]]]
    if (found[ends] != "").all() and (found[ends[:, 0]] == "H").all():
        return masses
    for _ in range(2):
        whole = masses.astype(np.float64)
        whole[ends[:, 0]] = _HYDROGEN
        np.add.at(whole, ends[:, 1], masses[ends[:, 0]] - _HYDROGEN)
        ends = ends[np.array(_elements(whole))[ends[:, 1]] != ""]
    return whole


def bond_reach(elements: Sequence[str]) -> NDArray[np.float64]:
    """Share of each atom in the longest bond of two, (N,), angstrom.

    Two atoms are bonded where they are no farther apart than the sum of their shares, which is that
    of their covalent radii and 0.4 angstrom. Metals and noble gases lie as close to what they are
    not bonded to: their share is -inf.
    """
    table = _table()
    reach = {
        one: -np.inf
        if (element := table[one.capitalize()]).is_metal or element.name in _NOBLE
        else element.covalent_r + _BOND_TOLERANCE / 2
        for one in {*elements}
    }
    return np.array([reach[one] for one in elements], dtype=np.float64)


def covalent_radii(elements: Sequence[str]) -> NDArray[np.float64]:
    """Covalent radius of each atom, (N,), angstrom."""
    table = _table()
    radii = {one: float(table[one.capitalize()].covalent_r) for one in {*elements}}
    return np.array([radii[one] for one in elements], dtype=np.float64)


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
