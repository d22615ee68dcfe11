"""Recordings whose particles are described whole, as files that are no molecules' have them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.elements import HEAVY, heavy_places
from painet_cli.data.particles.particles import Particles, subset
from painet_cli.data.trajectories.topology import select
from painet_cli.data.trajectories.universe import bare_universe
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
            indices = select(bare_universe(self.particles, self.first), language, self.path).indices
        check_several(f"{option('select', language)} in {self.path}", len(indices))
        return Selected(language, subset(self.particles, indices), indices)
