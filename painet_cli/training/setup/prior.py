"""Kernels that training windows were not seen by, as the prior of what is learned from them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from painet_cli.data.batches.windows import Windows
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel
from painet_cli.models.prior import OnPrior
from painet_cli.training.augmentation import AllWindows, Augmentation

FOLDS = 5
"""Kernels that are fitted, each without its part of the training windows."""
_BATCH = 256


def fit_prior(
    model: DynamicsModel, train: Windows, val: Windows, augmentation: Augmentation
) -> None:
    """Fit the kernel that a model stands on, if it does, and tell training windows of others.

    Afterwards the batches of `train` say what kernels predict that were fitted without the window's
    segment, or without its stretch of time where there is one segment alone. Weights and ridge are
    those that the validation windows choose for the kernel of all windows.

    Raises
    ------
    RequestError
        The systems have not the same particles, their times are drawn, or windows are too few.
    """
    if not isinstance(model, OnPrior) or model.kernel is None:
        return
    if train.drawn:
        raise RequestError(
            "model.prior: kernel: reads windows of one time between frames, and data.delta_time "
            "draws it",
            "set data.delta_time=null, or choose the prior straight",
        )
    kernel = model.kernel
    kernel.fit(augmentation.all_of(train, _BATCH), AllWindows(val, _BATCH))
    predicted: dict[int, torch.Tensor] = {}
    for held, others in folds(train):
        part = kernel.refitted(augmentation.all_of(train.only(others), _BATCH))
        windows = train.only(held)
        with torch.no_grad():
            moved = [part(batch) - batch.positions for batch in windows.batches(_BATCH)]
        n = len(part.part)
        by_window = torch.cat([m.unflatten(1, (-1, n)) for m in moved], dim=1).transpose(0, 1)
        predicted |= dict(zip(held.tolist(), by_window, strict=True))
    train.prior = torch.stack([predicted[window] for window in range(len(train))])


def folds(windows: Windows) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places of the windows that are held out, and of those that are fitted to meanwhile.

    Windows of a segment are held out together; of the segments, the one with the most windows goes
    to the fold with the fewest. A single segment is cut into stretches, and no window is fitted to
    that shares frames with one that is held out.

    Raises
    ------
    RequestError
        A fold would leave nothing to fit to.
    """
    starts, places = windows.starts, np.arange(len(windows))
    segment = windows.dataset.manifest.segment_at(starts)
    names, counts = np.unique(segment, return_counts=True)
    # what may be missing before a start is read where it is there
    reach = int(windows.offsets[-1]) + max(0, -int(windows.before.offsets.min()))
    if len(names) == 1:
        order = np.argsort(starts, kind="stable")
        held = [np.sort(part) for part in np.array_split(order, FOLDS) if len(part)]
    else:
        filled = np.zeros(min(FOLDS, len(names)), dtype=np.int64)
        fold = dict.fromkeys(names.tolist(), 0)
        for k in np.argsort(-counts, kind="stable"):
            fold[int(names[k])] = int(filled.argmin())
            filled[filled.argmin()] += counts[k]
        of_window = np.array([fold[s] for s in segment.tolist()])
        held = [places[of_window == f] for f in range(len(filled))]
    found = [(part, _apart(segment, starts, part, reach)) for part in held]
    if any(len(others) < 2 for _, others in found):
        raise RequestError(
            f"model.prior: kernel: {len(places)} training windows are too few to hold some out",
            "choose the prior straight, or prepare more windows",
        )
    return found


def _apart(
    segment: NDArray[np.int64], starts: NDArray[np.int64], held: NDArray[np.int64], reach: int
) -> NDArray[np.int64]:
    """Places of the windows outside a fold that share no frame with any in it."""
    outside = np.setdiff1d(np.arange(len(starts)), held)
    inside = np.sort(starts[held])
    at = np.searchsorted(inside, starts[outside])
    before, after = inside[np.maximum(at - 1, 0)], inside[np.minimum(at, len(inside) - 1)]
    near = np.minimum(abs(starts[outside] - before), abs(after - starts[outside]))
    same = np.isin(segment[outside], segment[held])
    kept: NDArray[np.int64] = outside[~same | (near > reach)]
    return kept
