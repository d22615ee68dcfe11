"""Who is joined along bonds, by hand and against a search in breadth."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.graph import Graph
from systems import BRANCHED


def hops_of(graph: Graph) -> dict[tuple[int, int], int]:
    """(source, target) -> hop."""
    pairs = [(j, i) for j, i in graph.edge_index.t().tolist()]
    assert len(set(pairs)) == len(pairs), "an edge stands twice"
    return dict(zip(pairs, graph.edge_hop.tolist(), strict=True))


def both_ways(hops: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    return hops | {(j, i): hop for (i, j), hop in hops.items()}


def hops_by_search(
    n: int, bonds: Sequence[tuple[int, int]], farthest: int
) -> dict[tuple[int, int], int]:
    found = {}
    for start in range(n):
        distance = {start: 0}
        queue = [start]
        for at in queue:
            for i, j in bonds:
                if at in (i, j):
                    other = j if at == i else i
                    if other not in distance:
                        distance[other] = distance[at] + 1
                        queue.append(other)
        found |= {(start, end): hop for end, hop in distance.items() if 0 < hop <= farthest}
    return found


def test_chain() -> None:
    graph = bond_graph([0, 0, 0, 0], [(0, 1), (1, 2), (2, 3)], hops=2)
    expected = both_ways({(0, 1): 1, (1, 2): 1, (2, 3): 1, (0, 2): 2, (1, 3): 2})
    assert hops_of(graph) == expected
    assert graph.edge_index.tolist() == [
        [1, 2, 0, 2, 3, 0, 1, 3, 1, 2],
        [0, 0, 1, 1, 1, 2, 2, 2, 3, 3],
    ]
    assert graph.edge_hop.tolist() == [1, 2, 1, 1, 2, 2, 1, 1, 2, 1]


@pytest.mark.parametrize(("hops", "edges"), [(1, 12), (2, 24), (3, 30), (4, 30)])
def test_ring_of_six(hops: int, edges: int) -> None:
    graph = bond_graph([0] * 6, [(k, (k + 1) % 6) for k in range(6)], hops)
    around = {(i, j): min((i - j) % 6, (j - i) % 6) for i in range(6) for j in range(6) if i != j}
    assert hops_of(graph) == {pair: hop for pair, hop in around.items() if hop <= hops}
    assert len(graph.edge_hop) == edges


def test_in_a_triangle_all_are_bonded_and_none_is_two_bonds_away() -> None:
    graph = bond_graph([0, 0, 0], [(0, 1), (1, 2), (2, 0)], hops=4)
    assert set(graph.edge_hop.tolist()) == {1}
    assert len(graph.edge_hop) == 6


def test_branched_molecule() -> None:
    graph = bond_graph(BRANCHED.types, BRANCHED.bonds, hops=2)
    second = {
        (0, 2): 2,
        (0, 4): 2,
        (2, 4): 2,
        (1, 3): 2,
        (1, 5): 2,
        (1, 6): 2,
        (5, 6): 2,
        (4, 7): 2,
    }
    assert hops_of(graph) == both_ways(dict.fromkeys(BRANCHED.bonds, 1) | second)
    assert graph.types.tolist() == list(BRANCHED.types)
    assert graph.ptr.tolist() == [0, 8]
    assert (graph.num_nodes, graph.num_systems, graph.nodes_per_system) == (8, 1, 8)


def test_bonds_given_twice_or_turned_round_count_once() -> None:
    once = bond_graph([0, 0, 0], [(0, 1), (1, 2)], hops=2)
    again = bond_graph([0, 0, 0], [(1, 0), (0, 1), (0, 1), (2, 1)], hops=2)
    assert hops_of(again) == hops_of(once)


def test_without_bonds_there_are_no_edges() -> None:
    graph = bond_graph([0, 1], [], hops=2)
    assert graph.edge_index.shape == (2, 0)
    assert graph.in_degree.tolist() == [[1], [1]]


@given(
    n=st.integers(2, 10),
    hops=st.integers(1, 4),
    pairs=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=14),
)
def test_any_graph_agrees_with_a_search(n: int, hops: int, pairs: list[tuple[int, int]]) -> None:
    bonds = [(i % n, j % n) for i, j in pairs if i % n != j % n]
    graph = bond_graph([0] * n, bonds, hops)
    assert hops_of(graph) == hops_by_search(n, bonds, hops)
    assert (graph.source != graph.target).all()
    assert (graph.target.diff() >= 0).all()
