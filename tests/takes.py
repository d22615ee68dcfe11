"""Made takes of motion capture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from painet_cli.data.motion.bvh_writer import parents_of, write_bvh

BONDS = ((0, 1), (1, 2), (0, 3), (3, 4))
NAMES = ("hips", "knee", "foot", "chest", "head")


def take(
    path: Path,
    frames: int = 120,
    names: tuple[str, ...] = NAMES,
    step: float = 0.01,
    jump: int | None = None,
) -> Path:
    """A skeleton of five joints that walks in a circle, and nods; or jumps aside, in a frame."""
    t = np.arange(frames) * 0.05
    zero = np.zeros_like(t)
    hips = np.stack([30 * np.cos(t / 9), 90 + np.sin(t), 30 * np.sin(t / 9)], axis=-1)
    knee = hips + 40 * np.stack([0.3 * np.sin(t), -np.sqrt(1 - 0.09 * np.sin(t) ** 2), zero], -1)
    foot = knee + 40 * np.stack([0.2 * np.cos(t), -np.sqrt(1 - 0.04 * np.cos(t) ** 2), zero], -1)
    chest = hips + 40 * np.stack([zero, zero + 1, zero], axis=-1)
    head = chest + 20 * np.stack([np.sin(t / 3), np.cos(t / 3), zero], axis=-1)
    x = np.stack([hips, knee, foot, chest, head], axis=1).astype(np.float32)
    x[jump or frames :] += 150
    parents = parents_of(BONDS, 5)
    assert parents is not None
    write_bvh(path, names, parents, x[0], x, step)
    return path
