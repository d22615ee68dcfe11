r"""Joint positions as a skeleton of rigid bones and their rotations, which BVH and GLB hold.

A bone keeps the length it has at rest; its orientation G turns its direction o at rest onto its
direction in the frame exactly, so that

.. math:: x_{child} = x_{parent} + G o

is off by no more than the bones' lengths are. Where a bone carries several others, its twist about
itself is the one that suits them best (Kabsch), elsewhere the least.

Files of bones (ASF) call each as the joint at its far end, and turn each by itself. Files of joints
(BVH, as most programs write it) have a joint turn all bones that it carries together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PULL = 0.01
"""Weight of a bone's guessed orientation against unit directions of the bones it carries."""
_TIE = 1e-4
"""The same of a joint that is rigid: no more than what directions in one line leave open."""
_RIGID = 0.01
"""Share of the distance between the ends of bones by which it changes where a joint is rigid."""
_LOOKED_AT = 100


@dataclass(frozen=True, eq=False)
class PosedBones:
    """Rigid bones, and how they are turned in every frame.

    Attributes
    ----------
    bones
        (J, 3) each bone at rest, by the joint at its far end; zero for the root.
    root
        (F, 3) position of the root.
    turns
        Orientation of the root and of every bone, by the joint at its far end, (F, 3, 3); of files
        of joints, that of what a joint carries.
    reached
        (F, J, 3) where the bones put the joints.
    off
        Largest distance between a joint and where the bones put it.
    """

    bones: NDArray[np.float64]
    root: NDArray[np.float64]
    turns: dict[int, NDArray[np.float64]]
    reached: NDArray[np.float64]
    off: float


def pose(
    parents: dict[int, int],
    rest: NDArray[np.floating],  # (J, 3)
    frames: NDArray[np.floating],  # (F, J, 3)
    *,
    of_joints: bool = False,
) -> PosedBones:
    """Turn the bones of a resting skeleton onto those of every frame.

    Parameters
    ----------
    parents
        Parent of every joint but 0, each joint after its parent.
    rest
        (J, 3) positions whose bones are those at rest.
    frames
        (F, J, 3) finite positions, in the same unit of length.
    of_joints
        Let every joint turn the bones that it carries together, instead of each by itself.
    """
    bones = np.zeros((len(rest), 3))
    for joint, parent in parents.items():
        bones[joint] = np.subtract(rest[joint], rest[parent], dtype=np.float64)
    moved = frames.astype(np.float64)
    turns = (_carried if of_joints else _orientations)(parents, bones, moved)
    reached = moved.copy()
    for joint, parent in parents.items():
        turn = turns[parent if of_joints else joint]
        reached[:, joint] = reached[:, parent] + turn @ bones[joint]
    off = float(np.linalg.norm(reached - moved, axis=-1).max())
    return PosedBones(bones, moved[:, 0], turns, reached, off)


def names_joints(
    names: Sequence[str],
    parents: dict[int, int],
    frames: NDArray[np.floating],  # (F, J, 3)
) -> bool:
    """Whether a skeleton is one of joints: ends are called so, and joints carry bones rigidly.

    Parameters
    ----------
    names
        (J,) names of the joints, as the reader of BVH gives them.
    frames
        (F, J, 3) known frames, some of which are looked at.
    """
    carried = _children(parents)
    ends = [k for k, parent in parents.items() if is_end(names, parents, k) and parent]
    some = frames[np.unique(np.linspace(0, len(frames) - 1, _LOOKED_AT).astype(int))]
    for own in carried.values():
        x = some[:, own].astype(np.float64)
        apart = np.linalg.norm(x[:, :, None] - x[:, None], axis=-1)
        if (np.ptp(apart, axis=0) > _RIGID * apart.max(initial=0.0)).any():
            return False
    return bool(ends)


def is_end(names: Sequence[str], parents: dict[int, int], joint: int) -> bool:
    """Whether a joint is the end of its parent's only bone, by its name."""
    if joint not in parents or joint in parents.values():
        return False
    parent = parents[joint]
    return [*parents.values()].count(parent) == 1 and names[joint] == f"{names[parent]}_end"


def _children(parents: dict[int, int]) -> dict[int, list[int]]:
    carried: dict[int, list[int]] = {joint: [] for joint in (0, *parents)}
    for joint, parent in parents.items():
        carried[parent].append(joint)
    return carried


def _carried(
    parents: dict[int, int],
    bones: NDArray[np.float64],  # (J, 3)
    frames: NDArray[np.float64],  # (F, J, 3)
) -> dict[int, NDArray[np.float64]]:
    """Orientation of what every joint carries, (F, 3, 3); of an end, that of its parent."""
    level = np.broadcast_to(np.eye(3), (len(frames), 3, 3))
    turns: dict[int, NDArray[np.float64]] = {}
    for joint, own in _children(parents).items():
        guess = turns[parents[joint]] if joint else level
        now = frames[:, own] - frames[:, [joint]]
        if len(own) == 1:
            turns[joint] = _shortest_arc(guess @ bones[own[0]], now[:, 0]) @ guess
        else:
            turns[joint] = _best_turn(bones[own], now, _TIE * guess) if own else guess
    return turns


def _orientations(
    parents: dict[int, int],
    bones: NDArray[np.float64],  # (J, 3)
    frames: NDArray[np.float64],  # (F, J, 3)
) -> dict[int, NDArray[np.float64]]:
    """Orientation of the root and of every bone, by the joint at its far end, (F, 3, 3)."""
    carried = _children(parents)
    level = np.broadcast_to(np.eye(3), (len(frames), 3, 3))
    now = {joint: frames[:, joint] - frames[:, parent] for joint, parent in parents.items()}

    def fitted(joints: list[int], guess: NDArray[np.float64]) -> NDArray[np.float64]:
        return _best_turn(bones[joints], np.stack([now[k] for k in joints], axis=1), _PULL * guess)

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
    """Rotation that suits directions best, near a weighted guess where they leave it open."""
    overlap = np.einsum("fki,kj->fij", _unit(now), _unit(rest)) + guess
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
