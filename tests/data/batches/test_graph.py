"""Systems side by side: copies, and what is derived of them once."""

from __future__ import annotations

import torch

from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.graph import graph_of
from systems import typed

CPU = torch.device("cpu")


def test_edges_in_any_order_are_sorted_by_target_with_their_hops() -> None:
    graph = graph_of(
        torch.tensor([0, 1, 2]),
        torch.tensor([[0, 2, 1, 0], [2, 1, 0, 1]]),
        torch.tensor([7, 8, 9, 10]),
    )
    assert graph.edge_index.tolist() == [[1, 0, 2, 0], [0, 1, 1, 2]]
    assert graph.edge_hop.tolist() == [9, 10, 8, 7]


def test_copies_stand_side_by_side() -> None:
    graph = bond_graph([0, 1, 2], [(0, 1), (1, 2)], hops=1).repeat(3)
    assert graph.types.tolist() == [0, 1, 2] * 3
    assert graph.ptr.tolist() == [0, 3, 6, 9]
    assert graph.system.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert graph.nodes_per_system == 3
    assert graph.source.tolist() == [1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7]
    assert graph.target.tolist() == [0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8]
    assert graph.edge_hop.tolist() == [1] * 12


def test_copies_of_unequal_systems() -> None:
    graph = typed([[0, 1], [2]]).repeat(2)
    assert graph.ptr.tolist() == [0, 2, 3, 5, 6]
    assert graph.system.tolist() == [0, 0, 1, 2, 2, 3]
    assert graph.nodes_per_system is None


def test_copies_are_made_once() -> None:
    graph = bond_graph([0, 1], [(0, 1)], hops=1)
    assert graph.repeat(1) is graph
    assert graph.repeat(4) is graph.repeat(4)
    assert graph.repeat(4) is not graph.repeat(3)
    assert graph.repeat(2).repeat(2) is graph.repeat(2).repeat(2)


def test_what_depends_on_the_graph_alone_is_computed_once() -> None:
    graph = bond_graph([0, 1], [(0, 1)], hops=1)
    calls = []
    for _ in range(3):
        assert graph.derived("key", lambda: calls.append(1) or "value") == "value"
    assert calls == [1]
    assert graph.derived("other", lambda: 2) == 2
    assert graph.system is graph.system
    assert graph.in_degree is graph.in_degree
    assert not bond_graph([0, 1], [(0, 1)], hops=1)._derived, "graphs share nothing"


def test_in_degree_counts_the_edges_that_end_at_a_particle() -> None:
    graph = bond_graph([0] * 4, [(0, 1), (0, 2)], hops=1)
    assert graph.in_degree.tolist() == [[2], [1], [1], [1]]


def test_on_its_own_device_a_graph_is_itself() -> None:
    graph = bond_graph([0, 1], [(0, 1)], hops=1)
    assert graph.to(CPU) is graph
    assert graph.to(torch.device("meta")).edge_index.shape == (2, 2)
