"""Guesses of what comes next from a recording's own frames: yardsticks, and a weighted past.

All of them turn and move with the coordinates, and cost a few passes over the frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.superpose import stretches, superposed
from painet_cli.prediction.adapting.blocks import Blocks
from painet_cli.prediction.yardsticks import (
    MEAN,
    RECENT,
    STILL,
    STRAIGHT,
    mean_of_last,
    mean_structure,
    nothing_moves,
    straight_on,
)

Frames = NDArray[np.floating]
Numbers = NDArray[np.int64]
Guess = Callable[[Frames, Numbers], NDArray[np.floating]]
"""From (F, N, 3) frames and (S,) starts among them to (S, T, N, 3) positions."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """Something that may predict.

    Attributes
    ----------
    guess
        What it predicts.
    spread
        (S, T, N) standard deviations at some starts, where it knows them.
    again
        The same fitted to other blocks; None of what takes too long.
    run
        The run folder that holds it.
    """

    guess: Guess
    spread: Guess | None = None
    again: Callable[[Blocks], Candidate] | None = None
    run: Path | None = None

    def within(self, begin: int) -> Candidate:
        """The same, looking at no frame before `begin`."""
        return replace(
            self,
            guess=_within(begin, self.guess),
            spread=None if self.spread is None else _within(begin, self.spread),
        )


def _within(begin: int, guess: Guess) -> Guess:
    return lambda frames, starts: guess(frames[begin:], starts - begin)


_SPANS = (2, 4, 8, 16, 32, 64, 128)  # frames whose means the weighted past is made of
_CLASSES = 4  # of particles, by how far they move
_RIDGE = 1e-4  # against the mean of the diagonal
_PULL = 0.3  # of a class towards the weights of all


def yardsticks(learned_from: Frames, offsets: Numbers) -> dict[str, Guess]:
    """Guesses that nothing is learned for, but a mean structure (`prediction/yardsticks.py`)."""
    steps, structure = len(offsets), mean_structure(learned_from)

    def straight(frames: Frames, starts: Numbers) -> Frames:
        x = frames[starts]
        return straight_on(x, x - frames[np.maximum(starts - 1, 0)], offsets)

    def every_step(x: Frames, like: Frames) -> Frames:
        return nothing_moves(x.astype(like.dtype), steps)

    return {
        STILL: lambda frames, starts: nothing_moves(frames[starts], steps),
        STRAIGHT: straight,
        RECENT: lambda frames, starts: every_step(mean_of_last(frames, starts), frames),
        MEAN: lambda frames, starts: every_step(superposed(structure, frames[starts]), frames),
    }


def weighted_past(frames: Frames, starts: Numbers, offsets: Numbers) -> Guess:
    """Fit weights of what is known of the past, by ridge regression in closed form.

    A step's displacement is a weighted sum of the vectors from the start to the means of the last
    2, 4 ... 128 frames and to the mean structure superposed on it. Particles that move about as far
    share weights, which are pulled to those of all.

    Parameters
    ----------
    frames
        (F, N, 3) those that may be learned from; the mean structure is theirs.
    starts
        (S,) starts of the windows to learn from.
    """
    structure = mean_structure(frames)
    spread = np.square(frames - frames.mean(axis=0)).sum(axis=2).mean(axis=0)
    edges = np.quantile(spread, np.arange(1, _CLASSES) / _CLASSES)
    kind = np.searchsorted(edges, spread)
    members = [np.flatnonzero(kind == k) for k in range(_CLASSES)]
    terms = len(_SPANS) + 1
    gram = np.zeros((_CLASSES, terms, terms))
    moment = np.zeros((_CLASSES, terms, len(offsets)))
    for at, inputs in _pasts(frames, starts, structure):
        moved = (frames[at + offsets] - frames[at]).astype(np.float64)
        for k, mine in enumerate(members):
            a, y = (rows[:, mine].reshape(len(rows), -1) for rows in (inputs, moved))
            gram[k] += a @ a.T
            moment[k] += a @ y.T
    whole = gram.sum(axis=0)
    regular = whole + (_RIDGE * np.trace(whole) / terms or 1.0) * np.eye(terms)
    shared = np.linalg.solve(regular, moment.sum(axis=0))
    weights = np.repeat(shared[None], _CLASSES, axis=0)
    for k, mine in enumerate(members):
        if len(mine):
            own = gram[k] + _PULL * len(mine) / len(kind) * regular
            weights[k] += np.linalg.solve(own, moment[k] - gram[k] @ shared)

    def guess(known: Frames, at_starts: Numbers) -> Frames:
        made = np.empty((len(at_starts), len(offsets), *known.shape[1:]), dtype=known.dtype)
        for row, (at, past) in zip(made, _pasts(known, at_starts, structure), strict=True):
            for k, mine in enumerate(members):
                moved = weights[k].T @ past[:, mine].reshape(terms, -1)
                row[:, mine] = known[at][mine] + moved.reshape(len(offsets), -1, 3)
        return made

    return guess


def _pasts(
    frames: Frames, starts: Numbers, structure: Frames
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Every start with (P, N, 3) vectors from it to the means of frames up to it, and a structure.

    The structure is superposed on it.
    """
    for some in stretches(len(starts), len(structure)):
        laid = superposed(structure, frames[starts[some]])
        for at, like in zip(starts[some].tolist(), laid, strict=True):
            yield at, _past(frames, at, like)


def _past(frames: Frames, at: int, structure: Frames) -> NDArray[np.float64]:
    start = frames[at].astype(np.float64)
    total, have, vectors = np.zeros_like(start), 0, []
    for span in _SPANS:
        want = min(span, at + 1)
        if want > have:
            newer = frames[at + 1 - want : at + 1 - have]
            total = total + (newer.sum(axis=0, dtype=np.float64) - len(newer) * start)
            have = want
        vectors.append(total / have)
    return np.stack([*vectors, structure - start])
