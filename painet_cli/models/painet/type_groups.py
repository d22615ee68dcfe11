"""Particles of one type and system, in blocks of equal length that products run over."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from painet_cli.data.batches.graph import Graph

_SMALLEST_CHUNK, _LARGEST_CHUNK = 8, 1024  # particles of one type a block


@dataclass(frozen=True, eq=False)
class TypeGroups:
    """Particles of one type in one system, a group, cut into chunks of equal length.

    Attributes
    ----------
    systems, types
        Groups are numbered system by system; systems * types of them, empty ones included.
    rows
        (chunks, chunk) particle in each place of a chunk; any where it is empty.
    empty
        (...) empty places of the flattened chunks.
    place
        (M,) place of every particle in the flattened chunks.
    of_chunk
        (chunks,) group.
    size
        (systems * types,) particles.
    """

    systems: int
    types: int
    rows: Tensor
    empty: Tensor
    place: Tensor
    of_chunk: Tensor
    size: Tensor

    def gather(self, values: Tensor) -> Tensor:
        """(heads, chunks, chunk, w) rows of values (heads, M, w), zero in the empty places."""
        chosen = values.index_select(1, self.rows.flatten()).index_fill(1, self.empty, 0.0)
        return chosen.view(len(values), *self.rows.shape, -1)

    def scatter(self, chunks: Tensor) -> Tensor:
        """(heads, M, w) values out of (heads, chunks, chunk, w)."""
        return chunks.flatten(1, 2).index_select(1, self.place)

    def total(self, chunks: Tensor) -> Tensor:
        """(heads, groups, w) sums of (heads, chunks, w)."""
        total = chunks.new_zeros((len(chunks), len(self.size), chunks.shape[-1]))
        return total.index_add(1, self.of_chunk, chunks)

    def to_chunks(self, groups: Tensor) -> Tensor:
        """(heads, chunks, w) values of (heads, groups, w) at each of their chunks."""
        return groups.index_select(1, self.of_chunk)

    def sizes(self, like: Tensor) -> Tensor:
        """(types, systems) particles, in the dtype of `like`."""
        return self.size.view(self.systems, self.types).t().to(like.dtype)

    def mix(self, table: Tensor, groups: Tensor) -> Tensor:
        """(heads, groups, w) sums over types b of table (heads, a, b) times (heads, b, w)."""
        by_system = groups.reshape(len(groups), self.systems, self.types, -1)
        return (table[:, None] @ by_system).flatten(1, 2)


def groups_of(graph: Graph, types: int) -> TypeGroups:
    """Groups of a graph's particles, made once and kept with it."""
    return graph.derived_of_nodes(("groups", types), lambda: group_by_type(graph, types))


def group_by_type(graph: Graph, types: int, chunk: int | None = None) -> TypeGroups:
    """Cut the particles of a graph into chunks of one type and one system each.

    Parameters
    ----------
    chunk
        Places of a chunk; by default a power of two that leaves a quarter of the places empty on
        average at most, where groups are not tiny.
    """
    device, nodes = graph.types.device, graph.num_nodes
    group = graph.system * types + graph.types
    count = graph.num_systems * types
    sizes = torch.bincount(group, minlength=count)
    if chunk is None:
        mean = nodes / max(int((sizes > 0).sum()), 1)
        chunk = min(max(2 ** int(math.log2(max(mean / 2, 1))), _SMALLEST_CHUNK), _LARGEST_CHUNK)
    chunks_of = (sizes + chunk - 1) // chunk
    first_chunk = chunks_of.cumsum(0) - chunks_of
    first_node = sizes.cumsum(0) - sizes

    order = torch.argsort(group, stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(nodes, device=device)
    place = first_chunk[group] * chunk + rank - first_node[group]

    of_chunk = torch.repeat_interleave(torch.arange(count, device=device), chunks_of)
    rows = torch.full((of_chunk.shape[0] * chunk,), -1, dtype=torch.int64, device=device)
    rows[place] = torch.arange(nodes, device=device)
    empty = (rows < 0).nonzero().flatten()
    rows = rows.clamp(min=0).view(-1, chunk)
    return TypeGroups(graph.num_systems, types, rows, empty, place, of_chunk, sizes)
