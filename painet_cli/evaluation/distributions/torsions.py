"""Torsions of a molecule: which there are, their angles, and how alike two sets of angles are."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import jensenshannon

from painet_cli.data.particles.bonds import neighbours
from painet_cli.data.particles.particles import (
    Particles,
    backbone_pairs,
    following,
    residue_numbers,
    residue_starts,
)
from painet_cli.data.particles.structure import holds_lengths

BINS = 36
"""Of ten degrees each."""
_MOST_PARTICLES = 2000  # of molecules whose rotatable bonds are looked for one by one

Quadruples = NDArray[np.int64]


def torsions_of(particles: Particles) -> dict[str, Quadruples]:
    """(K, 4) particles of every torsion by kind; empty where there is none.

    Of a protein `phi`, `psi` and `chi1`; where only its alpha carbons are known, `CA` of four that
    follow each other; of other molecules `rotatable`, one torsion for every bond that is in no
    ring and has neighbours on both sides.
    """
    found = _protein(particles) or _alpha_carbons(particles)
    if not found and holds_lengths(particles) and len(particles.names) <= _MOST_PARTICLES:
        found = {"rotatable": _rotatable(particles)}
    return {kind: quadruples for kind, quadruples in found.items() if len(quadruples)}


def _protein(particles: Particles) -> dict[str, Quadruples]:
    """Phi, psi and chi1, as MDAnalysis finds them by names."""
    names = set(particles.names)
    if not particles.residues or not particles.residue_ids or not {"N", "CA", "C"} <= names:
        return {}
    import MDAnalysis

    first = residue_starts(particles)
    chains = [particles.chains[k] if particles.chains else "" for k in first]
    segments = list(dict.fromkeys(chains))
    universe = MDAnalysis.Universe.empty(
        len(particles.names),
        len(first),
        len(segments),
        atom_resindex=residue_numbers(particles),
        residue_segindex=[segments.index(chain) for chain in chains],
    )
    universe.add_TopologyAttr("names", list(particles.names))
    universe.add_TopologyAttr("resnames", [particles.residues[k] for k in first])
    # of insertion codes MDAnalysis knows nothing here: residues are counted along each chain
    steps = np.where(_follow(particles, first), 1, 2)
    numbers = np.concatenate([[1], 1 + np.cumsum(steps)]).tolist()
    universe.add_TopologyAttr("resids", numbers)
    universe.add_TopologyAttr("segids", [chain or "SYSTEM" for chain in segments])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of residues that have none
        residues, groups = universe.residues, {}
        known = {*zip(chains, numbers, strict=True)}
        if any((chain, number + 1) in known for chain, number in known):
            # MDAnalysis ends in a TypeError where no residue follows on another
            groups = {"phi": residues.phi_selections(), "psi": residues.psi_selections()}
        groups["chi1"] = residues.chi1_selections()
    return {kind: _listed([g.indices for g in some if g]) for kind, some in groups.items()}


def _follow(particles: Particles, first: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether residues follow the one before: by bonds, where none joins two residues by number.

    Numbers leap within chains (chymotrypsin, antibodies), and may go on from one chain to the next.
    """
    ends = np.array(particles.bonds, dtype=np.int64).reshape(-1, 2)
    joined = np.sort(residue_numbers(particles)[ends], axis=1)
    follows = np.zeros(len(first) - 1, dtype=bool)
    follows[joined[joined[:, 1] - joined[:, 0] == 1, 0]] = True
    return follows if follows.any() else following(particles, first)


def _alpha_carbons(particles: Particles) -> dict[str, Quadruples]:
    """Four alpha carbons in a row, whose residues follow each other in a chain."""
    pairs = backbone_pairs(particles)
    following = dict(pairs.tolist())
    rows = []
    for first in following:
        row = [first]
        while len(row) < 4 and row[-1] in following:
            row.append(following[row[-1]])
        if len(row) == 4:
            rows.append(row)
    return {"CA": _listed(rows)} if rows else {}


def _rotatable(particles: Particles) -> Quadruples:
    """One torsion about every bond that is in no ring and has neighbours at both ends."""
    count, bonds = len(particles.names), np.array(particles.bonds, dtype=np.int64)
    light = [symbol == "H" for symbol in particles.elements or ("",) * count]
    near = neighbours(particles.bonds, count)
    found = []
    for number, (b, c) in enumerate(particles.bonds):
        ends = [[k for k in near[x] if k != y] for x, y in ((b, c), (c, b))]
        if not all(ends):
            continue
        rest = np.delete(bonds, number, axis=0)
        graph = coo_array((np.ones(len(rest)), (rest[:, 0], rest[:, 1])), shape=(count, count))
        _, part = connected_components(graph, directed=False)
        if part[b] != part[c]:
            a, d = (min(end, key=lambda k: (light[k], k)) for end in ends)  # heavy atoms first
            found.append([a, b, c, d])
    return _listed(found)


def _listed(quadruples: list[NDArray[np.int64]] | list[list[int]]) -> Quadruples:
    return np.array(quadruples, dtype=np.int64).reshape(-1, 4)


def angles(
    frames: NDArray[np.floating],  # (F, N, 3)
    quadruples: Quadruples,  # (K, 4)
) -> NDArray[np.float64]:  # (F, K)
    """Torsion angles in degrees, -180 to 180."""
    from MDAnalysis.lib.distances import calc_dihedrals

    # about the first atom, so that float32 does for systems far from the origin
    near = frames - frames[:, :1]
    ends = (near[:, column].reshape(-1, 3).astype(np.float32) for column in quadruples.T)
    found: NDArray[np.float64] = np.degrees(calc_dihedrals(*ends))
    return found.reshape(len(frames), len(quadruples))


def angle_distance(
    first: NDArray[np.float64],  # (F, K)
    second: NDArray[np.float64],  # (G, K)
) -> float:
    """Jensen-Shannon distance of two sets of angles, 0 to 1 (base 2), mean over the torsions."""
    return float(jensenshannon(_shares(first), _shares(second), base=2, axis=0).mean())


def _shares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(BINS, K) share of each bin."""
    bins = np.clip((values + 180.0) * BINS / 360.0, 0, BINS - 1).astype(np.int64)
    kinds = np.arange(values.shape[1])
    counts = np.bincount((bins + BINS * kinds).ravel(), minlength=BINS * len(kinds))
    shares: NDArray[np.float64] = counts.reshape(-1, BINS).T / len(values)
    return shares
