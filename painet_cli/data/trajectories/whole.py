"""Along which bonds molecules are made whole, also where a periodic box cuts them."""

from __future__ import annotations

from typing import Any

import numpy as np
from MDAnalysis.lib.distances import self_capped_distance
from MDAnalysis.lib.mdamath import triclinic_box
from numpy.typing import NDArray

from painet_cli.data.particles.radii import bond_reach
from painet_cli.data.trajectories.reader import Frame
from painet_cli.data.trajectories.topology import elements_of, topology_bonds
from painet_cli.data.trajectories.unwrap import Unwrapper

MOST_ATOMS = 500_000
"""Bonds of larger systems are not looked for."""


def connections(
    universe: Any, frame: Frame, bond_length: float | None = None
) -> NDArray[np.int64]:  # (B, 2)
    """Bonds of all atoms: the topology's, and where most atoms have none, those that are near.

    Near is meant across the periodic boundary, too, so that molecules which are cut there are found
    as one.

    Parameters
    ----------
    frame
        A frame of all atoms.
    bond_length
        Join atoms no farther apart than this, angstrom, instead.
    """
    listed = topology_bonds(universe)
    count = universe.atoms.n_atoms
    if bond_length is not None:
        return _near(frame, np.full(count, bond_length / 2))
    if len(np.unique(listed)) >= count / 2 or count > MOST_ATOMS:
        return listed
    found = _near(frame, bond_reach(_elements(universe.atoms)))
    return np.unique(np.sort(np.concatenate([listed, found]), axis=1), axis=0)


def whole_frame(universe: Any, frame: Frame, bonds: NDArray[np.int64]) -> NDArray[np.floating]:
    """Positions of all atoms, (N, 3), with every molecule in one piece; as they are without a box."""
    if frame.box is None:
        return frame.positions
    count = universe.atoms.n_atoms
    return Unwrapper(bonds, count, np.arange(count))(frame.positions, frame.box)


def _near(frame: Frame, reach: NDArray[np.float64]) -> NDArray[np.int64]:
    """Pairs of atoms no farther apart than their reaches together, in the nearest image."""
    box = None if frame.box is None else triclinic_box(*frame.box)
    pairs, apart = self_capped_distance(
        frame.positions, 2 * float(reach.max()), min_cutoff=0.1, box=box
    )
    pairs = pairs.astype(np.int64).reshape(-1, 2)
    near: NDArray[np.int64] = pairs[apart < reach[pairs].sum(axis=1)]
    return near


def _elements(atoms: Any) -> list[str]:
    """Element of every atom, or what its name most likely says: enough for a radius."""
    found = elements_of(atoms)
    if found:
        return list(found)
    return [name.lstrip("0123456789")[:1].upper() for name in getattr(atoms, "names", ())] or [
        "C"
    ] * atoms.n_atoms
