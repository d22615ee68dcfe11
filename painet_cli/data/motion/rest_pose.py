"""A skeleton in T-pose, told by the names of its joints: upright, arms out to its sides."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.names import AXES, Axis

_LEG = re.compile(r"hip|thigh|femur|leg|knee|tibia|shin|ankle|foot|toe", re.IGNORECASE)
_ARM = re.compile(
    r"clavicle|collar|shoulder|humerus|arm|elbow|radius|wrist|hand|finger|thumb", re.IGNORECASE
)
_SHORT = r"(?=[_.]|hip|fem|tib|foot|toe|clav|hum|rad|wri|han|fin|thu)"
_LEFT = re.compile(rf"left|^l{_SHORT}|[_.]l$", re.IGNORECASE)
_RIGHT = re.compile(rf"right|^r{_SHORT}|[_.]r$", re.IGNORECASE)
_DOWNWARD = 2
"""Bones of a leg, after the one at the hip, that point down: thigh and shin; the foot's ahead."""


def t_pose(
    names: Sequence[str],
    parents: dict[int, int],
    frame: NDArray[np.floating],  # (J, 3)
    up_axis: Axis | None,
) -> NDArray[np.float64] | None:
    """Positions of a skeleton in T-pose, its root at the origin.

    The left is along x and ahead is left times up: z of what has y up, as glTF and most BVH files
    have it. Bones of the trunk point up.

    Parameters
    ----------
    names
        (J,) names of joints, which say what is left, right, an arm and a leg.
    parents
        Parent of every joint but 0, each joint after its parent.
    frame
        (J, 3) positions, whose bones have the lengths.

    Returns
    -------
    NDArray | None
        (J, 3); None where the names do not tell two arms and two legs, or there is no height.
    """
    if up_axis not in ("y", "z"):
        return None
    up = np.eye(3)[AXES.index(up_axis)]
    left = np.array([1.0, 0.0, 0.0])
    ahead = np.cross(left, up)
    sides = [1 if _LEFT.search(name) else -1 if _RIGHT.search(name) else 0 for name in names]
    depth, limbs = [0] * len(names), set()
    place = np.zeros((len(names), 3))
    for joint, parent in parents.items():
        side = sides[joint] or (sides[parent] if depth[parent] else 0)
        sides[joint] = side
        kind = "leg" if _LEG.search(names[joint]) else "arm" if _ARM.search(names[joint]) else ""
        direction = up
        if side:
            depth[joint] = depth[parent] + 1
            direction = side * left
            if kind == "leg" and depth[joint] > 1:
                direction = -up if depth[joint] <= 1 + _DOWNWARD else ahead
            limbs.add((side, kind))
        length = np.linalg.norm(np.subtract(frame[joint], frame[parent], dtype=np.float64))
        place[joint] = place[parent] + length * direction
    whole = {(side, kind) for side in (1, -1) for kind in ("arm", "leg")} <= limbs
    return place if whole else None
