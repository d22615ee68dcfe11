"""Systems far from the origin: float32 has no digits to spare for where they are.

At a million angstrom float32 tells positions 0.06 angstrom apart. What a model says depends on
differences alone (with `height`, on the vertical too), so such systems are moved to the origin
before anything is rounded or computed, and predictions are moved back.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.manifest import Axis

FAR = 1000.0
"""Units of length from the origin at which float32's steps reach 6e-5 and systems are moved."""
_AXES: tuple[Axis, ...] = ("x", "y", "z")


def is_far(
    positions: NDArray[np.floating],  # (..., N, 3)
    up_axis: Axis | None = None,
) -> bool:
    """Whether any particle is so far out, heights not counted, that float32 loses digits."""
    level = [k for k, axis in enumerate(_AXES) if axis != up_axis]
    return bool((np.abs(positions[..., level]) > FAR).any())


def places(
    positions: NDArray[np.floating],  # (..., N, 3)
    up_axis: Axis | None = None,
) -> NDArray[np.float64]:  # (..., 1, 3)
    """Where systems are: whole numbers near their centroids, height left at zero."""
    at = np.rint(positions.astype(np.float64).mean(axis=-2, keepdims=True))
    if up_axis is not None:
        at[..., _AXES.index(up_axis)] = 0.0
    return cast("NDArray[np.float64]", at)


def kept_digits(positions: NDArray[Any], up_axis: Axis | None = None) -> NDArray[np.floating]:
    """Positions as float32, or as float64 where those are given and float32 would lose digits."""
    if positions.dtype != np.float64 or not is_far(positions, up_axis):
        return positions.astype(np.float32, copy=False)
    return positions
