"""Covalent radii of elements, and how far a bond reaches.

Cordero et al., Covalent radii revisited, Dalton Transactions 2832 (2008).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

COVALENT_RADII = {
    "H": 0.31, "D": 0.31, "He": 0.28, "Li": 1.28, "Be": 0.96, "B": 0.84, "C": 0.76, "N": 0.71,
    "O": 0.66, "F": 0.57, "Ne": 0.58, "Na": 1.66, "Mg": 1.41, "Al": 1.21, "Si": 1.11, "P": 1.07,
    "S": 1.05, "Cl": 1.02, "Ar": 1.06, "K": 2.03, "Ca": 1.76, "Ti": 1.60, "V": 1.53, "Cr": 1.39,
    "Mn": 1.50, "Fe": 1.42, "Co": 1.38, "Ni": 1.24, "Cu": 1.32, "Zn": 1.22, "Ga": 1.22, "Ge": 1.20,
    "As": 1.19, "Se": 1.20, "Br": 1.20, "Kr": 1.16, "Mo": 1.54, "Ru": 1.46, "Rh": 1.42, "Pd": 1.39,
    "Ag": 1.45, "Cd": 1.44, "Sn": 1.39, "Sb": 1.39, "Te": 1.38, "I": 1.39, "Xe": 1.40, "W": 1.62,
    "Re": 1.51, "Os": 1.44, "Ir": 1.41, "Pt": 1.36, "Au": 1.36, "Hg": 1.32, "Pb": 1.46,
}  # fmt: skip
"""Angstrom."""
_UNKNOWN = 0.76
_BONDED = 1.25
"""A bond is up to so many times the sum of two radii long."""
_BROKEN = 2.0
"""Beyond so many times that sum two atoms are not bonded, whatever a file says."""
_LEAST_BROKEN = 2.5
"""Angstrom; below this no bond is called broken: rigid water lists one of 1.5 from H to H."""


def covalent_radii(elements: Sequence[str]) -> NDArray[np.float64]:
    """Covalent radius of every element, (N,), angstrom; that of carbon where it is not known."""
    return np.array([COVALENT_RADII.get(one, _UNKNOWN) for one in elements], dtype=np.float64)


def bond_reach(elements: Sequence[str]) -> NDArray[np.float64]:
    """How far each atom reaches for a bond, (N,), angstrom; two are bonded within their sum."""
    return _BONDED * covalent_radii(elements)


def longest_bonds(
    elements: Sequence[str],
    bonds: NDArray[np.int64],  # (B, 2)
) -> NDArray[np.float64]:  # (B,)
    """Length beyond which each bond is broken, or cut by a periodic box, angstrom."""
    longest: NDArray[np.float64] = np.maximum(
        _BROKEN * covalent_radii(elements)[bonds].sum(axis=1), _LEAST_BROKEN
    )
    return longest
