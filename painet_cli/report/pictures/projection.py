"""Which way to look at a system, so that a flat picture shows most of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.names import AXES, Axis


def principal_view(
    points: NDArray[np.floating],  # (M, 3)
) -> NDArray[np.float64]:  # (3, 3)
    """Look along the direction in which the points spread least.

    Returns
    -------
    NDArray
        Rows: to the right, up and towards the viewer; `positions @ view.T` is the picture. Each of
        the first two has its largest component positive, so that the same points are always seen
        from the same side.
    """
    right, up = _spread_axes(points)[:2]
    return np.stack([right, up, np.cross(right, up)])


def upright_view(
    points: NDArray[np.floating],  # (M, 3)
    up_axis: Axis,
) -> NDArray[np.float64]:  # (3, 3)
    """Look horizontally at the plane in which the points spread most; rows as above."""
    up = np.eye(3)[AXES.index(up_axis)]
    right = _spread_axes(points * (1 - up))[0]
    return np.stack([right, up, np.cross(right, up)])


def _spread_axes(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Principal axes of points, (3, 3), a row an axis, the one of most spread first."""
    centred = np.asarray(points, dtype=np.float64) - points.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1].T[::-1]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    oriented: NDArray[np.float64] = axes * np.sign(largest)
    return oriented
