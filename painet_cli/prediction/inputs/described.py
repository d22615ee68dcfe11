"""Recordings whose particles are described whole, as files that are no molecules' have them."""

from __future__ import annotations

import numpy as np
from MDAnalysis import Universe
from numpy.typing import NDArray

from painet_cli.data.particles.elements import HEAVY, heavy_places
from painet_cli.data.particles.particles import Particles, residue_starts, subset
from painet_cli.data.trajectories.topology import select
from painet_cli.errors import option
from painet_cli.prediction.inputs.recording import Recording, Selected, check_several


class ParticleRecording(Recording):
    """A recording whose particles are described whole, and selected from there."""

    particles: Particles
    first: NDArray[np.floating]

    def select(self, language: str) -> Selected:
        """Choose particles; see `Recording.select`."""
        count = len(self.particles.names)
        if language == "all":
            return Selected(language, self.particles, np.arange(count))
        if language == HEAVY:
            indices = heavy_places(self.particles.elements, count, self.path)
        else:
            indices = select(_universe(self.particles, self.first), language, self.path).indices
        check_several(f"{option('select', language)} in {self.path}", len(indices))
        return Selected(language, subset(self.particles, indices), indices)


def _universe(particles: Particles, positions: NDArray[np.floating]) -> Universe:
    """What a selection is asked of: names, elements, residues and places, no bonds."""
    firsts = residue_starts(particles)
    residue_of = np.zeros(len(particles.names), dtype=np.int64)
    residue_of[firsts[1:]] = 1
    universe = Universe.empty(
        len(particles.names),
        n_residues=len(firsts),
        atom_resindex=residue_of.cumsum(),
        trajectory=True,
    )
    universe.add_TopologyAttr("names", particles.names)
    universe.add_TopologyAttr("types", [particles.type_names[k] for k in particles.types])
    if particles.elements:
        universe.add_TopologyAttr("elements", particles.elements)
    if particles.residues:
        universe.add_TopologyAttr("resnames", [particles.residues[k] for k in firsts])
    if particles.residue_ids:
        universe.add_TopologyAttr("resids", [particles.residue_ids[k] for k in firsts])
    universe.atoms.positions = positions
    return universe
