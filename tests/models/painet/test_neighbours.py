"""Attention limited to neighbours: equation 8 with the sums over edges and the particle itself."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from painet_cli.data.batches.graph import Graph
from painet_cli.models.painet.attention import attend_dense
from painet_cli.models.painet.model import PAINET
from painet_cli.models.painet.neighbours import attend_neighbours
from painet_cli.models.registry import build_model
from systems import (
    BRANCHED,
    CHAIN,
    PAIR,
    SPEC,
    equal_systems,
    normal,
    preset,
    shaken,
    side_by_side,
)

HEADS, D, TYPES = 2, 5, 3
TOLERANCE = {"rtol": 1e-10, "atol": 1e-10}


@pytest.fixture
def graph() -> Graph:
    return side_by_side([equal_systems(BRANCHED, 2), equal_systems(CHAIN)]).graph


def inputs(graph: Graph) -> tuple[Tensor, ...]:
    q, k, v = (normal(HEADS, graph.num_nodes, D, seed=seed) for seed in (1, 2, 3))
    psi, more = (normal(HEADS, TYPES, TYPES, seed=seed).sigmoid() for seed in (4, 5))
    return F.normalize(q, dim=-1), F.normalize(k, dim=-1), v, psi + more, psi


def test_is_the_weighted_mean_over_neighbours_and_self(graph: Graph) -> None:
    q, k, v, phi, psi = inputs(graph)
    expected = torch.empty_like(v)
    for head in range(HEADS):
        for i in range(graph.num_nodes):
            readable = [i, *graph.source[graph.target == i].tolist()]
            a, b = graph.types[i], graph.types[readable]
            weights = phi[head, a, b] + psi[head, a, b] * (k[head, readable] @ q[head, i])
            expected[head, i] = weights @ v[head, readable] / weights.sum()
    actual = attend_neighbours(q, k, v, phi, psi, graph)
    torch.testing.assert_close(actual, expected, **TOLERANCE)


def test_where_all_are_neighbours_it_is_all_pair_attention() -> None:
    graph = equal_systems(PAIR, 4).graph
    given = inputs(graph)
    torch.testing.assert_close(
        attend_neighbours(*given, graph), attend_dense(*given, graph), **TOLERANCE
    )


def test_gradients_are_those_of_finite_differences(graph: Graph) -> None:
    given = tuple(x.requires_grad_() for x in inputs(graph))
    assert torch.autograd.gradcheck(lambda *x: attend_neighbours(*x, graph), given)


def test_a_particle_hears_no_farther_than_its_edges_a_layer() -> None:
    """Particle 0 and particle 7 are four bonds apart, two edges of two hops."""
    batch = equal_systems(BRANCHED)
    faster = batch.velocities.clone()
    faster[7] *= 2
    other = batch.at(batch.positions, faster)
    for layers, hears in ((1, False), (2, True)):
        torch.manual_seed(0)
        options = {"name": "painet", "layers": 1, "hidden": 8, "heads": 2}
        reach = {"reach": "neighbours", "attention_layers": layers}
        model = shaken(build_model(preset({**options, **reach}), SPEC).double())
        assert isinstance(model, PAINET)
        change = (model.encode(other) - model.encode(batch))[0, 0].norm()
        assert bool(change > 1e-6) is hears
