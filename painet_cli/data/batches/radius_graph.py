"""Edges by distance: bonds, and whoever is close at the moment, made anew for every state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from painet_cli.data.particles.bonds import MOST_PAIRS, is_crowded
from painet_cli.errors import PainetError

_FARTHEST = 1e9  # cutoffs; farther out, float64 would not tell neighbours in the tree apart


@dataclass(frozen=True)
class Edges:
    """Edges of one system, sorted by target; small, because many are kept.

    Attributes
    ----------
    source, target
        (E,) unsigned integers, particles of the system.
    hop
        (E,) uint8, `edge_hop` of a graph.
    """

    source: NDArray[np.unsignedinteger]
    target: NDArray[np.unsignedinteger]
    hop: NDArray[np.uint8]

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return int(self.source.nbytes + self.target.nbytes + self.hop.nbytes)


def side_by_side(
    edges: Sequence[Edges],
    first: NDArray[np.int64],  # (B,)
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`edge_index` (2, E) and `edge_hop` (E,) of systems, by the first particle of each."""
    index = np.concatenate([np.stack([one.source, one.target]) for one in edges], axis=1)
    shift = np.repeat(first, [len(one.hop) for one in edges])
    hop = np.concatenate([one.hop for one in edges])
    return index.astype(np.int64) + shift, hop.astype(np.int64)


class RadiusGraph:
    """Joins particles of one system that are bonded, or closer than a cutoff.

    Parameters
    ----------
    num_nodes
        N, particles of the system.
    edge_index, edge_hop
        (2, E) and (E,), the system's edges along bonds, as `Graph` has them.
    cutoff
        Largest distance of an edge, in the unit of the positions.
    hop
        `edge_hop` of an edge between particles that bonds do not join.
    """

    def __init__(
        self,
        num_nodes: int,
        edge_index: NDArray[np.int64],
        edge_hop: NDArray[np.int64],
        cutoff: float,
        hop: int,
    ) -> None:
        self.num_nodes = num_nodes
        self.cutoff = cutoff
        self.hop = hop
        self._index = np.uint16 if num_nodes <= 2**16 else np.uint32
        self._bonded, self._bonded_hop = edge_index, edge_hop
        self._bonded_keys = edge_index[1] * num_nodes + edge_index[0]

    def edges(
        self,
        positions: NDArray[np.floating],  # (B, N, 3)
    ) -> list[Edges]:
        """Edges of B states of the system.

        One tree holds them all, side by side and farther apart than the cutoff. A state that has
        run away, as predictions may, has the edges of its bonds alone.

        Raises
        ------
        PainetError
            Particles lie on top of each other: the pairs would not fit in memory.
        """
        count, n, _ = positions.shape
        x = positions.astype(np.float64)
        with np.errstate(invalid="ignore"):  # infinity less infinity
            x -= x.min(axis=(1, 2), keepdims=True)
        lost = ~(x.max(axis=(1, 2)) < _FARTHEST * self.cutoff)  # NaN is lost too
        x[lost] = (2 * self.cutoff * np.arange(n))[:, None]
        x[..., 0] += (np.arange(count) * (x.max() + 2 * self.cutoff))[:, None]
        tree = cKDTree(x.reshape(-1, 3))
        if is_crowded(tree, self.cutoff):
            raise PainetError(
                f"{n:,} particles: each has more than {MOST_PAIRS} others within data.cutoff "
                f"{self.cutoff:g}, so no edges are made",
                "do they lie on top of each other? is the unit right?",
            )
        pairs = tree.query_pairs(self.cutoff, output_type="ndarray")
        source = np.concatenate([pairs[:, 0], pairs[:, 1]])
        target = np.concatenate([pairs[:, 1], pairs[:, 0]])
        near = ~np.isin(target % n * n + source % n, self._bonded_keys)
        offsets = (np.arange(count) * n)[:, None]
        source = np.concatenate([(self._bonded[0] + offsets).ravel(), source[near]])
        target = np.concatenate([(self._bonded[1] + offsets).ravel(), target[near]])
        hop = np.full(len(source), self.hop, dtype=np.uint8)
        hop[: count * len(self._bonded_hop)] = np.tile(self._bonded_hop, count)

        order = np.argsort(target * (count * n) + source)
        source, target, hop = source[order], target[order], hop[order]
        cuts = np.searchsorted(target, np.arange(1, count) * n)
        parts = (np.split(values, cuts) for values in (source % n, target % n, hop))
        return [
            Edges(s.astype(self._index), t.astype(self._index), h)
            for s, t, h in zip(*parts, strict=True)
        ]

    def edges_of(
        self,
        positions: NDArray[np.floating],  # (M, 3)
    ) -> list[Edges]:
        """Edges of copies of the system side by side, one entry a copy."""
        return self.edges(positions.reshape(-1, self.num_nodes, 3))

    def select(self, systems: NDArray[np.int64]) -> RadiusGraph:
        """Some of the copies: itself."""
        return self


class RadiusGraphs:
    """The same for unequal systems side by side.

    Parameters
    ----------
    kinds
        One of each.
    which
        (B,) index into `kinds`, of every system.
    """

    def __init__(self, kinds: Sequence[RadiusGraph], which: NDArray[np.int64]) -> None:
        self.kinds = kinds
        self.which = which

    def select(self, systems: NDArray[np.int64]) -> RadiusGraph | RadiusGraphs:
        """Some of the systems, in that order; of a single one, what makes its edges."""
        which = self.which[systems]
        return self.kinds[int(which[0])] if len(which) == 1 else RadiusGraphs(self.kinds, which)

    def edges_of(
        self,
        positions: NDArray[np.floating],  # (M, 3)
    ) -> list[Edges]:
        """Edges of the systems, one entry each; those of one kind are made together."""
        sizes = np.array([kind.num_nodes for kind in self.kinds])[self.which]
        first = np.cumsum(sizes) - sizes
        made: dict[int, Edges] = {}
        for number in np.unique(self.which).tolist():
            kind, places = self.kinds[number], np.flatnonzero(self.which == number)
            rows = first[places, None] + np.arange(kind.num_nodes)
            made |= zip(places.tolist(), kind.edges(positions[rows]), strict=True)
        return [made[place] for place in range(len(self.which))]
