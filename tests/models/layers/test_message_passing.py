"""Message passing equals its formula, written without the tricks that make it fast."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph
from painet_cli.models.layers import message_passing as module
from painet_cli.models.layers.message_passing import EquivariantLayer, PairLinear, sum_at_targets
from systems import BRANCHED, PAIR, equal_systems, normal, shaken, side_by_side, typed

HIDDEN, EDGE = 6, 3
TOLERANCE = {"rtol": 1e-10, "atol": 1e-10}


@pytest.fixture
def batch() -> Batch:
    return side_by_side([equal_systems(BRANCHED, seed=1), equal_systems(PAIR, seed=2)])


def widths(batch: Batch) -> tuple[int, int]:
    return batch.graph.num_nodes, batch.graph.edge_hop.shape[0]


def test_sums_the_messages_that_end_at_a_particle(batch: Batch) -> None:
    messages = normal(widths(batch)[1], 2, seed=3)
    total = sum_at_targets(messages, batch.graph)
    for i in range(batch.graph.num_nodes):
        expected = messages[batch.graph.edge_index[1] == i].sum(dim=0)
        torch.testing.assert_close(total[i], expected)


def test_pair_linear_is_the_linear_map_of_the_concatenation(batch: Batch) -> None:
    m, edges = widths(batch)
    split = PairLinear(HIDDEN, EDGE, 5).double()
    whole = nn.Linear(2 * HIDDEN + EDGE, 5).double()
    whole.load_state_dict(split.state_dict())
    h, e = normal(m, HIDDEN, seed=4).requires_grad_(), normal(edges, EDGE, seed=5).requires_grad_()
    source, target = batch.graph.edge_index

    results = [
        (split(h, e, batch.graph), split),
        (whole(torch.cat([h[target], h[source], e], dim=-1)), whole),
    ]
    sensitivity = normal(edges, 5, seed=6)
    compared = [
        [out, *torch.autograd.grad((out * sensitivity).sum(), [h, e, *layer.parameters()])]
        for out, layer in results
    ]
    for left, right in zip(*compared, strict=True):
        torch.testing.assert_close(left, right, **TOLERANCE)


def test_pair_linear_starts_as_linear_does() -> None:
    torch.manual_seed(1)
    split = PairLinear(HIDDEN, EDGE, 5)
    torch.manual_seed(1)
    whole = nn.Linear(2 * HIDDEN + EDGE, 5)
    assert torch.equal(split.weight, whole.weight)
    assert torch.equal(split.bias, whole.bias)


def layer_inputs(batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    m, edges = widths(batch)
    return (
        normal(m, HIDDEN, seed=7).requires_grad_(),
        batch.positions.clone().requires_grad_(),
        batch.velocities.clone().requires_grad_(),
        normal(edges, EDGE, seed=8).requires_grad_(),
    )


def by_the_formula(
    layer: EquivariantLayer,
    state: Sequence[Tensor],
    graph: Graph,
    length: Tensor,
) -> tuple[Tensor, Tensor]:
    """Equation 2 with the velocity term, particle by particle and edge by edge."""
    h, x, v, a = state
    new_h, new_x = [], []
    for i in range(graph.num_nodes):
        edges = [e for e in range(graph.edge_hop.shape[0]) if int(graph.edge_index[1, e]) == i]
        push, heard = torch.zeros_like(x[i]), torch.zeros_like(h[i])
        for e in edges:
            j = int(graph.edge_index[0, e])
            apart = x[i] - x[j]
            read = torch.cat([h[i], h[j], (apart @ apart / length**2)[None], a[e]])
            m = functional.silu(functional.linear(read, layer.pair.weight, layer.pair.bias))
            m = functional.silu(layer.message(m))
            push = push + apart * layer.gate(m[None])[0].clamp(-100, 100)
            heard = heard + m
        new_x.append(x[i] + push / max(len(edges), 1) + layer.drift(h[i, None])[0] * v[i])
        if layer.update is not None:
            new_h.append(h[i] + layer.update(h[i, None], heard[None])[0])
    return (torch.stack(new_h) if new_h else h), torch.stack(new_x)


@pytest.mark.parametrize("last", [False, True])
def test_the_layer_is_its_formula(batch: Batch, *, last: bool) -> None:
    layer = EquivariantLayer(HIDDEN, EDGE, last=last).double()
    shaken(layer)
    length = torch.tensor(1.7, dtype=torch.float64)
    state = layer_inputs(batch)
    compared = []
    for h, x in (
        layer(*state, batch.graph, length),
        by_the_formula(layer, state, batch.graph, length),
    ):
        loss = (h * normal(*h.shape, seed=9)).sum() + (x * normal(*x.shape, seed=10)).sum()
        gradients = torch.autograd.grad(loss, [*state, *layer.parameters()])
        compared.append([h, x, *gradients])
    for left, right in zip(*compared, strict=True):
        torch.testing.assert_close(left, right, **TOLERANCE)


def test_the_last_layer_leaves_the_embeddings(batch: Batch) -> None:
    layer = EquivariantLayer(HIDDEN, EDGE, last=True).double()
    state = layer_inputs(batch)
    h, _ = layer(*state, batch.graph, torch.ones((), dtype=torch.float64))
    assert torch.equal(h, state[0])


def test_a_message_moves_a_particle_by_at_most_a_hundred_edge_lengths() -> None:
    batch = equal_systems(PAIR, seed=2)
    layer = EquivariantLayer(HIDDEN, EDGE).double()
    with torch.no_grad():
        layer.gate[-1].weight.fill_(1e9)
    h, x, _, a = layer_inputs(batch)
    _, moved = layer(h, x, torch.zeros_like(x), a, batch.graph, torch.ones((), dtype=torch.float64))
    apart = (x[0] - x[1]).norm()
    torch.testing.assert_close((moved - x).norm(dim=-1), 100 * apart.expand(2))


def test_a_particle_without_edges_only_drifts() -> None:
    graph = typed([[0, 1]])
    layer = EquivariantLayer(HIDDEN, EDGE).double()
    h, x, v = normal(2, HIDDEN, seed=1), normal(2, 3, seed=2), normal(2, 3, seed=3)
    _, moved = layer(h, x, v, torch.empty(0, EDGE).double(), graph, torch.ones(()).double())
    torch.testing.assert_close(moved, x + layer.drift(h) * v)


def shaken_layer() -> EquivariantLayer:
    layer = EquivariantLayer(HIDDEN, EDGE).double()
    shaken(layer)
    return layer


@pytest.mark.parametrize("edges", [3, 1000], ids=["many stretches", "one stretch"])
def test_edges_computed_again_give_the_same_values_and_gradients(
    batch: Batch, edges: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RECOMPUTED", edges)
    layer, state = shaken_layer(), layer_inputs(batch)
    compared = []
    for recompute in (False, True):
        h, x = layer(*state, batch.graph, recompute=recompute)
        loss = (h * normal(*h.shape, seed=9)).sum() + (x * normal(*x.shape, seed=10)).sum()
        compared.append([h, x, *torch.autograd.grad(loss, [*state, *layer.parameters()])])
    for left, right in zip(*compared, strict=True):
        torch.testing.assert_close(left, right, **TOLERANCE)


def test_without_gradients_edges_pass_in_stretches_to_the_same(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_UNKEPT", 3 * HIDDEN)
    layer, state = shaken_layer(), layer_inputs(batch)
    kept = layer(*state, batch.graph)
    with torch.no_grad():
        for left, right in zip(layer(*state, batch.graph), kept, strict=True):
            torch.testing.assert_close(left, right, **TOLERANCE)


def test_under_autocast_gates_and_sums_stay_in_float32(batch: Batch) -> None:
    layer = shaken_layer().float()
    state = [part.detach().float() for part in layer_inputs(batch)]
    exact = layer(*state, batch.graph)
    with torch.autocast("cpu", torch.bfloat16):
        lowered = layer(*state, batch.graph)
    assert all(part.dtype is torch.float32 for part in lowered)
    for left, right in zip(lowered, exact, strict=True):
        torch.testing.assert_close(left, right, rtol=0.05, atol=0.05)


def rows_kept(batch: Batch, *, recompute: bool) -> int:
    """Matrices with a row an edge that the backward pass is waited for with."""
    layer, state = shaken_layer(), layer_inputs(batch)
    edges = widths(batch)[1]
    kept: set[int] = set()

    def keep(tensor: Tensor) -> Tensor:
        if tensor.shape == (edges, HIDDEN):
            kept.add(tensor.untyped_storage().data_ptr())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        h, _ = layer(*state, batch.graph, recompute=recompute)
    assert h.grad_fn is not None
    return len(kept)


def test_an_edge_keeps_six_rows_or_none(batch: Batch) -> None:
    assert rows_kept(batch, recompute=False) == 6
    assert rows_kept(batch, recompute=True) == 0
