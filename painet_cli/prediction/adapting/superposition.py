"""Errors of guesses where a system's place and turn do not count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.trajectories.unwrap import superposed


def superposed_mse(
    guess: NDArray[np.floating],  # (S, T, N, 3)
    truth: NDArray[np.floating],  # (S, T, N, 3)
) -> NDArray[np.float64]:
    """(T,) MSE at each step, every guess superposed on its truth."""
    total = np.zeros(guess.shape[1])
    for steps, real in zip(guess, truth, strict=True):  # a frame at a time, for memory
        total += [
            np.square(superposed(one, known) - known).mean()
            for one, known in zip(steps, real, strict=True)
        ]
    return total / len(guess)
