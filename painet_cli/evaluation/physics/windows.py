"""Physical checks of a model's predictions on the windows of a dataset."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from painet_cli.data.batches.windows import Windows
from painet_cli.errors import RequestError
from painet_cli.evaluation.metrics import predictions
from painet_cli.evaluation.physics.checks import PhysicsReport, physical_checks
from painet_cli.models.base import DynamicsModel

MOST_WINDOWS = 200
"""Windows that are checked, evenly spread over all: means settle long before, and what is broken
shows in a few."""
_MOST_POSITIONS = 2**24
"""Fewer windows are checked where 200 would hold more predicted positions: 200 MB as float32."""


def check_windows(
    model: DynamicsModel,
    windows: Windows,
    batch_size: int,
    trained: NDArray[np.int64],  # (T,)
) -> PhysicsReport:
    """Predict windows that are evenly spread over all, and check them beside what happened.

    Parameters
    ----------
    model
        Predicts at the offsets `trained`; steps past them are rolled out.
    windows
        Where predictions start, with their targets.
    batch_size
        Windows predicted at once.
    trained
        Frames from a start to each of the T targets the model was trained on.

    Raises
    ------
    RequestError
        The dataset has several systems.
    """
    if windows.dataset.manifest.systems:
        raise RequestError(
            f"dataset {windows.dataset.manifest.name}: several systems, and physical checks are of "
            "one",
            "`painet predict FILE --physics` checks predictions of one system",
        )
    manifest = windows.dataset.manifest
    n, steps = len(manifest.particles.names), len(windows.offsets)
    count = min(len(windows), MOST_WINDOWS, max(1, _MOST_POSITIONS // (n * steps)))
    order = torch.linspace(0, len(windows) - 1, count, dtype=torch.float64).round().long()
    starts: list[NDArray[np.float32]] = []
    predicted: list[NDArray[np.float32]] = []
    truth: list[NDArray[np.float32]] = []
    batches = windows.batches(batch_size, order)
    for batch, steps_ahead in predictions(model, batches, steps, trained):
        starts.append(batch.positions.cpu().numpy().reshape(-1, n, 3))
        for kept, positions in ((predicted, steps_ahead), (truth, batch.known_targets())):
            by_step = positions.cpu().numpy().reshape(steps, -1, n, 3)
            kept.append(by_step.swapaxes(0, 1))
    return physical_checks(
        np.concatenate(starts),
        np.concatenate(predicted),
        manifest.particles,
        length_unit=manifest.units.length,
        truth=np.concatenate(truth),
        times_s=windows.offsets * manifest.units.frame_time_s,
        up_axis=manifest.up_axis,
    )
