"""The frames before a start, cut into blocks to learn from, to choose by and to hold against."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

HELD, CHOSEN, LEARNED = 10, 8, 22
"""Fewest windows of a block."""
_JUMP = 20.0
"""Times the median step that parts recordings which do not belong together."""
_LEAST_EDGE = 4.0
"""Angstrom; no periodic box is narrower."""
_FEW_JUMPS = 0.02  # of the steps; a recording with more moves by leaps


@dataclass(frozen=True)
class Blocks:
    """Starts of windows, whose targets lie in their own block.

    Attributes
    ----------
    learn, choose, held
        (S,) starts, the later blocks after the earlier.
    """

    learn: NDArray[np.int64]
    choose: NDArray[np.int64]
    held: NDArray[np.int64]


def frames_needed(last: int) -> int:
    """Frames up to the start, its own included, that suffice to predict `last` frames ahead."""
    return HELD + CHOSEN + LEARNED + 3 * last + 1


def cut(begin: int, start: int, last: int) -> Blocks | None:
    """Cut frames `begin` to `start`, its own included; None where they are too few.

    The last fifth is held out, a sixth before it is to choose by.
    """
    count = start + 1 - begin
    if count < frames_needed(last):
        return None
    held = start + 1 - max(count // 5, HELD + last)
    choose = held - max(count // 6, CHOSEN + last)
    return Blocks(
        np.arange(begin + 1, choose - last),
        np.arange(choose, held - last),
        np.arange(held, start + 1 - last),
    )


def cut_to_measure(begin: int, start: int, last: int) -> Blocks | None:
    """Cut frames that are too few to learn from: the later half is held out; None of very few.

    No window is learned from, and what is before those held out is all that a mean is of.
    """
    held = start + 1 - max((start + 1 - begin) // 2, HELD + last)
    if held <= begin:
        return None
    starts = np.arange(held, start + 1 - last)
    return Blocks(starts[:0], starts, starts)


def leaps(frames: NDArray[np.floating]) -> NDArray[np.int64]:
    """Frames that lie many times the median step from the one before; none of fewer than four."""
    moved = np.array([np.square(later - before).mean() for before, later in pairwise(frames)])
    moving = moved[moved > 0]
    if len(frames) < 4 or not len(moving):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(moved > _JUMP**2 * np.median(moving)) + 1


def last_jump(frames: NDArray[np.floating]) -> int:
    """The frame at which the last part begins that belongs together; 0 where all do."""
    found = leaps(frames)
    few = len(found) and len(found) <= max(1, _FEW_JUMPS * (len(frames) - 1))
    return int(found[-1]) if few else 0


def leaps_note(frames: NDArray[np.floating]) -> str:
    """What is to be said of molecules that leap again and again; empty of those that do not.

    What leaps by less than a box is wide, such as a geometry that is optimised, crosses none.
    """
    found = leaps(frames)
    farthest = (np.linalg.norm(frames[k] - frames[k - 1], axis=-1).max() for k in found.tolist())
    count = sum(moved > _LEAST_EDGE for moved in farthest)
    if not count:
        return ""
    return (
        f"{count:,} of {len(frames):,} frames lie far from the one before, as no molecules "
        "move: where these leave a periodic box by one face and come back by another, write them "
        "with the box, or without jumps (gmx trjconv -pbc nojump)"
    )


def seen_again(frames: NDArray[np.floating], held: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(F,) whether a frame is, bit by bit, one from the first held-out start on."""
    marks = np.array([hash(frame.tobytes()) for frame in frames])
    return np.isin(marks, marks[held[0] :])


def repeats(frames: NDArray[np.floating]) -> int:
    """Frames that are equal to the one before."""
    return sum(np.array_equal(a, b) for a, b in pairwise(frames))


def earlier(begin: int, blocks: Blocks, last: int) -> Blocks | None:
    """The same cut of the frames before those held out: another time of the recording."""
    return cut(begin, int(blocks.held[0]) - 1, last)


def with_latest(begin: int, blocks: Blocks, last: int) -> Blocks:
    """All that is known, once there is nothing more to be chosen by what was held out."""
    late = np.arange(begin + 1, int(blocks.held[0]) - last + 1)
    return Blocks(
        np.union1d(blocks.learn, late[late >= blocks.choose[0]]), blocks.held, blocks.held
    )


def thinned(values: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many, but `HELD`, evenly spaced."""
    keep = min(len(values), max(most, HELD))
    return values[np.linspace(0, len(values) - 1, keep).round().astype(np.int64)]
