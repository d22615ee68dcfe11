r"""A skeleton of rigid bones, posed by the angles of its joints.

A bone's orientation M and the position x of its far end follow from its parent's,

.. math:: M = M_{parent} C R C^{-1}, \qquad x = x_{parent} + \ell M d,

with length :math:`\ell` and direction d of the bone at rest, the axis C about which it turns and
R from its three angles, Rz Ry Rx where they are in the order x, y, z, as the Acclaim
formats have it: https://research.cs.wisc.edu/graphics/Courses/cs-838-1999/Jeff/ASF-AMC.html
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROTATIONS = ("rx", "ry", "rz")
CMU_SCALE = 0.45
"""Inches times this are the lengths of CMU's ASF files."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Resting skeleton of J joints, the root first, then the far end of each bone in ASF order.

    Attributes
    ----------
    names
        The root's is `root`, a joint's the name of the bone that ends there.
    parents
        Index of the parent joint, -1 for the root.
    direction
        (J, 3), along each bone at rest; zero for the root.
    length
        (J,), in ASF units.
    axis
        (J, 3, 3), the rotation C of each bone; for the root its orientation at rest.
    dof
        Channels of each joint in the order of its AMC columns: `rx`, `ry`, `rz`, for the root also
        `tx`, `ty`, `tz`.
    root_position
        (3,), added to the root's translation.
    degrees
        Whether AMC angles are in degrees, unless the AMC file says otherwise.
    order
        The joints, each after its parent.
    scale
        Inches times this are its lengths, by its `:units` section; None where that is not said.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    direction: NDArray[np.float64]
    length: NDArray[np.float64]
    axis: NDArray[np.float64]
    dof: tuple[tuple[str, ...], ...]
    root_position: NDArray[np.float64]
    degrees: bool
    order: tuple[int, ...]
    scale: float | None = None

    @property
    def bonds(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) of every bone."""
        return tuple((parent, child) for child, parent in enumerate(self.parents) if parent >= 0)


def joint_positions(
    skeleton: Skeleton,
    root_translation: NDArray[np.float64],  # (frames, 3)
    angles: NDArray[np.float64],  # (frames, J, 3)
) -> NDArray[np.float64]:
    """Pose the skeleton.

    Parameters
    ----------
    root_translation
        (frames, 3), in ASF units.
    angles
        (frames, J, 3), radians about x, y and z of each joint; zero where it has no such freedom.

    Returns
    -------
    NDArray
        (frames, J, 3), in ASF units.
    """
    turn = rotations(angles)
    for joint, channels in enumerate(skeleton.dof):
        order = "".join(name[1] for name in channels if name in ROTATIONS)
        if order != "".join(sorted(order)):  # angles that are missing are zero, and turn nothing
            turn[:, joint] = rotations(angles[:, joint], order)
    local = skeleton.axis @ turn @ skeleton.axis.swapaxes(-1, -2)
    offset = skeleton.length[:, None] * skeleton.direction
    orientation, positions = np.empty_like(turn), np.empty_like(angles)
    # The motion turns the root about fixed axes, so after its orientation at rest.
    orientation[:, 0] = turn[:, 0] @ skeleton.axis[0]
    positions[:, 0] = skeleton.root_position + root_translation
    for joint in skeleton.order[1:]:
        parent = skeleton.parents[joint]
        orientation[:, joint] = orientation[:, parent] @ local[:, joint]
        positions[:, joint] = positions[:, parent] + orientation[:, joint] @ offset[joint]
    return positions


def rotations(angles: NDArray[np.float64], order: str = "xyz") -> NDArray[np.float64]:
    """Rotations (..., 3, 3) of angles about x, y and z, (..., 3) in radians.

    Parameters
    ----------
    order
        Axes in which one turns, the first first: Rz Ry Rx of `xyz`, Rx Ry Rz of `zyx`.
    """
    if order != "xyz":
        turn = np.broadcast_to(np.eye(3), (*angles.shape[:-1], 3, 3))
        for axis in map("xyz".index, order):
            alone = np.zeros_like(angles)
            alone[..., axis] = angles[..., axis]
            turn = rotations(alone) @ turn
        return turn
    (sx, sy, sz), (cx, cy, cz) = (
        np.moveaxis(np.sin(angles), -1, 0),
        np.moveaxis(np.cos(angles), -1, 0),
    )
    matrix = [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ]
    return np.stack([np.stack(row, axis=-1) for row in matrix], axis=-2)
