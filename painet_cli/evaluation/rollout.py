"""Steps past the trained horizon: predictions fed back as the next start."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batch import Batch
from painet_cli.models.base import DynamicsModel


def rollout_offsets(
    trained: NDArray[np.int64],  # (T,)
    steps: int,
) -> NDArray[np.int64]:  # (steps,)
    """Frames from the start to each of `steps` predictions of a model trained on `trained` offsets.

    Every T predictions the last one becomes the new start.
    """
    horizon = len(trained)
    k = np.arange(steps)
    return trained[k % horizon] + trained[-1] * (k // horizon)


@torch.no_grad()
def rollout(
    model: DynamicsModel,
    batch: Batch,
    steps: int,
    trained: NDArray[np.int64],  # (T,)
) -> Tensor:  # (steps, M, 3)
    """Predict `steps` positions: one pass inside the trained horizon, autoregressively past it.

    The velocity of a new start is the difference of the last two predictions (or of the start and the one
    prediction, at T = 1), a frame, as DESIGN of the windows has it: length unit a frame.

    Parameters
    ----------
    model
        Predicts T steps at the offsets `trained`.
    batch
        The systems at their start.
    steps
        How many positions to predict.
    trained
        Frames from a start to each of the T targets the model was trained on.
    """
    previous = int(trained[-2]) if len(trained) > 1 else 0
    frames = int(trained[-1]) - previous
    predicted: list[Tensor] = []
    while len(predicted) < steps:
        steps_ahead = model(batch)
        predicted.extend(steps_ahead.unbind(0))
        before = steps_ahead[-2] if len(trained) > 1 else batch.positions
        batch = batch.at(steps_ahead[-1], (steps_ahead[-1] - before) / frames)
    return torch.stack(predicted[:steps])
