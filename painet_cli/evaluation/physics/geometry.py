"""The shape of many frames at once: bonds, size, distance from the start, fluctuation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.lengths import bond_lengths, parts_of
from painet_cli.data.particles.particles import Particles, residue_starts
from painet_cli.data.particles.superpose import superposed


@dataclass(frozen=True)
class BondErrors:
    """How far bonds are from their length at the start, an entry a step.

    Attributes
    ----------
    mean, maximum
        Of |l - l0| over all starts and bonds, in the unit of length.
    mean_share, maximum_share
        Of |l - l0| / l0; bonds of length 0 at the start have no share.
    worst
        Index of the bond with the largest share.
    worst_length, worst_start_length
        Its length, and its length at the start.
    broken, looked_at
        Number of bonds whose share is beyond a bound, of how many in all starts' frames.
    """

    mean: list[float]
    maximum: list[float]
    mean_share: list[float]
    maximum_share: list[float]
    worst: list[int]
    worst_length: list[float]
    worst_start_length: list[float]
    broken: list[int]
    looked_at: list[int]


@dataclass(frozen=True)
class MotionFigures:
    """Figures of T frames after each of S starts, an entry a step, means over the starts.

    Attributes
    ----------
    bonds
        Bond lengths against the start; None where the system has no bonds, or where they join
        everyone to everyone and hold no lengths.
    worst_bonds
        Name of the bond that is off by the largest share, a step; empty without bonds.
    clashes
        Mean number of clashes a frame; None where they are not counted.
    gyration
        Radius of gyration, unit of length.
    rmsd, rmsd_in_place
        RMSD from the start, after optimal superposition and without, unit of length.
    rmsf
        Fluctuation of every residue (or particle) about its mean over the start and the T steps,
        unit of length.
    left_out
        Number of frames with a position that is NaN or infinite; other figures are without them.
    """

    bonds: BondErrors | None
    worst_bonds: list[str]
    clashes: list[float] | None
    gyration: list[float]
    rmsd: list[float]
    rmsd_in_place: list[float]
    rmsf: list[float]
    left_out: list[int]


def bond_errors(
    start: NDArray[np.floating],  # (S, N, 3)
    frames: NDArray[np.floating],  # (S, T, N, 3)
    bonds: NDArray[np.int64],  # (B, 2), B > 0
    left_out: NDArray[np.bool_],  # (S, T)
    bound: float,
) -> BondErrors:
    """Measure bonds against the start; frames `left_out` count for nothing."""
    steps = frames.shape[1]
    looked_at = (~left_out).sum(axis=0) * len(bonds)
    count = np.where(looked_at, looked_at, np.nan)
    total, total_share = np.zeros(steps), np.zeros(steps)
    beyond = np.zeros(steps, dtype=np.int64)
    maximum, share_of_worst = np.zeros(steps), np.full(steps, -1.0)
    worst = np.zeros(steps, dtype=np.int64)
    lengths = np.zeros((2, steps))
    for part in parts_of(len(start), steps * len(bonds)):
        rest = bond_lengths(start[part], bonds)[:, None]
        length = bond_lengths(frames[part], bonds)
        off = np.where(left_out[part, :, None], 0.0, np.abs(length - rest))
        share = np.divide(off, rest, out=np.zeros_like(off), where=rest > 0)
        total += off.sum(axis=(0, 2))
        total_share += share.sum(axis=(0, 2))
        beyond += (share > bound).sum(axis=(0, 2))
        maximum = np.maximum(maximum, off.max(axis=(0, 2)))
        by_step = share.transpose(1, 0, 2).reshape(steps, -1)
        which = by_step.argmax(axis=1)
        where, bond = np.divmod(which, len(bonds))
        here = by_step[np.arange(steps), which]
        found = np.stack([length[where, np.arange(steps), bond], rest[where, 0, bond]])
        worse = here > share_of_worst
        share_of_worst = np.where(worse, here, share_of_worst)
        worst = np.where(worse, bond, worst)
        lengths = np.where(worse, found, lengths)
    return BondErrors(
        mean=(total / count).tolist(),
        maximum=maximum.tolist(),
        mean_share=(total_share / count).tolist(),
        maximum_share=share_of_worst.tolist(),
        worst=worst.tolist(),
        worst_length=lengths[0].tolist(),
        worst_start_length=lengths[1].tolist(),
        broken=beyond.tolist(),
        looked_at=looked_at.tolist(),
    )


def bond_shares(
    start: NDArray[np.floating],  # (..., N, 3)
    frames: NDArray[np.floating],  # (..., N, 3)
    bonds: NDArray[np.int64],  # (B, 2)
) -> NDArray[np.float64]:  # (..., B)
    """Share of its length at the start by which each bond is off; nought where that is nought."""
    rest, length = bond_lengths(start, bonds), bond_lengths(frames, bonds)
    off = np.abs(length - rest)
    return np.divide(off, rest, out=np.zeros_like(off), where=rest > 0)


def gyration(
    positions: NDArray[np.floating],  # (..., N, 3)
    weights: NDArray[np.float64],  # (N,)
) -> NDArray[np.float64]:  # (...)
    """Root mean squared distance from the weighted centre, sqrt(sum w |x - c|^2 / sum w)."""
    w = weights / weights.sum()
    x = positions.astype(np.float64)
    centred = x - (x * w[:, None]).sum(axis=-2, keepdims=True)
    radius: NDArray[np.float64] = np.sqrt((np.square(centred).sum(axis=-1) * w).sum(axis=-1))
    return radius


def _centred(positions: NDArray[np.floating]) -> NDArray[np.float64]:
    x = positions.astype(np.float64)
    centred: NDArray[np.float64] = x - x.mean(axis=-2, keepdims=True)
    return centred


@dataclass(frozen=True)
class Displacement:
    """How far frames are from their start.

    Attributes
    ----------
    rmsd, rmsd_in_place
        (S, T) root mean squared distance from the start, after superposition and without.
    rmsf
        (N,) root mean squared fluctuation of every particle about its mean over the start and the
        T steps, all superposed on the start; squares are averaged over the starts.
    """

    rmsd: NDArray[np.float64]
    rmsd_in_place: NDArray[np.float64]
    rmsf: NDArray[np.float64]


def displacement(
    start: NDArray[np.floating],  # (S, N, 3)
    frames: NDArray[np.floating],  # (S, T, N, 3)
    left_out: NDArray[np.bool_],  # (S, T)
) -> Displacement:
    """Measure frames against their start; starts with a frame `left_out` count for no RMSF."""
    starts, steps, particles = frames.shape[:3]
    rmsd, in_place = np.zeros((starts, steps)), np.zeros((starts, steps))
    squared = np.zeros(particles)
    whole: NDArray[np.bool_] = np.logical_not(left_out.any(axis=1))
    for part in parts_of(starts, steps * particles):
        origin = _centred(start[part])[:, None]
        turned = superposed(frames[part], origin)
        rmsd[part] = _rms(turned - origin)
        in_place[part] = _rms(frames[part].astype(np.float64) - start[part, None])
        every = np.concatenate([origin, turned], axis=1)[whole[part]]
        about = every - every.mean(axis=1, keepdims=True)
        squared += np.square(about).sum(axis=(0, 1, 3)) / (steps + 1)
    mean = squared / whole.sum() if whole.any() else np.full(particles, np.nan)
    return Displacement(rmsd, in_place, np.sqrt(mean))


def _rms(moved: NDArray[np.float64]) -> NDArray[np.float64]:
    rms: NDArray[np.float64] = np.sqrt(np.square(moved).sum(axis=-1).mean(axis=-1))
    return rms


def by_residue(
    rmsf: NDArray[np.float64],  # (N,)
    particles: Particles,
) -> NDArray[np.float64]:
    """Root mean square over each residue, (residues,), or (N,) where there is one residue only."""
    first = residue_starts(particles)
    if len(first) == 1:
        return rmsf
    sizes = np.diff(np.append(first, len(rmsf)))
    pooled: NDArray[np.float64] = np.sqrt(np.add.reduceat(np.square(rmsf), first) / sizes)
    return pooled


def particle_labels(particles: Particles) -> list[str]:
    """Name every particle: `CA12`, `B:CA12` where there are several chains, `p3` or `C#3`."""
    if particles.residue_ids:
        return _prefixed(particles, particles.names)
    if len(set(particles.names)) == len(particles.names):
        return list(particles.names)
    return [f"{name}#{number}" for number, name in enumerate(particles.names, 1)]


def residue_labels(particles: Particles) -> list[str]:
    """Name every residue, `MET1`, or every particle where there is one residue only."""
    first = residue_starts(particles)
    if len(first) == 1:
        return particle_labels(particles)
    named = particles.residues or ("",) * len(particles.names)
    labels = _prefixed(particles, named)
    return [labels[index] for index in first]


def _prefixed(particles: Particles, names: Sequence[str]) -> list[str]:
    chains = particles.chains if len(set(particles.chains)) > 1 else ("",) * len(names)
    numbers = particles.residue_ids or ("",) * len(names)
    return [
        f"{chain}:{name}{number}" if chain else f"{name}{number}"
        for chain, name, number in zip(chains, names, numbers, strict=True)
    ]
