"""Which particles belong to one residue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.manifest import Particles


def residue_starts(particles: Particles) -> NDArray[np.int64]:
    """List the first particle of every residue, (residues,).

    A residue is a run of particles that agree in chain, number and name; particles that say nothing
    of residues are one.
    """
    own = [
        labels for labels in (particles.chains, particles.residue_ids, particles.residues) if labels
    ]
    begins = np.zeros(len(particles.names), dtype=bool)
    begins[0] = True
    for labels in own:
        # as objects: numpy would cut or pad text, and comparing is all that is needed
        column = np.array(labels, dtype=object)
        begins[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(begins)
