"""Errors of guesses where a system's place and turn do not count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.superpose import stretches, superposed


def superposed_mse(
    guess: NDArray[np.floating],  # (S, T, N, 3)
    truth: NDArray[np.floating],  # (S, T, N, 3)
) -> NDArray[np.float64]:
    """(T,) MSE at each step, every guess superposed on its truth."""
    starts, steps, particles, _ = guess.shape
    total = np.zeros((starts, steps))
    for step in range(steps):
        for some in stretches(starts, particles):
            known = truth[some, step]
            moved = superposed(guess[some, step], known) - known
            total[some, step] = np.square(moved).mean(axis=(1, 2))
    mean: NDArray[np.float64] = total.mean(axis=0)
    return mean
