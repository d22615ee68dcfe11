r"""Radii that hold nine in ten particles: split conformal prediction on windows held out.

The score of a particle is its error over a scale, and its radius the scale times the quantile of
the scores at that step (Lei et al. 2018, https://doi.org/10.1080/01621459.2017.1307116, section
5.2). Where a model knows a standard deviation for every start, that is the scale; else each
particle has its own. Windows of one recording are not exchangeable, so that coverage is a matter of
measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

COVERAGE = 0.9
_MOST_FASTER = 4.0
"""By how much a system's own speed changes its radii at most."""
_PRIOR = 10.0  # windows that the scale of all particles counts for


@dataclass(frozen=True, eq=False)
class Radii:
    """What makes a radius of a particle at a step.

    Attributes
    ----------
    pooled
        (T,) radii that hold 90 % of the particles, whichever and wherever.
    quantile
        (T,) quantiles of errors over their scale.
    scale
        (T, N) each particle's own; (0, 0) where the scale is the model's standard deviation at a
        start.
    speed
        Root mean square speed of the starts that these are of, unit of length a frame, where radii
        grow with a system's own; else 0.
    """

    pooled: NDArray[np.float64]
    quantile: NDArray[np.float64]
    scale: NDArray[np.float64]
    speed: float = 0.0

    @property
    def by_spread(self) -> bool:
        """Whether it takes a model's standard deviations."""
        return not self.scale.size

    def typical(self, radius: NDArray[np.float64]) -> NDArray[np.float64]:
        """(T,) of some starts' (S, T, N) radii, what holds 90 % of the particles at a step."""
        return radius.mean(axis=(0, 2)) if self.by_spread or self.speed else self.pooled

    def first(self, steps: int) -> Radii:
        """Those of the first steps."""
        return Radii(self.pooled[:steps], self.quantile[:steps], self.scale[:steps], self.speed)

    def of(
        self, spread: Floats | None, starts: int, speeds: Floats | None = None
    ) -> NDArray[np.float64]:
        """(S, T, N) radii at some starts.

        Parameters
        ----------
        spread
            (S, T, N) standard deviations there, where `by_spread`.
        speeds
            (S,) root mean square speeds there; radii of a start at rest are those of a usual one.
        """
        if self.speed and speeds is not None:
            wider = by_speed(speeds, self.speed)[:, None, None]
            return wider * replace(self, speed=0.0).of(spread, starts)
        scale = self.scale if spread is None or not self.by_spread else spread.astype(np.float64)
        made = self.quantile[:, None] * scale
        return np.broadcast_to(made, (starts, *made.shape[-2:]))


def by_speed(speeds: Floats, usual: float) -> NDArray[np.float64]:
    """By how much radii of systems with these speeds are wider than those of a usual one.

    They are in proportion, but for what hardly moves or moves far faster; a system at rest is
    taken for a usual one.
    """
    known = np.where(speeds > 0, speeds / usual, 1.0)
    return np.clip(known, 1 / _MOST_FASTER, _MOST_FASTER)


def fit_radii(
    errors: Floats,  # (S, T, N)
    spread: Floats | None,  # (S, T, N)
    independent: float,
) -> Radii:
    """Radii from the errors of windows that were not learned from.

    Parameters
    ----------
    errors
        Distances of each particle from where it came to lie.
    spread
        What the model took them for, where it says so.
    independent
        As many windows as share no frames: how much each particle's own errors count.
    """
    wide = errors.astype(np.float64)
    pooled = np.array([quantile_of(wide[:, k]) for k in range(wide.shape[1])])
    if spread is not None:
        scores = wide / np.maximum(spread, np.finfo(np.float64).tiny)
        none = np.empty((0, 0))
        return Radii(pooled, np.array([quantile_of(one) for one in scores.swapaxes(0, 1)]), none)
    squared = np.square(wide).mean(axis=0)  # (T, N)
    mean = squared.mean(axis=1, keepdims=True)
    scale = shrunken(squared, mean, independent)
    quantile = np.array([quantile_of(one) for one in (wide / scale).swapaxes(0, 1)])
    return Radii(pooled, quantile, scale)


def shrunken(
    squared: NDArray[np.float64],  # (T, N)
    mean: NDArray[np.float64],  # (T, 1)
    counts: float | NDArray[np.float64],  # () or (N,)
) -> NDArray[np.float64]:  # (T, N)
    """Scales from mean squared errors, drawn to that of all where few windows were counted."""
    scale = np.sqrt((counts * squared + _PRIOR * mean) / (counts + _PRIOR))
    made: NDArray[np.float64] = np.where(scale > 0, scale, 1.0)
    return made


def by_type(radii: Radii, types: NDArray[np.int64]) -> NDArray[np.float64]:
    """(T, E) scale of each particle type: the mean of its particles, of all where it has none."""
    columns = [radii.scale[:, types == one] for one in range(int(types.max()) + 1)]
    return np.stack([(own if own.size else radii.scale).mean(axis=1) for own in columns], axis=1)


def joined(several: Sequence[Radii]) -> Radii:
    """The mean of several models' radii, for the mean of their predictions."""
    quantile, pooled = (
        np.mean([getattr(one, name) for one in several], axis=0) for name in ("quantile", "pooled")
    )
    scale = np.mean([one.quantile[:, None] * one.scale for one in several], axis=0)
    scale = scale / np.where(quantile > 0, quantile, 1.0)[:, None]
    return Radii(pooled, quantile, scale, float(np.mean([one.speed for one in several])))


def quantile_of(scores: NDArray[np.float64]) -> float:
    """The conformal quantile of some scores: as many may lie beyond it as the coverage allows."""
    level = min(1.0, np.ceil((scores.size + 1) * COVERAGE) / scores.size)
    return float(np.quantile(scores, level, method="higher"))


def coverage(
    guess: Floats,  # (S, T, N, 3)
    truth: Floats,  # (S, T, N, 3)
    radius: NDArray[np.float64],  # (T, N) or (S, T, N)
) -> NDArray[np.float64]:
    """(T,) share of particles that came to lie within their radius."""
    return np.asarray((distances(guess, truth) <= radius).mean(axis=(0, 2)))


def distances(
    guess: Floats,  # (S, T, N, 3)
    truth: Floats,  # (S, T, N, 3)
) -> NDArray[np.float64]:  # (S, T, N)
    """How far every particle is from where it came to lie."""
    return np.asarray(np.linalg.norm(guess.astype(np.float64) - truth, axis=-1))
