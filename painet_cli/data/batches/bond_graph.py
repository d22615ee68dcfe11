"""Edges along bonds: who is joined to whom over how many of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse import coo_array, csr_array, eye_array

from painet_cli.data.batches.graph import Graph, graph_of


def bond_graph(types: Sequence[int], bonds: Sequence[tuple[int, int]], hops: int) -> Graph:
    """Graph of one system in which particles up to `hops` bonds apart are joined, both ways.

    Parameters
    ----------
    types
        Type of every particle, N entries.
    bonds
        Pairs of particles.
    hops
        Farthest pair to join, in bonds.
    """
    n = len(types)
    here, (i, j) = np.arange(n), np.asarray(bonds, dtype=np.int64).reshape(-1, 2).T
    ends = np.concatenate([i, j, here]), np.concatenate([j, i, here])  # to stay is a step, too
    step = csr_array((np.ones(len(ends[0]), dtype=bool), ends), shape=(n, n))
    within = csr_array(eye_array(n, dtype=bool))
    hop_of = csr_array((n, n), dtype=np.int64)
    for hop in range(1, hops + 1):
        reached = within @ step
        hop_of = hop_of + hop * (reached.astype(np.int64) - within.astype(np.int64))
        within = reached
    edges = coo_array(hop_of)
    return graph_of(
        torch.as_tensor(types, dtype=torch.int64),
        torch.from_numpy(np.stack([edges.col, edges.row]).astype(np.int64)),
        torch.from_numpy(edges.data.astype(np.int64)),
    )
