"""How large errors usually are after some time: what the loss `relative` counts by."""

from __future__ import annotations

import numpy as np
import torch

from painet_cli.data.batches.spacing import UsualErrors
from painet_cli.data.batches.windows import Windows, spread_out

_MOST = 20_000
"""Windows that are looked at."""
_BATCH = 64
_BINS = 24
_FEWEST = 8
"""Errors that make a mean."""


@torch.no_grad()
def usual_errors(windows: Windows) -> UsualErrors:
    """Mean squared error of the better of two guesses, nothing moves and straight on, by time.

    Times are brought together in bins of their logarithm, each with at least a few windows.
    """
    numbers = spread_out(len(windows), _MOST)
    ahead = torch.from_numpy(windows.offsets)[:, None, None]
    rows = []
    for batch in windows.batches(_BATCH, numbers):
        x, v, known = batch.positions, batch.velocities, batch.known_targets()
        sizes = batch.graph.ptr.diff()
        for guess in (x, x + ahead.to(x) * v):
            squared = (known - guess).square().mean(dim=-1).t()  # (M, T)
            sums = squared.new_zeros(len(sizes), squared.shape[1])
            rows.append(sums.index_add_(0, batch.graph.system, squared) / sizes[:, None])
    still, straight = (torch.cat(rows[first::2]).double().cpu().numpy() for first in (0, 1))
    times = windows.target_times_s(numbers)  # (S, T)
    edges = np.geomspace(times.min(), times.max() * (1 + 1e-9), _BINS + 1)
    place = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, _BINS - 1)
    found = [
        (times[here].mean(), min(still[here].mean(), straight[here].mean()))
        for one in range(_BINS)
        if (here := place == one).sum() >= _FEWEST
    ] or [(times.mean(), min(still.mean(), straight.mean()))]
    at, errors = np.array(found).T
    return UsualErrors(at, np.where(errors > 0, errors, 1.0))
