"""Elements of atoms that a topology does not list: masses and names mislead."""

from __future__ import annotations

import numpy as np
import pytest

from painet_cli.data.particles.elements import elements_by_mass
from painet_cli.data.particles.particles import Particles, particles_of_kinds
from painet_cli.data.trajectories.atom_elements import elements_of
from painet_cli.data.trajectories.universe import bare_universe

PEPTIDE = ["C", "N", "H", "C", "H", "C", "H", "H", "H", "O", "H"]
"""C-N(H)-CH(CH3)-OH, not all of it."""
BONDS = np.array([(0, 1), (1, 2), (1, 3), (3, 4), (3, 5), (5, 6), (5, 7), (5, 8), (3, 9), (9, 10)])
NATURAL = {"H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999}


def repartitioned(hydrogen: float) -> np.ndarray:
    masses = np.array([NATURAL[one] for one in PEPTIDE])
    for first, second in BONDS:
        for one, other in ((first, second), (second, first)):
            if PEPTIDE[one] == "H":
                masses[other] -= hydrogen - NATURAL["H"]
                masses[one] = hydrogen
    return masses


@pytest.mark.parametrize("hydrogen", [1.008, 1.5, 2.016, 3.0, 3.024, 4.0])
def test_hydrogens_that_took_mass_give_it_back(hydrogen: float) -> None:
    """Nitrogen of an amide would weigh 11.99 and be carbon, oxygen nitrogen, carbon beryllium."""
    found = elements_by_mass(repartitioned(hydrogen), BONDS)
    assert list(found) == PEPTIDE


def test_without_bonds_such_masses_tell_nothing() -> None:
    assert not any(elements_by_mass(repartitioned(3.024)))
    assert list(elements_by_mass(repartitioned(1.008))) == PEPTIDE


def test_deuterium_is_left_as_heavy_as_it_is() -> None:
    masses, bonds = np.array([12.011, 2.014, 2.014, 15.999]), np.array([(0, 1), (0, 2), (0, 3)])
    assert elements_by_mass(masses, bonds) == ("C", "H", "H", "O")


def test_atoms_that_are_not_selected_hold_mass_too() -> None:
    universe = bare_universe(who(PEPTIDE, BONDS))
    universe.add_TopologyAttr("masses", repartitioned(3.0))
    heavy = universe.atoms[[0, 1, 3, 5, 9]]
    assert elements_of(heavy) == ("C", "N", "C", "C", "O")


def test_masses_of_reduced_units_are_no_hydrogens() -> None:
    """GSD says a mass of 1 of every particle where none was given."""
    universe = bare_universe(who(["A", "A", "B"], np.array([(0, 1)])))
    universe.add_TopologyAttr("masses", [1.0, 1.0, 1.0])
    assert elements_of(universe.atoms) == ()


@pytest.mark.parametrize(("name", "residue"), [("W", "W"), ("SC1", "PHE"), ("SC2", "TRP")])
def test_beads_are_no_elements(name: str, residue: str) -> None:
    """MARTINI's water is no tungsten, and its side chains are no sulphur."""
    assert elements_of(bare_universe(who([name] * 3, residues=[residue] * 3)).atoms) == ()


def test_selenomethionine_has_selenium() -> None:
    atoms = bare_universe(who(["CA", "SE", "CE"], residues=["MSE"] * 3)).atoms
    assert elements_of(atoms) == ("C", "Se", "C")


def who(
    names: list[str], bonds: np.ndarray | None = None, residues: list[str] | None = None
) -> Particles:
    return particles_of_kinds(
        names,
        names,
        bonds=() if bonds is None else tuple(map(tuple, bonds.tolist())),
        residues=tuple(residues or ()),
        residue_ids=(1,) * len(names) if residues else (),
    )
