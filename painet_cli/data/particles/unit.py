"""Is this angstrom? The nearest atoms of a molecule lie as far apart as bonds are long."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.elements import covalent_radii
from painet_cli.errors import RequestError

_BONDED = (0.65, 1.45)
"""Distance of nearest atoms (median) as a share of their covalent radii; triple bonds have 0.77."""
_ALL_BONDED = (0.85, 1.1)
"""The same of heavy atoms that are all bonded, after bohr are turned to angstrom. Alpha carbons
alone, whose distances are no bonds, come to 1.3."""
_BOHR = 0.529177
_TOO_SHORT = {
    "nanometres: multiply them by 10": 10.0,
    "metres: multiply them by 1e10": 1e10,
    "angstrom that were taken for bohr: correct the unit that the file declares": 1.889726,
}
_TOO_LONG = {
    "bohr: multiply them by 0.529177": _BOHR,
    "angstrom that were taken for nanometres: divide them by 10": 0.1,
}


def refuse_other_unit(
    where: str,
    elements: Sequence[str],
    positions: NDArray[np.floating],  # (N, 3)
) -> None:
    """Refuse atoms that cannot be in angstrom.

    No two atoms of a system are much nearer than a bond. That they are farther apart than one
    tells of another unit where hydrogens are among others, for each of them has a bond; without
    hydrogens, where carbon is among others and all nearest atoms are as far apart as bonds in bohr
    (of carbon alone that may be every other atom of a chain).

    Parameters
    ----------
    where
        What messages call the system.
    elements
        Of the N atoms; where they are empty nothing is known.
    positions
        (N, 3), finite, of all atoms, so that each has those beside it that it is bonded to.

    Raises
    ------
    RequestError
        The nearest atoms are as far apart as in another unit, and says which; or they lie on top of
        each other, as copies of one system do, or too far apart for any number.
    """
    from scipy.spatial import cKDTree  # a command's help must not wait for it

    if len(elements) != len(positions) or len(positions) < 2:
        return
    with np.errstate(over="ignore"):
        apart, nearest = cKDTree(positions).query(positions, k=2)
    if not np.isfinite(apart).all():
        raise RequestError(
            f"{where}: coordinates reach {np.abs(positions).max():.3g}, which is no length in "
            "angstrom"
        )
    if not apart[:, 1].all() and np.median(apart[:, 1]) > 0:
        first = int(np.argmin(apart[:, 1]))
        twin = next(int(k) for k in nearest[first] if k != first)
        raise RequestError(
            f"{where}: atoms {first} ({elements[first]}) and {twin} ({elements[twin]}) are at "
            "one place",
            "leave one of them out of the file: it lists an atom twice",
        )
    radii = covalent_radii(elements)
    share = apart[:, 1] / (radii + radii[nearest[:, 1]])
    of_all, of_hydrogens = float(np.median(share)), share[np.array(elements) == "H"]
    low, high = _BONDED
    too_far = 0 < len(of_hydrogens) < len(share) and np.median(of_hydrogens) > high
    if not len(of_hydrogens) and "C" in elements and len({*elements}) > 1:
        least, most = (float(np.quantile(share * _BOHR, q)) for q in (0.1, 0.9))
        too_far = _ALL_BONDED[0] < least and most < _ALL_BONDED[1]
    others = _TOO_SHORT if of_all < low else _TOO_LONG if too_far else {}
    for other, factor in others.items():
        if low <= of_all * factor <= high:
            raise RequestError(
                f"{where}: the nearest atoms are {np.median(apart[:, 1]):.3g} apart (median), "
                f"{of_all:.2g} times the length of their bonds in angstrom",
                f"these look like {other}",
            )
    if of_all < low:
        raise RequestError(
            f"{where}: atoms lie on top of each other: the nearest are "
            f"{np.median(apart[:, 1]):.2g} apart (median), {of_all:.2g} times the length of bonds",
            "several frames or copies in one, or velocities or forces (-vel-, -frc-)? Frames of a "
            "PDB are parted by MODEL and ENDMDL, or by END",
        )
