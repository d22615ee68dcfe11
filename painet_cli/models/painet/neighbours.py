"""Attention limited to the graph's neighbours: the ablation of what all pairs are for."""

from __future__ import annotations

import torch
from torch import Tensor

from painet_cli.data.batches.graph import Graph


def attend_neighbours(
    q: Tensor,  # (heads, M, d)
    k: Tensor,  # (heads, M, d)
    v: Tensor,  # (heads, M, d)
    phi: Tensor,  # (heads, E, E)
    psi: Tensor,  # (heads, E, E)
    graph: Graph,
) -> Tensor:  # (heads, M, d)
    r"""Weighted means of equation 8 over a particle's neighbours and itself, edge by edge.

    Weights and values are those of the other forms; the sums run over
    :math:`j \in N(i) \cup \{i\}`. O(E d) a head for E edges: no N x N, and no reach beyond one edge
    a layer.
    """
    source, target = graph.derived("edges and selves", lambda: _with_selves(graph))
    pair = graph.types[target], graph.types[source]
    alike = (q.index_select(1, target) * k.index_select(1, source)).sum(dim=-1)
    weights = phi[:, *pair] + psi[:, *pair] * alike  # (heads, E + M)

    messages = weights[..., None] * v.index_select(1, source)
    total = torch.zeros_like(v).index_add(1, target, messages)
    norm = v.new_zeros(v.shape[:2]).index_add(1, target, weights)
    return total / norm[..., None]


def _with_selves(graph: Graph) -> tuple[Tensor, Tensor]:
    """Sources and targets (E + M,) of all edges, and of one from every particle to itself."""
    selves = torch.arange(graph.num_nodes, device=graph.types.device)
    return torch.cat([graph.source, selves]), torch.cat([graph.target, selves])
