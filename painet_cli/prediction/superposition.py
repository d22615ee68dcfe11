"""Structures laid on one another: what is left when a system's place and turn do not count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def superposed(
    moving: NDArray[np.floating],  # (..., N, 3)
    fixed: NDArray[np.floating],  # (..., N, 3)
) -> NDArray[np.float64]:
    """(..., N, 3) structures turned and moved to lie on others with the least squared error.

    No mirror is taken (Kabsch 1976, https://doi.org/10.1107/S0567739476001873).
    """
    a, b = np.broadcast_arrays(moving.astype(np.float64), fixed.astype(np.float64))
    centre = b.mean(axis=-2, keepdims=True)
    a, b = a - a.mean(axis=-2, keepdims=True), b - centre
    left, _, right = np.linalg.svd(np.swapaxes(a, -1, -2) @ b)
    left[..., -1] *= np.sign(np.linalg.det(left @ right))[..., None]
    return np.asarray(a @ (left @ right) + centre)


def superposed_mse(
    guess: NDArray[np.floating],  # (S, T, N, 3)
    truth: NDArray[np.floating],  # (S, T, N, 3)
) -> NDArray[np.float64]:
    """(T,) MSE at each step, every guess superposed on its truth."""
    total = np.zeros(guess.shape[1])
    for one, real in zip(guess, truth, strict=True):  # a start at a time, for memory
        total += np.square(superposed(one, real) - real).mean(axis=(1, 2))
    return total / len(guess)
