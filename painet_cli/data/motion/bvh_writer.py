"""Joint positions as BVH: a hierarchy of rigid bones and the rotations of each frame.

Format: https://research.cs.wisc.edu/graphics/Courses/cs-838-1999/Jeff/BVH.html
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from painet_cli.data.motion.bone_turns import is_end, pose
from painet_cli.data.particles.bonds import neighbours

_TURN = "Zrotation Yrotation Xrotation"


def parents_of(bonds: Sequence[tuple[int, int]], joint_count: int) -> dict[int, int] | None:
    """Parent of every joint but 0, the root, each joint after its parent and before its siblings.

    None where the bonds are no tree of all joints.
    """
    near = neighbours(bonds, joint_count)
    parents: dict[int, int] = {}
    pending = [(0, -1)]
    while pending:
        joint, parent = pending.pop()
        if joint in parents:
            return None  # a ring
        parents[joint] = parent
        pending += [(other, joint) for other in reversed(near[joint]) if other != parent]
    del parents[0]
    return parents if len(parents) == joint_count - 1 else None


def write_bvh(
    path: Path,
    names: Sequence[str],
    parents: dict[int, int],
    rest: NDArray[np.floating],  # (J, 3)
    frames: NDArray[np.floating],  # (F, J, 3)
    frame_time_s: float,
    *,
    of_joints: bool = False,
) -> float:
    """Write joint positions as a BVH file.

    A `JOINT` is a bone, named as the joint at its far end, and lies at its near end; of a skeleton
    of joints it is the joint, lies where that does, and turns the bones that it carries. The root
    has the channels of its position, every joint those of its rotation, in degrees, Rz Ry Rx.

    Parameters
    ----------
    names
        (J,) names of the joints.
    parents
        As `parents_of` gives them.
    rest
        (J, 3) positions whose bones are the offsets.
    frames
        (F, J, 3) finite positions, in any unit of length, which is that of the file.
    frame_time_s
        Seconds between frames.
    of_joints
        As `names_joints` of `bone_turns` says.

    Returns
    -------
    float
        Largest distance between a joint and where the file has it: what bones that change their
        lengths come to.
    """
    posed = pose(parents, rest, frames, of_joints=of_joints)
    turns = posed.turns
    ends = {k for k in parents if of_joints and is_end(names, parents, k)}
    columns = [posed.root, _degrees(turns[0])]
    for joint, parent in parents.items():
        if joint not in ends:
            columns.append(_degrees(turns[parent].swapaxes(-1, -2) @ turns[joint]))
    near, far = posed.bones, np.zeros_like(posed.bones)
    if not of_joints:  # a bone begins where the one that carries it ends
        near, far = posed.bones[[parents.get(k, 0) for k in range(len(names))]], posed.bones
    for joint in ends:
        far[parents[joint]] = posed.bones[joint]
    nodes = {joint: parent for joint, parent in parents.items() if joint not in ends}
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in _hierarchy(names, nodes, near, far))
        file.write(f"MOTION\nFrames: {len(frames)}\nFrame Time: {frame_time_s:.9g}\n")
        np.savetxt(file, np.concatenate(columns, axis=1), fmt="%.6f")
    return posed.off


def _degrees(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles about z, y and x, (F, 3), that go on from frame to frame without jumps of 360."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of gimbal lock, where one of many answers is as good
        angles = Rotation.from_matrix(turns).as_euler("ZYX", degrees=True)
    return np.asarray(np.unwrap(angles, period=360, axis=0))


def _hierarchy(
    names: Sequence[str],
    parents: dict[int, int],
    near: NDArray[np.float64],  # (J, 3)
    far: NDArray[np.float64],  # (J, 3)
) -> Iterator[str]:
    """Lines of the hierarchy, whose root's position is in its channels.

    Parameters
    ----------
    near
        (J, 3) offset of every joint.
    far
        (J, 3) offset of the end of those that carry no other.
    """
    depth = {0: 0}
    for joint, parent in parents.items():
        depth[joint] = depth[parent] + 1
    order = [0, *parents]
    yield "HIERARCHY"
    for joint, following in zip(order, [*order[1:], None], strict=True):
        indent = "\t" * depth[joint]
        word = "_".join(names[joint].split()) or "joint"
        name = "".join(letter if letter.isprintable() else "_" for letter in word)
        yield f"{indent}{'JOINT' if joint else 'ROOT'} {name}"
        yield f"{indent}{{"
        yield f"{indent}\tOFFSET {_numbers(near[joint])}"
        place = "" if joint else "Xposition Yposition Zposition "
        yield f"{indent}\tCHANNELS {3 if joint else 6} {place}{_TURN}"
        below = depth[following] if following is not None else 1
        if below <= depth[joint]:
            yield f"{indent}\tEnd Site"
            yield f"{indent}\t{{"
            yield f"{indent}\t\tOFFSET {_numbers(far[joint])}"
            yield f"{indent}\t}}"
            yield from ("\t" * level + "}" for level in range(depth[joint], below - 1, -1))
    yield "}"


def _numbers(vector: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.6f}" for value in vector)
