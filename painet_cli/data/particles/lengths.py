"""Lengths of bonds, and particles moved so that bonds have lengths that bonds can have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles
from painet_cli.data.particles.structure import holds_lengths

THERMAL = (0.75, 1.35)
"""Shares of their length at a start between which thermal motion and stretched hydrogen bonds
stay."""
_SWEEPS = 200
_HELD_TO = 1e-3
"""Share of its length at the start to which a bond is held."""
_POSITIONS_AT_ONCE = 2**20
"""Starts are taken in parts of about so many positions; some hundred bytes each."""


def bond_lengths(
    x: NDArray[np.floating],  # (..., N, 3)
    ends: NDArray[np.int64],  # (B, 2)
) -> NDArray[np.float64]:  # (..., B)
    """Distances between the particles that bonds join."""
    first, second = x[..., ends[:, 0], :].astype(np.float64), x[..., ends[:, 1], :]
    lengths: NDArray[np.float64] = np.linalg.norm(first - second, axis=-1)
    return lengths


def parts_of(starts: int, positions_a_start: int) -> Iterator[slice]:
    """Cut S starts into parts that memory has room for."""
    size = max(1, _POSITIONS_AT_ONCE // max(1, positions_a_start))
    return (slice(first, first + size) for first in range(0, starts, size))


def with_bonds_held(
    moved: NDArray[np.floating],  # (S, T, N, 3)
    start: NDArray[np.floating],  # (S, N, 3)
    particles: Particles,
) -> NDArray[np.floating]:  # (S, T, N, 3)
    """Bring bonds that are shorter or longer than thermal motion makes them to where it would.

    Bond after bond, both ends are moved alike along it, until all are within `THERMAL` of their
    length at the start. What needs none of this keeps its bits.
    """
    if not holds_lengths(particles):
        return moved
    ends = np.asarray(particles.bonds, dtype=np.int64)
    held = moved
    for part in parts_of(len(start), moved.shape[1] * len(ends)):
        rest = bond_lengths(start[part], ends)
        share = bond_lengths(moved[part], ends) / np.maximum(rest, 1e-9)[:, None]
        of, step = np.nonzero((share != np.clip(share, *THERMAL)).any(axis=-1))
        if len(of):
            held = moved.copy() if held is moved else held
            held[part][of, step] = _held(held[part][of, step], rest[of], ends)
    return held


def _held(
    given: NDArray[np.floating],  # (F, N, 3)
    rest: NDArray[np.float64],  # (F, B)
    ends: NDArray[np.int64],  # (B, 2)
) -> NDArray[np.float64]:  # (F, N, 3)
    """The same with bonds within `THERMAL` of their lengths at rest, in a few sweeps over them."""
    x: NDArray[np.float64] = given.astype(np.float64)
    least, most = (share * rest for share in THERMAL)
    for _ in range(_SWEEPS):
        length = bond_lengths(x, ends)
        off = np.abs(length - np.clip(length, least, most)) > _HELD_TO * rest
        off &= length > 0  # ends at one place have no direction to part in
        if not off.any():
            break
        for bond in np.flatnonzero(off.any(axis=0)).tolist():
            i, j = ends[bond]
            apart = x[:, j] - x[:, i]
            length = np.linalg.norm(apart, axis=-1)
            wanted = np.clip(length, least[:, bond], most[:, bond])
            shift = (0.5 * (wanted - length) / np.maximum(length, 1e-9))[:, None] * apart
            x[:, i] -= shift
            x[:, j] += shift
    return x
