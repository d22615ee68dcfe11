"""Molecules that a periodic box parts lie beside each other again."""

from __future__ import annotations

import numpy as np
import pytest
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray

from painet_cli.data.trajectories.unwrap import Unwrapper

BOXES = {
    "cubic": (40, 40, 40, 90, 90, 90),
    "dodecahedron": (40, 40, 40, 60, 60, 90),
    "octahedron": (40, 40, 40, 70.53, 109.47, 70.53),
    "skew": (40, 50, 45, 65, 80, 75),
}


def chains(count: int, atoms: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Straight chains side by side, 5 angstrom apart, and their bonds."""
    places = np.arange(count * atoms)
    x = np.stack([places // atoms * 5.0, places % atoms * 1.5, np.zeros(len(places))], axis=1)
    bonds = np.stack([places[:-1], places[1:]], axis=1)
    return x, bonds[places[:-1] % atoms != atoms - 1]


def apart(x: NDArray[np.float64], atoms: int) -> list[float]:
    centres = x.reshape(-1, atoms, 3).mean(axis=1)
    return np.linalg.norm(np.diff(centres, axis=0), axis=1).tolist()


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("shift", [0.0, 13.0, 29.0])
def test_chains_are_brought_together(box: str, shift: float) -> None:
    edges = triclinic_vectors(BOXES[box], dtype=np.float64)
    x, bonds = chains(4, 8)
    fractional = (x + shift) @ np.linalg.inv(edges)
    wrapped = (fractional - np.floor(fractional)) @ edges  # atom by atom
    unwrap = Unwrapper(bonds, len(x), np.arange(len(x)))
    np.testing.assert_allclose(apart(unwrap(wrapped, edges), 8), 5.0, atol=1e-6)
    # and stay so, in whichever image the next frame has them
    again = unwrap(wrapped + edges[1], edges)
    np.testing.assert_allclose(apart(again, 8), 5.0, atol=1e-6)


def test_water_and_ions_stay_in_the_box() -> None:
    edges = np.diag([40.0, 40.0, 40.0])
    x = np.array([[1.0, 1, 1], [2, 1, 1], [1, 2, 1], [39, 1, 1], [20, 20, 39]])
    unwrap = Unwrapper(np.array([[0, 1], [0, 2]]), 5, np.arange(5))
    np.testing.assert_array_equal(unwrap(x, edges), x)


def test_without_being_asked_no_chain_moves_to_another() -> None:
    edges = np.diag([40.0, 40.0, 40.0])
    x, bonds = chains(2, 8)
    x[8:, 0] += 34  # beyond half the box
    unwrap = Unwrapper(bonds, len(x), np.arange(len(x)), together=False)
    np.testing.assert_array_equal(unwrap(x, edges), x)
    moved = Unwrapper(bonds, len(x), np.arange(len(x)))(x, edges)
    np.testing.assert_allclose(apart(moved, 8), 1.0)
