"""Particles apart by system, zeros filling up the smaller ones where systems differ in size."""

from __future__ import annotations

from torch import Tensor

from painet_cli.data.batches.graph import Graph


def padded(values: Tensor, graph: Graph) -> tuple[Tensor, Tensor]:
    """(B, N, ...) values of each system's particles, and (B, N) which places are particles."""
    # PyTorch Geometric takes as long to import as torch, and equal systems do without
    from torch_geometric.utils import to_dense_batch

    apart, places = to_dense_batch(values, graph.system, batch_size=graph.num_systems)
    return apart, places


class Rows:
    """Particles of all times by system: (T, M, d) as (B, T N, d), zeros filling smaller systems.

    Attributes
    ----------
    size
        N, particles of the largest system.
    mask
        (B, 1, 1, T N) which places are particles; None where all are.
    """

    def __init__(self, graph: Graph, horizon: int) -> None:
        self.graph = graph
        self.horizon = horizon
        self.places: Tensor | None = None
        self.mask: Tensor | None = None
        if graph.nodes_per_system is not None:
            self.size = graph.nodes_per_system
        else:
            _, self.places = padded(graph.types, graph)
            self.size = self.places.shape[1]
            self.mask = self.places.repeat(1, horizon)[:, None, None]

    def gather(self, rows: Tensor) -> Tensor:
        """(B, T N, d) of (T, M, d)."""
        if self.places is None:
            apart = rows.view(self.horizon, -1, self.size, rows.shape[-1]).transpose(0, 1)
        else:
            apart = padded(rows.transpose(0, 1), self.graph)[0].transpose(1, 2)
        return apart.flatten(1, 2)

    def scatter(self, rows: Tensor) -> Tensor:
        """(T, M, d) of (B, T N, d)."""
        apart = rows.view(len(rows), self.horizon, self.size, -1)
        if self.places is None:
            return apart.transpose(0, 1).flatten(1, 2)
        held: Tensor = apart.transpose(1, 2)[self.places]
        return held.transpose(0, 1)
