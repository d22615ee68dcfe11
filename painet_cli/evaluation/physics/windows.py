"""Physical checks of a model's predictions on the windows of a dataset."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import Dataset
from painet_cli.evaluation.physics.checks import PhysicsReport, physical_checks
from painet_cli.evaluation.sampled import Sampled


def check_windows(
    dataset: Dataset,
    some: Sampled,
    times_s: NDArray[np.floating],  # (S, T)
) -> PhysicsReport:
    """Check predictions of some windows beside what happened, at so many seconds."""
    manifest = dataset.manifest
    return physical_checks(
        some.starts,
        some.predicted,
        manifest.particles,
        length_unit=manifest.units.length,
        truth=some.truth,
        times_s=times_s,
        up_axis=manifest.up_axis,
    )
