"""Guesses of what comes next from a recording's own frames: yardsticks, and a weighted past.

All of them turn and move with the coordinates, and cost a few passes over the frames.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.trajectories.unwrap import superposed

Frames = NDArray[np.floating]
Numbers = NDArray[np.int64]
Guess = Callable[[Frames, Numbers], NDArray[np.floating]]
"""From (F, N, 3) frames and (S,) starts among them to (S, T, N, 3) positions."""

LAST = 10
"""Frames whose mean is a yardstick, the start's own included."""
_SPANS = (2, 4, 8, 16, 32, 64, 128)  # frames whose means the weighted past is made of
_CLASSES = 4  # of particles, by how far they move
_RIDGE = 1e-4  # against the mean of the diagonal
_PULL = 0.3  # of a class towards the weights of all
_MOST_STRUCTURES = 200


def nothing_moves(steps: int) -> Guess:
    """X(0) at every step."""

    def guess(frames: Frames, starts: Numbers) -> Frames:
        return np.repeat(frames[starts][:, None], steps, axis=1)

    return guess


def straight_on(offsets: Numbers) -> Guess:
    """X(0) + t V(0), with the velocity from the frame before."""

    def guess(frames: Frames, starts: Numbers) -> Frames:
        x = frames[starts][:, None]
        velocity = x - frames[np.maximum(starts - 1, 0)][:, None]
        return np.asarray(x + offsets[:, None, None].astype(frames.dtype) * velocity)

    return guess


def mean_of_last(steps: int) -> Guess:
    """The mean of the last `LAST` frames."""

    def guess(frames: Frames, starts: Numbers) -> Frames:
        mean = np.stack([frames[max(0, at - LAST + 1) : at + 1].mean(axis=0) for at in starts])
        return np.repeat(mean[:, None], steps, axis=1)

    return guess


def mean_structure(frames: Frames) -> NDArray[np.float64]:
    """(N, 3) mean of frames, each superposed on the last."""
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), _MOST_STRUCTURES)).round().astype(int)
    total = np.zeros(frames.shape[1:])
    for at in chosen:
        total += superposed(frames[at], frames[-1])
    return total / len(chosen)


def mean_superposed(structure: Frames, steps: int) -> Guess:
    """A mean structure, superposed on the start."""

    def guess(frames: Frames, starts: Numbers) -> Frames:
        laid = np.stack([superposed(structure, frames[at]) for at in starts]).astype(frames.dtype)
        return np.repeat(laid[:, None], steps, axis=1)

    return guess


def yardsticks(learned_from: Frames, offsets: Numbers) -> dict[str, Guess]:
    """Guesses that nothing is learned for, but a mean structure."""
    steps = len(offsets)
    return {
        "nothing moves": nothing_moves(steps),
        "straight on": straight_on(offsets),
        "mean of the last frames": mean_of_last(steps),
        "mean structure": mean_superposed(mean_structure(learned_from), steps),
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
    for at in starts.tolist():
        inputs = _past(frames, at, structure)
        moved = (frames[at + offsets] - frames[at]).astype(np.float64)
        for k, mine in enumerate(members):
            a, y = (rows[:, mine].reshape(len(rows), -1) for rows in (inputs, moved))
            gram[k] += a @ a.T
            moment[k] += a @ y.T
    whole = gram.sum(axis=0)
    regular = whole + (_RIDGE * np.trace(whole) / terms or 1.0) * np.eye(terms)
    shared = np.linalg.solve(regular, moment.sum(axis=0))
    weights = np.empty((len(kind), terms, len(offsets)))
    for k, mine in enumerate(members):
        share = len(mine) / len(kind)
        own = gram[k] + _PULL * share * regular
        off = np.linalg.solve(own, moment[k] - gram[k] @ shared) if share else 0.0
        weights[mine] = shared + off

    def guess(known: Frames, at_starts: Numbers) -> Frames:
        made = [
            known[at] + np.einsum("pnc,npt->tnc", _past(known, at, structure), weights)
            for at in at_starts.tolist()
        ]
        return np.stack(made).astype(known.dtype)

    return guess


def _past(frames: Frames, at: int, structure: Frames) -> NDArray[np.float64]:
    """(P, N, 3) vectors from a start to the means of frames up to it, and to a structure."""
    start = frames[at].astype(np.float64)
    total, have, vectors = np.zeros_like(start), 0, []
    for span in _SPANS:
        want = min(span, at + 1)
        if want > have:
            newer = frames[at + 1 - want : at + 1 - have]
            total = total + (newer - start).sum(axis=0)
            have = want
        vectors.append(total / have)
    return np.stack([*vectors, superposed(structure, frames[at]) - start])
