"""Along which bonds molecules are made whole, also where a periodic box cuts them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.frame import Frame
from painet_cli.data.particles.elements import is_element
from painet_cli.data.trajectories.atom_elements import elements_of
from painet_cli.data.trajectories.topology import bonds_of
from painet_cli.data.trajectories.unwrap import Unwrapper


def connections(
    universe: Any, frame: Frame, bond_length: float | None = None
) -> NDArray[np.int64]:  # (B, 2)
    """Bonds of all atoms of a universe, as `bonds_of` finds them in a frame that a box may cut.

    Parameters
    ----------
    frame
        A frame of all atoms.
    bond_length
        Join atoms no farther apart than this, angstrom, instead.

    Raises
    ------
    RequestError
        As `bonds_of` does.
    """
    bonds, _ = bonds_of(
        universe.atoms,
        frame.positions,
        _elements(universe.atoms),
        bond_length=bond_length,
        box=frame.box,
    )
    return np.asarray(bonds, dtype=np.int64).reshape(-1, 2)


def whole_positions(frame: Frame, bonds: NDArray[np.int64]) -> NDArray[np.floating]:
    """Positions of all atoms, (N, 3), every molecule in one piece; as they are without a box."""
    if frame.box is None:
        return frame.positions
    count = len(frame.positions)
    return Unwrapper(bonds, count, np.arange(count))(frame.positions, frame.box)


def _elements(atoms: Any) -> tuple[str, ...]:
    """Element of every atom, or what its name most likely says: enough for a length."""
    found = elements_of(atoms)
    if found or not hasattr(atoms, "names"):
        return found
    first = [name.lstrip("0123456789")[:1].upper() for name in atoms.names]
    return tuple(one if is_element(one) else "C" for one in first)
