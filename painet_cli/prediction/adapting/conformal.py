r"""Radii that hold nine in ten particles: split conformal prediction on windows held out.

The score of a particle is its error over its own scale; the radius is its scale times the quantile
of the scores at that step (Lei et al. 2018, https://doi.org/10.1080/01621459.2017.1307116, section
5.2). Windows of one recording are not exchangeable, so that coverage is a matter of measurement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COVERAGE = 0.9
_PRIOR = 10.0  # windows that the scale of all particles counts for


def radii(
    guess: NDArray[np.floating],  # (S, T, N, 3)
    truth: NDArray[np.floating],  # (S, T, N, 3)
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(T,) radii that hold 90 % of the particles at a step, and (T, N) each particle's own."""
    by_step = [
        _step(np.linalg.norm(guess[:, k].astype(np.float64) - truth[:, k], axis=-1))
        for k in range(guess.shape[1])
    ]
    return np.array([one for one, _ in by_step]), np.stack([own for _, own in by_step])


def _step(errors: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Of (S, N) errors."""
    count = len(errors)
    squared = np.square(errors)
    scale = np.sqrt((squared.sum(axis=0) + _PRIOR * squared.mean()) / (count + _PRIOR))
    scale = np.where(scale > 0, scale, 1.0)
    return _quantile(errors), scale * _quantile(errors / scale)


def _quantile(scores: NDArray[np.float64]) -> float:
    """The conformal quantile of some scores: as many may lie beyond it as the coverage allows."""
    level = min(1.0, np.ceil((scores.size + 1) * COVERAGE) / scores.size)
    return float(np.quantile(scores, level, method="higher"))


def coverage(
    guess: NDArray[np.floating],  # (S, T, N, 3)
    truth: NDArray[np.floating],  # (S, T, N, 3)
    radius: NDArray[np.float64],  # (T, N)
) -> NDArray[np.float64]:
    """(T,) share of particles that came to lie within their radius."""
    errors = np.linalg.norm(guess.astype(np.float64) - truth, axis=-1)
    return np.asarray((errors <= radius).mean(axis=(0, 2)))
