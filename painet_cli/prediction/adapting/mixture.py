"""A weighted mean of what was fitted to a recording and the checkpoint.

Errors of a network that was trained elsewhere and of a kernel of the recording's own frames have
little in common, so that their mean is often better than either. Weights that are best on some
windows are not best later; half way from them to the best one alone nearly nothing is lost where
they are wrong (docs/predictions-measured.md).

A mean of two ways that a bond may point is shorter than either: its bonds are held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.lengths import with_bonds_held
from painet_cli.data.particles.particles import Particles
from painet_cli.models.stack import best_weights
from painet_cli.prediction.adapting.cuts import Cut, again
from painet_cli.prediction.adapting.guesses import Candidate
from painet_cli.prediction.adapting.lesson import Lesson

MIXTURE = "weighted mean"
_LEAST = 0.02
"""Smaller weights are left out."""


def weights_of(cuts: Sequence[Cut], best: str) -> dict[str, float]:
    """Weights of candidates, which are those of every cut: half of all for the best.

    Parameters
    ----------
    cuts
        Times of the recording, which count alike.
    best
        Name of what is best alone.

    Returns
    -------
    dict
        No weight is less than 0.02, and their sum is one; the best alone where nothing helps it.
    """
    names = list(cuts[0].guesses)
    products = np.zeros((len(names), len(names)))
    for cut in cuts:
        truth = cut.truth.astype(np.float64)
        errors = np.stack([(cut.guesses[name] - truth).ravel() for name in names])
        products += errors @ errors.T / errors.shape[1]
    halves = 0.5 * best_weights(products) + 0.5 * (np.array(names) == best)
    kept = {name: weight for name, weight in zip(names, halves, strict=True) if weight >= _LEAST}
    total = float(sum(kept.values()))
    return {name: float(weight) / total for name, weight in kept.items()}


def with_mixture(cut: Cut, weights: Mapping[str, float], lesson: Lesson) -> Cut:
    """A cut, and in it the mean of its candidates with these weights."""
    particles = lesson.system.particles
    mean = with_bonds_held(mean_of(cut.guesses, weights), lesson.known[cut.starts], particles)
    return cut.beside(MIXTURE, mixed(cut.candidates, weights, particles), mean)


def mixed(
    candidates: Mapping[str, Candidate], weights: Mapping[str, float], particles: Particles
) -> Candidate:
    """The mean of those of the candidates that have a weight, its bonds held."""
    members = {name: candidates[name] for name in weights}

    def guess(frames: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.floating]:
        guesses = {name: one.guess(frames, starts) for name, one in members.items()}
        return with_bonds_held(mean_of(guesses, weights), frames[starts], particles)

    if any(one.run is not None for one in members.values()):
        return Candidate(guess)
    return Candidate(guess, again=lambda blocks: mixed(again(members, blocks), weights, particles))


def mean_of(
    guesses: Mapping[str, NDArray[np.floating]], weights: Mapping[str, float]
) -> NDArray[np.floating]:
    """(S, T, N, 3) Weighted mean of predictions, to the digits of the first."""
    first, *others = weights
    moved = sum((weights[name] * (guesses[name] - guesses[first]) for name in others), 0.0)
    mean: NDArray[np.floating] = guesses[first] + moved
    return mean.astype(guesses[first].dtype)
