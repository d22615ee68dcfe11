r"""Joint positions as BVH: a hierarchy of rigid bones and the rotations of each frame.

A bone keeps the length it has at rest; its orientation G turns its direction o at rest onto its
direction in the frame exactly, so that

.. math:: x_{child} = x_{parent} + G o

is off by no more than the bones' lengths are. Where a bone carries several others, its twist about
itself is the one that suits them best (Kabsch), elsewhere the least.

Format: https://research.cs.wisc.edu/graphics/Courses/cs-838-1999/Jeff/BVH.html
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

_TURN = "Zrotation Yrotation Xrotation"
_PULL = 0.01
"""Weight of a bone's guessed orientation against unit directions of the bones it carries."""


def parents_of(bonds: Sequence[tuple[int, int]], joint_count: int) -> dict[int, int] | None:
    """Parent of every joint but 0, the root, each joint after its parent and before its siblings.

    None where the bonds are no tree of all joints.
    """
    near: list[list[int]] = [[] for _ in range(joint_count)]
    for i, j in bonds:
        near[i].append(j)
        near[j].append(i)
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
    rest: NDArray[np.float32],  # (J, 3)
    frames: NDArray[np.float32],  # (F, J, 3)
    frame_time_s: float,
) -> float:
    """Write joint positions as a BVH file.

    A `JOINT` is a bone, named as the joint at its far end, and lies at its near end. The root has
    the channels of its position, every joint those of its rotation, in degrees, Rz Ry Rx.

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

    Returns
    -------
    float
        Largest distance between a joint and where the file has it: what bones that change their
        lengths come to.
    """
    bones = np.zeros((len(names), 3))
    for joint, parent in parents.items():
        bones[joint] = np.subtract(rest[joint], rest[parent], dtype=np.float64)
    moved = frames.astype(np.float64)
    turns = _orientations(parents, bones, moved)
    columns = [moved[:, 0], _degrees(turns[0])]
    reached = {0: moved[:, 0]}
    for joint, parent in parents.items():
        columns.append(_degrees(turns[parent].swapaxes(-1, -2) @ turns[joint]))
        reached[joint] = reached[parent] + turns[joint] @ bones[joint]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in _hierarchy(names, parents, bones))
        file.write(f"MOTION\nFrames: {len(frames)}\nFrame Time: {frame_time_s:.9g}\n")
        np.savetxt(file, np.concatenate(columns, axis=1), fmt="%.6f")
    return max(
        float(np.linalg.norm(reached[joint] - moved[:, joint], axis=-1).max()) for joint in reached
    )


def _orientations(
    parents: dict[int, int],
    bones: NDArray[np.float64],  # (J, 3)
    frames: NDArray[np.float64],  # (F, J, 3)
) -> dict[int, NDArray[np.float64]]:
    """Orientation of the root and of every bone, by the joint at its far end, (F, 3, 3)."""
    carried: dict[int, list[int]] = {joint: [] for joint in (0, *parents)}
    for joint, parent in parents.items():
        carried[parent].append(joint)
    level = np.broadcast_to(np.eye(3), (len(frames), 3, 3))
    now = {joint: frames[:, joint] - frames[:, parent] for joint, parent in parents.items()}

    def fitted(joints: list[int], guess: NDArray[np.float64]) -> NDArray[np.float64]:
        return _best_turn(bones[joints], np.stack([now[k] for k in joints], axis=1), guess)

    turns = {0: fitted(carried[0], level) if carried[0] else level}
    for joint, parent in parents.items():
        turn = turns[parent]
        if len(carried[joint]) > 1:
            turn = fitted([joint, *carried[joint]], turn)
        turns[joint] = _shortest_arc(turn @ bones[joint], now[joint]) @ turn
    return turns


def _best_turn(
    rest: NDArray[np.float64],  # (k, 3)
    now: NDArray[np.float64],  # (F, k, 3)
    guess: NDArray[np.float64],  # (F, 3, 3)
) -> NDArray[np.float64]:
    """Rotation that suits several directions best, near a guess where they leave it open."""
    overlap = np.einsum("fki,kj->fij", _unit(now), _unit(rest)) + _PULL * guess
    left, _, right = np.linalg.svd(overlap)
    left[..., -1] *= np.sign(np.linalg.det(left @ right))[:, None]  # a turn, not a mirror
    return np.asarray(left @ right)


def _shortest_arc(
    start: NDArray[np.float64],  # (F, 3)
    end: NDArray[np.float64],  # (F, 3)
) -> NDArray[np.float64]:
    """Least rotation of each start onto the direction of its end, as two half-turns."""
    a, b = _unit(start), _unit(end)
    # A bone of no length has no direction, and need not turn.
    nowhere = ~(a.any(axis=-1) & b.any(axis=-1))
    a[nowhere] = b[nowhere] = (1.0, 0.0, 0.0)
    middle = a + b
    opposite = np.linalg.norm(middle, axis=-1) < 1e-9
    # Any axis across will do: the one farthest from the coordinate axis that a has least of.
    middle[opposite] = np.cross(a[opposite], np.eye(3)[np.abs(a[opposite]).argmin(axis=-1)])
    return _half_turn(_unit(middle)) @ _half_turn(a)


def _half_turn(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2 * axis[..., :, None] * axis[..., None, :] - np.eye(3))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit = np.zeros_like(vectors)
    np.divide(vectors, length, out=unit, where=length > 0)
    return unit


def _degrees(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles about z, y and x, (F, 3), that go on from frame to frame without jumps of 360."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of gimbal lock, where one of many answers is as good
        angles = Rotation.from_matrix(turns).as_euler("ZYX", degrees=True)
    return np.asarray(np.unwrap(angles, period=360, axis=0))


def _hierarchy(
    names: Sequence[str],
    parents: dict[int, int],
    bones: NDArray[np.float64],  # (J, 3)
) -> Iterator[str]:
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
        # A bone begins where the one that carries it ends; the root's position is in its channels.
        yield f"{indent}\tOFFSET {_numbers(bones[parents[joint]] if joint else bones[0])}"
        place = "" if joint else "Xposition Yposition Zposition "
        yield f"{indent}\tCHANNELS {3 if joint else 6} {place}{_TURN}"
        below = depth[following] if following is not None else 1
        if below <= depth[joint]:
            yield f"{indent}\tEnd Site"
            yield f"{indent}\t{{"
            yield f"{indent}\t\tOFFSET {_numbers(bones[joint])}"
            yield f"{indent}\t}}"
            yield from ("\t" * level + "}" for level in range(depth[joint], below - 1, -1))
    yield "}"


def _numbers(vector: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.6f}" for value in vector)
