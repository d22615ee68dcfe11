"""Steps past the trained horizon: predictions fed back as the next start."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.models.base import DynamicsModel


def rollout_offsets(
    trained: NDArray[np.int64],  # (T,)
    steps: int,
) -> NDArray[np.int64]:  # (steps,)
    """Frames from the start to each of `steps` predictions of a model trained on `trained` offsets.

    Every T predictions the last one becomes the new start.
    """
    rounds, step = np.divmod(np.arange(steps), len(trained))
    offsets: NDArray[np.int64] = trained[step] + trained[-1] * rounds
    return offsets


@torch.no_grad()
def rollout(
    model: DynamicsModel,
    batch: Batch,
    steps: int,
    trained: NDArray[np.int64],  # (T,)
    hold: Callable[[Tensor], Tensor] = lambda predicted: predicted,
) -> Tensor:  # (steps, M, 3)
    """Predict `steps` positions: one pass inside the trained horizon, autoregressively past it.

    The velocity of a new start is the last difference, of the last two predictions or, at T = 1, of
    the prediction and the start, divided by the frames between: length unit a frame, as in windows.

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
    hold
        What is done to T predictions, (T, M, 3), before the next ones start from them.

    Raises
    ------
    PainetError
        The model gives something else than positions of T steps.
    """
    previous = int(trained[-2]) if len(trained) > 1 else 0
    frames = int(trained[-1]) - previous
    predicted: list[Tensor] = []
    batch = batch.question()
    while True:
        steps_ahead = model(batch)
        batch.check_predicted(steps_ahead, len(trained))
        predicted.extend(steps_ahead.unbind(0))
        if len(predicted) >= steps:  # and no edges are made for a pass that does not come
            return torch.stack(predicted[:steps])
        steps_ahead = hold(steps_ahead)
        before = steps_ahead[-2] if len(trained) > 1 else batch.positions
        velocities = (steps_ahead[-1] - before) / frames
        batch = batch.at(steps_ahead[-1], velocities, _past(batch, steps_ahead, trained))


def _past(
    batch: Batch,
    predicted: Tensor,  # (T, M, 3)
    trained: NDArray[np.int64],  # (T,)
) -> Tensor | None:
    """Displacements from the last prediction to the frames before it, where a model reads them.

    Frames between two predictions lie on the straight line from one to the next.
    """
    if batch.past is None:
        return None
    history = len(batch.past)
    known = torch.cat([batch.past.flip(0), torch.zeros_like(batch.past[:1])]) + batch.positions
    known = torch.cat([known, predicted])
    times = np.concatenate([np.arange(-history, 1), trained])
    place = np.interp(trained[-1] - np.arange(1, history + 1), times, np.arange(len(times)))
    left = np.minimum(place.astype(np.int64), len(times) - 2)
    share = torch.as_tensor(place - left, dtype=known.dtype, device=known.device)[:, None, None]
    return torch.lerp(known[left.tolist()], known[(left + 1).tolist()], share) - predicted[-1]
