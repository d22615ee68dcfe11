"""Predictions that need no learning, each written once: of arrays, for whoever holds a start.

They are what `painet predict` chooses among, and what every figure of `painet evaluate` stands
beside. A mean structure is the one thing that they take from other frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.trajectories.unwrap import superposed

Floats = NDArray[np.floating]

STILL, STRAIGHT = "nothing moves", "straight on"
RECENT, MEAN = "mean of the last frames", "mean structure"
LAST = 10
"""Frames whose mean is a yardstick, the start's own included."""
_MOST_STRUCTURES, _FEWEST_STRUCTURES = 200, 20
_STRUCTURE_PARTICLES = 2_000_000
"""Particles of all frames that a mean structure is the mean of."""


def nothing_moves(
    x: Floats,  # (S, N, 3)
    steps: int,
) -> Floats:  # (S, T, N, 3)
    """X(0) at every step."""
    return np.broadcast_to(x[:, None], (len(x), steps, *x.shape[1:]))


def straight_on(
    x: Floats,  # (S, N, 3)
    velocities: Floats,  # (S, N, 3)
    offsets: NDArray[np.int64],  # (T,)
) -> Floats:  # (S, T, N, 3)
    """X(0) + t V(0)."""
    made: Floats = x[:, None] + offsets[:, None, None].astype(x.dtype) * velocities[:, None]
    return made


def mean_of_last(
    frames: Floats,  # (F, N, 3)
    starts: NDArray[np.int64],  # (S,)
    began: NDArray[np.int64] | int = 0,
) -> NDArray[np.float64]:  # (S, N, 3)
    """Mean of the last `LAST` frames; `began` is the first that may be looked at, of each start."""
    first = np.maximum(starts - LAST + 1, began)
    return np.stack(
        [
            np.mean(frames[a : b + 1], axis=0, dtype=np.float64)
            for a, b in zip(first.tolist(), starts.tolist(), strict=True)
        ]
    )


def mean_structure(frames: Floats) -> NDArray[np.float64]:
    """(N, 3) mean of frames, each superposed on the last."""
    most = max(min(_MOST_STRUCTURES, _STRUCTURE_PARTICLES // frames.shape[1]), _FEWEST_STRUCTURES)
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), most)).round().astype(int)
    total = np.zeros(frames.shape[1:])
    for at in chosen:
        total += superposed(frames[at], frames[-1])
    return total / len(chosen)


def mean_superposed(
    structure: Floats,  # (N, 3)
    x: Floats,  # (S, N, 3)
) -> NDArray[np.float64]:  # (S, N, 3)
    """A mean structure, superposed on each start."""
    return np.stack([superposed(structure, one) for one in x])
