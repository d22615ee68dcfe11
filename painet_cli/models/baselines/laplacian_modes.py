"""The slow modes of a molecule: first eigenvectors of its bonds' Laplacian, chosen by a rule."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from painet_cli.data.batches.graph import Graph

_EQUAL = 1e-6  # eigenvalues and entries of eigenvectors closer than this count as equal


def mode_basis(graph: Graph, modes: int) -> Tensor:
    """(M, modes) float64 values of every system's `slow_modes`; computed once a graph."""

    def compute() -> Tensor:
        if graph.unit is not None:
            return mode_basis(graph.unit, modes).repeat(graph.num_systems, 1)
        bonds = graph.edge_index[:, graph.edge_hop == 1].cpu()
        types, bounds = graph.types.cpu(), graph.ptr.tolist()
        cuts = torch.searchsorted(bonds[1].contiguous(), graph.ptr.cpu()).tolist()
        systems = [
            slow_modes(types[first:end], bonds[:, cuts[k] : cuts[k + 1]] - first, modes)
            for k, (first, end) in enumerate(pairwise(bounds))
        ]
        return torch.cat(systems).to(graph.ptr.device)

    # by the particles, as bonds stay when edges by distance come and go
    return graph.derived_of_nodes(("slow modes", modes), compute)


def slow_modes(
    types: Tensor,  # (N,)
    bonds: Tensor,  # (2, bonds both ways)
    modes: int,
) -> Tensor:  # (N, modes)
    """First eigenvectors of the Laplacian D - A of the bonds; zero where there are no more.

    The space of an eigenvalue is unique, its basis is not. It is chosen as by a pivoted Cholesky
    decomposition of the projector on the space: each vector in turn is what the projector makes of
    the particle that lies nearest to the space. So a vector that is alone is positive where it is
    largest. Among particles equally near, the lowest of `_places` is taken, then the first.
    """
    n = len(types)
    adjacency = torch.zeros(n, n, dtype=torch.float64)
    adjacency[bonds[1], bonds[0]] = 1
    values, vectors = torch.linalg.eigh(adjacency.sum(dim=1).diag() - adjacency)
    places = _places(types, adjacency)
    basis = torch.zeros(n, modes, dtype=torch.float64)
    first = 0
    while first < min(n, modes):
        end = int((values < values[first] + _EQUAL * max(1.0, float(values[-1]))).sum())
        projector = vectors[:, first:end] @ vectors[:, first:end].t()
        for mode in range(first, min(end, modes)):
            near = projector.diag()
            rank = torch.where(near > near.max() - _EQUAL, places, n)
            pivot = int((rank == rank.min()).nonzero()[0])
            basis[:, mode] = projector[:, pivot] / near[pivot].sqrt()
            projector = projector - torch.outer(basis[:, mode], basis[:, mode])
        first = end
    return basis


def _places(
    types: Tensor,  # (N,)
    adjacency: Tensor,  # (N, N)
) -> Tensor:  # (N,)
    """Number of every particle's place in the molecule, whatever the particles' order.

    Particles differ by type, then by how many of each their neighbours are, and so on (colour
    refinement).
    """
    places: Tensor = torch.unique(types, return_inverse=True)[1]
    while True:
        neighbours = adjacency @ F.one_hot(places).double()
        finer = torch.unique(
            torch.cat([places[:, None].double(), neighbours], dim=1), dim=0, return_inverse=True
        )[1]
        if finer.max() == places.max():
            return places
        places = finer
