"""Particles that are too close: which pairs count, below which distance, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.particles.bonds import is_crowded
from painet_cli.data.particles.particles import Particles, backbone_pairs

RADII_SHARE = 0.6
"""Share of the sum of two van der Waals radii below which atoms clash. The closest pairs of a
relaxed molecule that bonds and angles do not hold, three bonds apart and eclipsed, are at 0.75
(carbons 2.5 of 3.4 angstrom), which is also what PoseBusters ask of molecules that touch
(Buttenschoen, Morris and Deane, Chem. Sci. 15, 3130 (2024)); thermal motion stays above 0.6."""
HYDROGEN_BOND = 1.2
"""Angstrom; a hydrogen may come so near to N, O or F. Strong hydrogen bonds are 1.2 to 1.5 long
(Jeffrey, An Introduction to Hydrogen Bonding (1997))."""
CA_BOUND = 3.0
"""Angstrom between alpha carbons that stand for whole residues: two radii of carbon, 1.7 each, less
the overlap of 0.4 that MolProbity calls a clash (Chen et al., Acta Cryst. D66, 12 (2010))."""
HELD_BY_BONDS = 2
"""Pairs up to so many bonds apart are held by bond lengths and angles, and never clash."""
_PARTICLES_AT_ONCE = 2**18
"""Frames are searched in parts of about so many particles."""


@dataclass(frozen=True)
class ClashCheck:
    """How clashes are counted in one system.

    Attributes
    ----------
    criterion
        What is counted, or why nothing is, for a reader.
    count
        N.
    bounds
        (K, K) distance below which kinds clash, angstrom; None where nothing is counted.
    kinds
        (N,) kind of every particle, -1 where it takes no part.
    held
        Sorted keys i * N + j of pairs that bonds hold.
    """

    criterion: str
    count: int
    bounds: NDArray[np.float64] | None = None
    kinds: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    held: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def counts(
        self,
        frames: NDArray[np.floating],  # (F, N, 3), finite
    ) -> NDArray[np.int64]:
        """Number of clashes in every frame, (F,); only of a check that has bounds.

        Where particles lie on top of each other, all pairs nearer than the largest bound count.
        """
        at_once = max(1, _PARTICLES_AT_ONCE // self.count)
        found = [self._counts(frames[k : k + at_once]) for k in range(0, len(frames), at_once)]
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def _counts(self, frames: NDArray[np.floating]) -> NDArray[np.int64]:
        bounds = np.zeros((0, 0)) if self.bounds is None else self.bounds
        taking_part = np.flatnonzero(self.kinds >= 0)
        reach = float(bounds.max(initial=0.0))
        if reach == 0 or len(taking_part) < 2:
            return np.zeros(len(frames), dtype=np.int64)
        x = frames[:, taking_part].astype(np.float64)
        # a fourth coordinate keeps frames apart, however far a prediction has run away
        apart = np.broadcast_to((np.arange(len(x)) * 2 * reach)[:, None, None], (*x.shape[:2], 1))
        side_by_side = np.concatenate([x, apart], axis=-1).reshape(-1, 4)
        tree = cKDTree(side_by_side)
        if is_crowded(tree, reach):  # collapsed: all pairs within the largest bound are clashes
            trees = [cKDTree(frame) for frame in x]
            near = [(one.count_neighbors(one, reach) - one.n) // 2 for one in trees]
            return np.array(near, dtype=np.int64)
        pairs = tree.query_pairs(reach, output_type="ndarray")
        frame, first = np.divmod(pairs[:, 0], len(taking_part))
        i, j = taking_part[first], taking_part[pairs[:, 1] % len(taking_part)]
        distance = np.linalg.norm(side_by_side[pairs[:, 0]] - side_by_side[pairs[:, 1]], axis=1)
        clash = distance < bounds[self.kinds[i], self.kinds[j]]
        clash &= ~np.isin(i * self.count + j, self.held)
        counts: NDArray[np.int64] = np.bincount(frame[clash], minlength=len(frames))
        return counts


def clash_check(particles: Particles, length_unit: str) -> ClashCheck:
    """Choose what clashes are in a system, from what is known of its particles."""
    n = len(particles.names)
    if length_unit != "angstrom":
        return ClashCheck(f"not counted: no radii are known for particles in {length_unit}", n)
    # alpha carbons that follow each other are joined, listed or not: 2.9 apart in a cis peptide
    bonds = particles.bonds or [(i, j) for i, j in backbone_pairs(particles).tolist()]
    edges = bond_graph((0,) * n, bonds, HELD_BY_BONDS).edge_index.numpy()
    held = np.sort(edges[0] * n + edges[1])
    beyond = f"pairs more than {HELD_BY_BONDS} bonds apart and closer than"
    if particles.residues and set(particles.names) == {"CA"}:
        bounds = np.full((1, 1), CA_BOUND)
        kinds = np.zeros(n, dtype=np.int64)
        return ClashCheck(f"{beyond} {CA_BOUND:g} angstrom", n, bounds, kinds, held)
    if not particles.elements:
        return ClashCheck("not counted: the particles' elements are not known", n)
    return _of_atoms(particles, held, f"{beyond} {RADII_SHARE:g} of their van der Waals radii")


def _of_atoms(particles: Particles, held: NDArray[np.int64], criterion: str) -> ClashCheck:
    # takes 2 seconds to import, so only when a check is asked for; radii after Bondi (1964),
    # Rowland and Taylor (1996) and Mantina et al. (2009)
    from MDAnalysis.guesser.tables import vdwradii

    symbols = [symbol.upper() for symbol in particles.elements]
    known = sorted({symbol for symbol in symbols if symbol in vdwradii})
    unknown = sorted(set(particles.elements) - {symbol.capitalize() for symbol in known})
    radii = np.array([vdwradii[symbol] for symbol in known])
    bounds = RADII_SHARE * (radii[:, None] + radii)
    for k, symbol in enumerate(known):
        if symbol in ("N", "O", "F") and "H" in known:
            hydrogen = known.index("H")
            bounds[k, hydrogen] = bounds[hydrogen, k] = HYDROGEN_BOND
    if "H" in known and {"N", "O", "F"} & set(known):
        criterion += f" (hydrogen to N, O or F: {HYDROGEN_BOND:g} angstrom)"
    if unknown:
        criterion += f"; without {', '.join(unknown)}, whose radii are not known"
    kinds = np.array([known.index(symbol) if symbol in vdwradii else -1 for symbol in symbols])
    return ClashCheck(criterion, len(symbols), bounds, kinds, held)
