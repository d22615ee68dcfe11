"""Frames shifted and turned onto others (Kabsch), many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 2**14
"""Particles of some frames."""
_CLEAR = 0.05
"""Clearness from which a frame serves as a reference, whatever others would."""
_CANDIDATES = 32
"""Frames that are tried where the first is no clear reference."""
_LOOKED_AT = 1000
"""Frames of a trajectory by which its reference is chosen."""
_TURNED = 5.0
"""How many times as far a frame may come to lie from the one before as it can."""
_NO_STEP = 0.01
"""Steps, in radii of gyration, that no turn is told by."""


def superposed(
    positions: NDArray[np.floating],  # (..., N, 3)
    reference: NDArray[np.floating],  # (..., N, 3)
) -> NDArray[np.float64]:  # (..., N, 3)
    """Frames shifted and turned to the least squared distance from a reference (Kabsch).

    All have the one reference or each its own; one frame goes onto several references, too.
    """
    x, _ = _centred(positions)
    like, origin = _centred(reference)
    turned: NDArray[np.float64] = x @ _rotations(x, like) + origin
    return turned


def clearest(
    frames: NDArray[np.floating],  # (F, N, 3)
) -> int:
    """Which frame all can be turned onto most clearly: the first, if it is clear enough.

    A frame that is nearly the mirror image of its reference fits it two ways, half a turn about its
    longest axis apart, and small motions decide between them: superposed, it spins.
    """
    if _clearness(frames, frames[0]).min() >= _CLEAR:
        return 0
    tried = np.unique(np.linspace(0, len(frames) - 1, _CANDIDATES + 1, dtype=np.int64))
    clear = [_clearness(frames, frames[k]).min() for k in tried]
    return int(tried[np.argmax(clear)])


@dataclass(frozen=True, eq=False)
class Reference:
    """A frame that all of a trajectory are superposed on: its number, and its positions, (N, 3)."""

    number: int
    positions: NDArray[np.floating]

    @classmethod
    def among(
        cls,
        blocks: Iterable[NDArray[np.floating]],  # (B, M, 3) each
        count: int,
        kept: Sequence[int],  # (N,)
    ) -> Reference:
        """The `clearest` of `count` frames that come in blocks, by the particles that are kept."""
        stride = max(1, count // _LOOKED_AT)
        done, looked_at = 0, []
        for block in blocks:
            looked_at.append(block[-done % stride :: stride, kept])
            done += len(block)
        frames = np.concatenate(looked_at)
        chosen = clearest(frames)
        return cls(chosen * stride, frames[chosen])


def spins(
    frames: NDArray[np.floating],  # (..., N, 3), superposed
    before: NDArray[np.floating],  # (..., N, 3), superposed
) -> NDArray[np.bool_]:  # (...)
    """Whether superposition, not motion, is most of the way from one frame to the next."""
    least, radius = _size(superposed(frames, before) - before), _size(_centred(before)[0])
    spun: NDArray[np.bool_] = _size(frames - before) > _TURNED * least + _NO_STEP * radius
    return spun


def fit(
    positions: NDArray[np.floating],  # (..., N, 3)
    reference: NDArray[np.floating],  # (..., N, 3)
) -> NDArray[np.float64]:  # (..., 3, 3)
    """Rotations, applied from the right, that turn centred frames onto centred references."""
    return _rotations(_centred(positions)[0], _centred(reference)[0])


def stretches(frames: int, particles: int) -> Iterator[slice]:
    """Frames of so many particles, as many at a time as a processor's cache holds."""
    size = max(1, _AT_ONCE // particles)
    return (slice(first, first + size) for first in range(0, frames, size))


def _size(
    vectors: NDArray[np.floating],  # (..., N, 3)
) -> NDArray[np.float64]:  # (...)
    """Root mean square of the components."""
    size: NDArray[np.float64] = np.sqrt(np.square(vectors).mean(axis=(-2, -1)))
    return size


def _centred(
    positions: NDArray[np.floating],  # (..., N, 3)
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # (..., N, 3), (..., 1, 3)
    origin: NDArray[np.float64] = positions.mean(axis=-2, keepdims=True, dtype=np.float64)
    return positions - origin, origin


def _rotations(
    x: NDArray[np.float64],  # (..., N, 3)
    like: NDArray[np.float64],  # (..., N, 3)
) -> NDArray[np.float64]:  # (..., 3, 3)
    u, _, vt = np.linalg.svd(x.swapaxes(-1, -2) @ like)
    # where the best fit is a mirror image, the axis of the least singular value is turned round
    u[..., :, 2] *= np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0)[..., None]
    rotation: NDArray[np.float64] = u @ vt
    return rotation


def _clearness(
    positions: NDArray[np.floating],  # (F, N, 3)
    reference: NDArray[np.floating],  # (N, 3)
) -> NDArray[np.float64]:  # (F,)
    """Share of the fit that half a turn about the longest axis costs; 0: it fits as well."""
    x, like = _centred(positions)[0], _centred(reference)[0]
    fits = x.swapaxes(-1, -2) @ like
    values = np.linalg.svd(fits, compute_uv=False)
    cost = values[:, 1] + np.sign(np.linalg.det(fits)) * values[:, 2]
    total = values.sum(axis=-1)
    clear: NDArray[np.float64] = np.divide(cost, total, out=np.zeros_like(cost), where=total > 0)
    return clear
