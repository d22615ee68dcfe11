"""Who is joined to whom: typed particles and edges, for one system or for many side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from painet_cli.data.batches.radius_graph import Edges, RadiusGraph, RadiusGraphs, side_by_side
from painet_cli.errors import RequestError

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Graph:
    """Typed particles and directed edges of B systems side by side.

    Edges are sorted by target, so that sums over a particle's edges read memory in order.

    Attributes
    ----------
    types
        (M,) int64, type of every particle; M is the number of particles of all systems.
    edge_index
        (2, E) int64, rows source j and target i, as in PyTorch Geometric.
    edge_hop
        (E,) int64, bonds between the two ends, from 1; one more than the farthest bonded pair for
        an edge by distance.
    ptr
        (B + 1,) int64, first particle of every system, and M.
    nodes_per_system
        N where all systems have as many particles, else None; known without asking the device.
    unit
        The one system that all are copies of, where they are made by `repeat`.
    radius
        What makes the edges anew from positions, where distance makes edges: that of the one system
        that all are copies of, or those of unequal systems.
    """

    types: Tensor
    edge_index: Tensor
    edge_hop: Tensor
    ptr: Tensor
    nodes_per_system: int | None
    unit: Graph | None = None
    radius: RadiusGraph | RadiusGraphs | None = field(default=None, repr=False)
    _repeats: dict[int, Graph] = field(default_factory=dict, repr=False)
    _derived: dict[object, object] = field(default_factory=dict, repr=False)
    _of_nodes: dict[object, object] = field(default_factory=dict, repr=False)

    @property
    def source(self) -> Tensor:
        """(E,) particle that an edge comes from, j."""
        return self.edge_index[0]

    @property
    def target(self) -> Tensor:
        """(E,) particle that an edge goes to, i; ascending."""
        return self.edge_index[1]

    @property
    def num_nodes(self) -> int:
        """M, particles of all systems."""
        return self.types.shape[0]

    @property
    def num_systems(self) -> int:
        """B, systems side by side."""
        return self.ptr.shape[0] - 1

    @property
    def system(self) -> Tensor:
        """(M,) index of the system of every particle."""
        return self.derived_of_nodes(
            "system",
            lambda: torch.repeat_interleave(
                torch.arange(self.num_systems, device=self.ptr.device),
                self.ptr.diff(),
                output_size=self.num_nodes,
            ),
        )

    @property
    def in_degree(self) -> Tensor:
        """(M, 1) int64, edges that end at a particle, at least 1: what to divide a sum by."""

        def count() -> Tensor:  # unlike bincount, without asking the device for a size
            edges = torch.zeros_like(self.types)
            edges.index_add_(0, self.target, torch.ones_like(self.target))
            return edges.clamp(min=1)[:, None]

        return self.derived("in_degree", count)

    def derived(self, key: object, compute: Callable[[], T]) -> T:
        """Compute something that depends on systems and edges alone once, and keep it here."""
        if key not in self._derived:
            self._derived[key] = compute()
        return cast("T", self._derived[key])

    def derived_of_nodes(self, key: object, compute: Callable[[], T]) -> T:
        """Compute something that depends on the types and systems alone once, whatever the edges.

        Graphs of the same particles with other edges share it.
        """
        if key not in self._of_nodes:
            self._of_nodes[key] = compute()
        return cast("T", self._of_nodes[key])

    @property
    def type_bounds(self) -> tuple[int, int]:
        """Smallest and largest particle type; looked at once, or bounds of what it was made of."""
        types = self.types
        low, high = self.derived_of_nodes("type_bounds", lambda: tuple(map(int, types.aminmax())))
        return low, high

    def check_types(self, count: int) -> None:
        """Refuse a particle type that a model of `count` types does not know; looked at once.

        Raises
        ------
        RequestError
            A type is negative or at least `count`.
        """
        low, high = self.type_bounds
        if low < 0 or high >= count:
            wrong = low if low < 0 else high
            raise RequestError(
                f"particle type {wrong}: the model knows {count} types, counted from 0",
                "use a model trained on these types",
            )

    def check_hops(self, most: int) -> None:
        """Refuse an edge over more bonds than a model knows; looked at once.

        Raises
        ------
        RequestError
            An `edge_hop` is not in 1..most.
        """
        if self.radius is not None or not len(self.edge_hop):
            return  # made by a rule of the preset's, anew for every batch
        low, high = self.derived("hop_bounds", lambda: tuple(map(int, self.edge_hop.aminmax())))
        if low < 1 or high > most:
            raise RequestError(
                f"edge_hop {low if low < 1 else high}: the model knows 1 to {most}",
                "use a model trained with these edges",
            )

    def within(self, cutoff: float, hop: int) -> Graph:
        """Same systems, whose edges are also made by distance.

        Parameters
        ----------
        cutoff
            Largest distance of an edge, in the unit of the positions.
        hop
            `edge_hop` of an edge between particles that bonds do not join.
        """
        radii = [
            RadiusGraph(
                one.num_nodes, one.edge_index.cpu().numpy(), one.edge_hop.cpu().numpy(), cutoff, hop
            )
            for one in map(self._single, range(self.num_systems))
        ]
        radius = radii[0] if len(radii) == 1 else RadiusGraphs(radii, np.arange(len(radii)))
        return replace(self, radius=radius, _repeats={}, _derived={})

    def at(
        self,
        positions: Tensor,  # (M, 3)
    ) -> Graph:
        """Same systems with the edges that these positions make; itself where bonds alone do."""
        if self.radius is None:
            return self
        return self.joined(self.radius.edges_of(positions.detach().cpu().numpy()))

    def joined(self, edges: Sequence[Edges]) -> Graph:
        """Same systems with these edges, one entry a system."""
        n, device = self.nodes_per_system, self.types.device
        first = self.ptr[:-1].cpu().numpy() if n is None else np.arange(len(edges)) * n
        index, hop = (torch.from_numpy(values).to(device) for values in side_by_side(edges, first))
        return self._other(edge_index=index, edge_hop=hop, _of_nodes=self._of_nodes)

    def with_types(self, types: Tensor, bounds: tuple[int, int]) -> Graph:
        """Same systems with other particle types, whose smallest and largest are `bounds`."""
        kept = {"_derived": self._derived, "_of_nodes": {"type_bounds": bounds}}
        return self._other(types=types, **kept)

    def _other(self, **changes: Any) -> Graph:
        """The same but for some fields, and with nothing that was derived but what these hold."""
        forgotten: dict[str, Any] = {"_repeats": {}, "_derived": {}, "_of_nodes": {}}
        return replace(self, **{"unit": None, **forgotten, **changes})

    def repeat(self, copies: int) -> Graph:
        """`copies` of this graph side by side; made once and kept."""
        if copies == 1:
            return self
        if copies not in self._repeats:
            shift = torch.arange(copies, device=self.ptr.device) * self.num_nodes
            self._repeats[copies] = Graph(
                types=self.types.repeat(copies),
                edge_index=(self.edge_index[:, None, :] + shift[:, None]).reshape(2, -1),
                edge_hop=self.edge_hop.repeat(copies),
                ptr=torch.cat([self.ptr[:1], (self.ptr[1:] + shift[:, None]).reshape(-1)]),
                nodes_per_system=self.nodes_per_system,
                unit=self if self.num_systems == 1 else self.unit,
                radius=self.radius,
            )
        return self._repeats[copies]

    def select(
        self,
        systems: Tensor,  # (B,) int64, on the CPU
    ) -> Graph:
        """Some of these systems side by side, in that order; one may be asked for many times.

        Copies of one system share what was derived of it, as those of `repeat` do.
        """
        first = int(systems[0])
        if bool((systems == first).all()):
            return self._single(first).repeat(len(systems))
        return self._chosen(systems)

    def _single(self, system: int) -> Graph:
        """One of the systems by itself; made once and kept."""
        if self.num_systems == 1:
            return self
        return self.derived(("single", system), lambda: self._chosen(torch.tensor([system])))

    def _chosen(self, systems: Tensor) -> Graph:
        """Some of these systems, with nothing that was derived of them."""
        nodes, edges = self.derived("bounds", self._bounds)
        device, sizes, counts = self.ptr.device, nodes.diff()[systems], edges.diff()[systems]
        ptr = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
        shift = torch.repeat_interleave(ptr[:-1] - nodes[systems], counts).to(device)
        chosen = ranges(edges[systems], counts).to(device)
        equal = bool((sizes == sizes[0]).all())
        return Graph(
            types=self.types[ranges(nodes[systems], sizes).to(device)],
            edge_index=self.edge_index[:, chosen] + shift,
            edge_hop=self.edge_hop[chosen],
            ptr=ptr.to(device),
            nodes_per_system=int(sizes[0]) if equal else None,
            radius=self.radius and self.radius.select(systems.numpy()),
            _of_nodes={"type_bounds": self.type_bounds},
        )

    def _bounds(self) -> tuple[Tensor, Tensor]:
        """(B + 1,) first particle and first edge of every system, on the CPU."""
        edges = torch.searchsorted(self.target.contiguous(), self.ptr)
        return self.ptr.cpu(), edges.cpu()

    def to(self, device: torch.device) -> Graph:
        """Same graph on another device."""
        if self.ptr.device == device:
            return self
        tensors = ("types", "edge_index", "edge_hop", "ptr")
        return self._other(**{name: getattr(self, name).to(device) for name in tensors})


def ranges(
    starts: Tensor,  # (B,)
    counts: Tensor,  # (B,)
) -> Tensor:  # (sum of counts,)
    """Whole numbers from every start on, as many as its count, one range after the other."""
    before = counts.cumsum(0) - counts
    total = int(counts.sum())
    return torch.repeat_interleave(starts - before, counts) + torch.arange(total)


def graph_of(
    types: Tensor, edge_index: Tensor, edge_hop: Tensor, ptr: Tensor | None = None
) -> Graph:
    """Build a graph from edges in any order.

    Parameters
    ----------
    types
        (M,) particle types.
    edge_index
        (2, E) source and target of every edge.
    edge_hop
        (E,) bonds between the two ends.
    ptr
        (B + 1,) bounds of the systems; one system where it is not given.
    """
    if ptr is None:
        ptr = torch.tensor([0, types.shape[0]], device=types.device)
    order = torch.argsort(edge_index[1] * types.shape[0] + edge_index[0])
    sizes = ptr.diff()
    equal = bool((sizes == sizes[0]).all())
    return Graph(
        types, edge_index[:, order], edge_hop[order], ptr, int(sizes[0]) if equal else None
    )
