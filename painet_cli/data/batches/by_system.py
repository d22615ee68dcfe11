"""Means over the particles of each of the systems side by side."""

from __future__ import annotations

from torch import Tensor

from painet_cli.data.batches.graph import Graph


def mean_by_system(values: Tensor, graph: Graph) -> Tensor:
    """(B, k) mean of values (M, k) over the particles of every system."""
    n = graph.nodes_per_system
    if n is not None:
        return values.view(-1, n, values.shape[-1]).mean(dim=1)
    total = values.new_zeros((graph.num_systems, values.shape[-1]))
    return total.index_add_(0, graph.system, values) / graph.ptr.diff()[:, None]
