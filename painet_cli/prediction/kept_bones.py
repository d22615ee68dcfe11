"""A forecast whose bones are as long as at its starts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from painet_cli.data.motion.bvh_writer import parents_of
from painet_cli.errors import RequestError, option
from painet_cli.models.kernel.bones import paths, with_bones_of
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.sanity import sanity_of


def with_kept_bones(forecast: Forecast) -> Forecast:
    """Move predicted joints, from the root outward, so that bones keep their lengths.

    The root and the directions of bones are those that were predicted.

    Raises
    ------
    RequestError
        The bonds are no tree, as those of a molecule with a ring.
    """
    system = forecast.system
    parents = parents_of(system.particles.bonds, len(system.particles.names))
    if parents is None:
        raise RequestError(
            f"{option('keep_bones', value=True)}: the bonds of {system.name} are no tree",
            f"leave {option('keep_bones', value=True)} out: it is for skeletons",
        )
    count = len(system.particles.names)
    parent, depth = np.arange(count), np.zeros(count, dtype=np.int64)
    for joint, above in parents.items():
        parent[joint], depth[joint] = above, depth[above] + 1
    start = torch.from_numpy(forecast.start_positions.astype(np.float64))
    kept = with_bones_of(
        start,
        torch.from_numpy(forecast.positions.astype(np.float64)),
        torch.from_numpy(parent),
        paths(parent, depth),
    )
    positions = kept.numpy().astype(forecast.positions.dtype)
    sanity = forecast.sanity
    judged = sanity_of(positions, forecast.start_positions, system.particles, "")
    said = tuple(one for one in forecast.warnings if sanity is None or one != sanity.sentence)
    return replace(
        forecast,
        positions=positions,
        sanity=judged,
        warnings=(*said, *([judged.sentence] if judged.sentence else [])),
    )
