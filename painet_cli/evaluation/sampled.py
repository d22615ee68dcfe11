"""Some windows of a dataset, what a model predicts of them, and what happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.windows import Windows, spread_out
from painet_cli.errors import RequestError
from painet_cli.evaluation.metrics import predictions
from painet_cli.models.base import DynamicsModel

MOST_WINDOWS = 200
"""Windows that are looked at, evenly spread over all: means settle long before, and what is broken
shows in a few."""
_MOST_POSITIONS = 2**24
"""Fewer windows are taken where they would hold more predicted positions: 200 MB as float32."""


@dataclass(frozen=True, eq=False)
class Sampled:
    """Windows evenly spread over all.

    Attributes
    ----------
    numbers
        (S,) which windows.
    starts
        (S, N, 3) positions that predictions start from.
    predicted, truth
        (S, T, N, 3) what a model says, and what happened.
    """

    numbers: Tensor
    starts: NDArray[np.float32]
    predicted: NDArray[np.float32]
    truth: NDArray[np.float32]


def sample_windows(
    model: DynamicsModel,
    windows: Windows,
    batch_size: int,
    trained: NDArray[np.int64],  # (T,)
    most: int = MOST_WINDOWS,
) -> Sampled:
    """Predict windows that are evenly spread over all.

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
    most
        Most windows that are taken.

    Raises
    ------
    RequestError
        The dataset has several systems.
    """
    manifest = windows.dataset.manifest
    if manifest.systems:
        raise RequestError(
            f"dataset {manifest.name}: several systems, and distributions and physical "
            "checks are of one",
            "`painet predict FILE` checks predictions of one system (--physics, --distribution)",
        )
    n, steps = len(manifest.particles.names), len(windows.offsets)
    numbers = spread_out(len(windows), min(most, max(1, _MOST_POSITIONS // (n * steps))))
    starts: list[NDArray[np.float32]] = []
    predicted: list[NDArray[np.float32]] = []
    truth: list[NDArray[np.float32]] = []
    batches = windows.batches(batch_size, numbers)
    for batch, steps_ahead in predictions(model, batches, steps, trained):
        starts.append(batch.positions.cpu().numpy().reshape(-1, n, 3))
        for kept, positions in ((predicted, steps_ahead), (truth, batch.known_targets())):
            by_step = positions.cpu().numpy().reshape(steps, -1, n, 3)
            kept.append(by_step.swapaxes(0, 1))
    return Sampled(
        numbers, np.concatenate(starts), np.concatenate(predicted), np.concatenate(truth)
    )
