"""Systems far from the origin: float32 has no digits to spare for where they are.

At a million angstrom float32 tells positions 0.06 angstrom apart. What a model says depends on
differences alone (with `height`, on the vertical too), so such systems are moved to the origin
before anything is rounded or computed, and predictions are moved back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.names import AXES, Axis

FAR = 1000.0
"""Units of length from the origin at which float32's steps reach 6e-5 and systems are moved."""


def is_far(
    positions: NDArray[np.floating],  # (..., N, 3)
    up_axis: Axis | None,
) -> bool:
    """Whether all particles of a system are so far out, heights not counted, that it is moved."""
    level = [k for k, axis in enumerate(AXES) if axis != up_axis]
    return bool((np.abs(positions[..., level]).min(axis=-2) > FAR).any())


def places(
    positions: NDArray[np.floating],  # (..., N, 3)
    up_axis: Axis | None,
) -> NDArray[np.float64]:  # (..., 1, 3)
    """Where systems are: whole numbers near their centroids, height left at zero."""
    at: NDArray[np.float64] = np.rint(positions.astype(np.float64).mean(axis=-2, keepdims=True))
    if up_axis is not None:
        at[..., AXES.index(up_axis)] = 0.0
    return at


def kept_digits(positions: NDArray[Any], up_axis: Axis | None) -> NDArray[np.floating]:
    """Positions as float32, or as float64 where those are given and float32 would lose digits."""
    if positions.dtype != np.float64 or not is_far(positions, up_axis):
        return positions.astype(np.float32, copy=False)
    return positions


def any_far(
    frames: NDArray[np.float32],  # (F, N, 3)
    starts: NDArray[np.int64],  # (S,)
    up_axis: Axis | None,
) -> bool:
    """Whether a system is far from the origin in any of these frames; reads few of them whole."""
    first = frames[starts, :1]
    far = (np.abs(first) > FAR).any(axis=(1, 2))  # all of a system are far only where its first is
    return bool(far.any()) and is_far(frames[starts[far]], up_axis)
