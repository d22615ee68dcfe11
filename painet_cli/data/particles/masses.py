"""Masses of particles, where their elements are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles


def atomic_masses(particles: Particles) -> tuple[NDArray[np.float64], bool]:
    """(N,) atomic masses where every element's is known, and True; ones and False otherwise."""
    if particles.elements:
        from MDAnalysis.guesser.tables import masses

        table = {symbol.upper(): mass for symbol, mass in masses.items()}
        known = [table.get(symbol.upper(), 0.0) for symbol in particles.elements]
        if all(mass > 0 for mass in known):
            return np.array(known), True
    return np.ones(len(particles.names)), False
