r"""Joint positions as a skeleton of rigid bones and their rotations, which BVH and GLB hold.

A bone keeps the length it has at rest; its orientation G turns its direction o at rest onto its
direction in the frame exactly, so that

.. math:: x_{child} = x_{parent} + G o

is off by no more than the bones' lengths are. Where a bone carries several others, its twist about
itself is the one that suits them best (Kabsch), elsewhere the least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PULL = 0.01
"""Weight of a bone's guessed orientation against unit directions of the bones it carries."""


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
        Orientation of the root and of every bone, by the joint at its far end, (F, 3, 3).
    off
        Largest distance between a joint and where the bones put it.
    """

    bones: NDArray[np.float64]
    root: NDArray[np.float64]
    turns: dict[int, NDArray[np.float64]]
    off: float


def pose(
    parents: dict[int, int],
    rest: NDArray[np.floating],  # (J, 3)
    frames: NDArray[np.floating],  # (F, J, 3)
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
    """
    bones = np.zeros((len(rest), 3))
    for joint, parent in parents.items():
        bones[joint] = np.subtract(rest[joint], rest[parent], dtype=np.float64)
    moved = frames.astype(np.float64)
    turns = _orientations(parents, bones, moved)
    reached = {0: moved[:, 0]}
    for joint, parent in parents.items():
        reached[joint] = reached[parent] + turns[joint] @ bones[joint]
    off = max(float(np.linalg.norm(reached[k] - moved[:, k], axis=-1).max()) for k in reached)
    return PosedBones(bones, moved[:, 0], turns, off)


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
