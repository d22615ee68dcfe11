"""Hydrogens of a topology that a selection leaves out, counted for the atoms that have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from painet_cli.data.particles.hydrogens import hydrogens_of
from painet_cli.data.particles.particles import Particles
from painet_cli.data.trajectories.atom_elements import elements_of


def with_hydrogens(particles: Particles, selected: Any) -> Particles:
    """Particles of an `AtomGroup` with their numbers of hydrogens, where elements are known."""
    everyone = selected.universe.atoms
    if not particles.elements or selected.n_atoms == everyone.n_atoms:
        return particles
    elements = elements_of(everyone)
    is_hydrogen = (
        np.array(elements) == "H"
        if elements
        else np.array([name.lstrip("0123456789")[:1] == "H" for name in everyone.names])
    )
    found = hydrogens_of(
        everyone.positions, is_hydrogen, selected.indices, everyone.universe.dimensions
    )
    return particles.model_copy(update={"hydrogens": found})
