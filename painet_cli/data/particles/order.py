"""Whether frames come in the order of their motion, as far as they can tell.

Frames next to each other in time are alike, as long as they are not too far apart. Where there is a
path through all of them from each to a like one, and the file does not follow it, the frames are in
another order. Where there is no such path, each frame is as far from the next as from any other:
then no order can be known, and none is called wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

MOST_FRAMES = 20_000
"""Frames whose order is looked at."""
MOST_PARTICLES = 128
"""Particles that it is told by; of more, evenly chosen ones."""
_COMPARED = 192
"""Frames of which each is compared with each other."""
_FEWEST = 16
_PAIRS = 1024
_LEAVES = 0.13
"""Share of ends in a tree that is a path: random samples have 0.23 in two dimensions, of a
molecule 0.3 and more; ordered frames 0.01 to 0.11 (sGDML's molecules, AdK's backbone)."""
_MANY, _NEAR, _LEAVES_NEAR = 64, 0.1, 0.2
"""Of so many frames, with so small a share of the usual square distance to the next on the path, a
fifth may be ends: one of hydrogens that vibrate within a frame has 0.2, and random samples of as
few as three dimensions 0.3 at such a distance."""
_NEIGHBOURS = 0.35
"""Share of a path's steps, of at most two frames of the file, up to which it is another order."""
_AS_FAR = 0.35
"""Square distance to the next frames, of that to any, above which these are no nearer."""
_GROWS = 1.4
"""Times the square distance over one frame that over two is, where motion goes on."""
_JUMP = 8.0
"""Times the median square distance to the next frame that no step of a motion is: the fastest in
sGDML's molecules is 3.3."""
_FITS = 2.0
"""Times that median up to which a frame elsewhere in the file fits."""
_BESIDE = 10
"""Frames to each side that are no elsewhere; an eighth of all where they are few."""
_ROUNDING = 1e-8
"""Square angstrom that rounding makes of frames that are the same."""
_MOST_JUMPS = 20
_ASKED = 40

Squares = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


def wrong_order(
    frames: NDArray[np.floating],  # (F, N, 3)
    numbers: Sequence[int] | None = None,
) -> str:
    """Say how frames of a molecule are out of order; empty where they are not, or none is known.

    Distances are measured as frames lie in space, and superposed. Fewer than 16 frames, or three
    particles, are too few to tell.

    Parameters
    ----------
    frames
        (F, N, 3), finite, molecules whole; of more than `MOST_FRAMES`, the first are looked at.
    numbers
        What the file calls the frames; by default from 0.
    """
    x = thinned(frames[:MOST_FRAMES])
    if len(x) < _FEWEST or x.shape[1] < 3:
        return ""
    called = range(len(x)) if numbers is None else numbers
    x = x - x.mean(axis=(0, 1))
    for squares in (_apart, _superposed_apart):
        if _is_shuffled(x, squares):
            return (
                "frames are in random order: each is as far from the next as from any other, and "
                "has one that is far nearer elsewhere in the file"
            )
        found = _torn(x, squares)
        if found is not None:
            first, other = found
            return (
                f"frame {called[first + 1]} does not follow frame {called[first]}: the motion goes "
                f"on at frame {called[other]}"
            )
    return ""


def thinned(frames: NDArray[np.floating]) -> NDArray[np.float64]:
    """At most `MOST_PARTICLES` of the particles of some frames, (..., N, 3)."""
    count = frames.shape[-2]
    chosen = np.linspace(0, count - 1, min(count, MOST_PARTICLES)).astype(np.int64)
    return np.asarray(frames[..., chosen, :], dtype=np.float64)


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean square distances of particles, (...), of frames (..., N, 3)."""
    apart: NDArray[np.float64] = np.square(one - other).sum(axis=-1).mean(axis=-1)
    return apart


def _superposed_apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same after superposition (Kabsch), from the singular values alone."""
    a, b = (x - x.mean(axis=-2, keepdims=True) for x in (one, other))
    covariance = a.swapaxes(-1, -2) @ b
    singular = np.linalg.svd(covariance, compute_uv=False)
    # a mirror image is no superposition
    singular[..., 2] *= np.where(np.linalg.det(covariance) < 0, -1.0, 1.0)
    own = np.square(a).sum(axis=(-1, -2)) + np.square(b).sum(axis=(-1, -2))
    apart: NDArray[np.float64] = np.maximum(own - 2 * singular.sum(axis=-1), 0) / one.shape[-2]
    return apart


def _is_shuffled(x: NDArray[np.float64], squares: Squares) -> bool:
    """Whether a path through all frames joins like ones, and the file's order is nothing of it."""
    one, other = np.random.default_rng(0).integers(len(x), size=(2, _PAIRS))
    usual = float(squares(x[one], x[other])[one != other].mean())
    steps = [float(squares(x[:-lag], x[lag:]).mean()) for lag in (1, 2, 3)]
    if not usual > _ROUNDING or min(steps) < _AS_FAR * usual:
        return False
    if _is_path(np.arange(len(x))[:_COMPARED], x, squares):
        return True
    # of many frames in random order, the first ones are far from each other: look at like ones
    like = np.argsort(squares(x[0], x))[:_COMPARED]
    return len(x) > _COMPARED and _is_path(np.sort(like), x, squares)


def _is_path(chosen: NDArray[np.int64], x: NDArray[np.float64], squares: Squares) -> bool:
    """Whether the tree that joins like frames is a path, and not the one of the file."""
    from scipy.sparse.csgraph import minimum_spanning_tree

    squared = np.stack([squares(x[k], x[chosen]) for k in chosen.tolist()])
    count, usual = len(chosen), float(squared.mean())
    # what is next to zero would be no edge at all
    tree = minimum_spanning_tree(np.triu(squared / usual + 1e-6, 1))
    first, second = tree.nonzero()
    if (np.abs(chosen[first] - chosen[second]) <= 2).mean() > _NEIGHBOURS:
        return False
    leaves = int((np.bincount(np.concatenate([first, second]), minlength=count) == 1).sum())
    near = count >= _MANY and np.median(tree.data) < _NEAR
    return leaves <= max(2, int((_LEAVES_NEAR if near else _LEAVES) * count))


def _torn(x: NDArray[np.float64], squares: Squares) -> tuple[int, int] | None:
    """Index of a frame that the next one does not follow, and of a frame elsewhere that fits.

    It fits to either of the two: to the one it goes on from, or the one it leads to.
    """
    step, two = squares(x[:-1], x[1:]), squares(x[:-2], x[2:])
    usual = float(np.median(step))
    if not usual > _ROUNDING or np.median(two) < _GROWS * usual:
        return None
    jumps = np.flatnonzero(step > _JUMP * usual)
    if not len(jumps) or _comes_back(x, squares, usual):
        return None
    for jump in jumps[np.argsort(-step[jumps])][:_MOST_JUMPS].tolist():
        for end in (jump, jump + 1):
            nearest, far = _nearest_elsewhere(x, end, squares)
            if far <= _FITS * usual:
                return jump, nearest
    return None


def _comes_back(x: NDArray[np.float64], squares: Squares, usual: float) -> bool:
    """Whether frames of a motion are like others that lie elsewhere, as those of few states are."""
    asked = np.linspace(0, len(x) - 1, min(len(x), _ASKED)).astype(np.int64).tolist()
    far = [_nearest_elsewhere(x, at, squares)[1] for at in asked]
    return bool(np.quantile(far, 0.25) <= _FITS * usual)


def _nearest_elsewhere(x: NDArray[np.float64], at: int, squares: Squares) -> tuple[int, float]:
    """Index of the frame most like one of those that are not beside it, and its square distance."""
    far, beside = squares(x[at], x), min(_BESIDE, len(x) // 8)
    far[max(0, at - beside) : at + beside + 1] = np.inf
    nearest = int(np.argmin(far))
    return nearest, float(far[nearest])
