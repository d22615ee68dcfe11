"""The edges of a layer in one operation give what autograd's own operations give, and keep less."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.models.layers import edge_sums as module
from painet_cli.models.layers.edge_sums import EdgeWeights, edge_sums
from systems import BRANCHED, PAIR, equal_systems, normal, side_by_side

D, W, BOUND = 6, 3, 40.0
Inputs = tuple[Tensor, ...]


@pytest.fixture
def batch() -> Batch:
    return side_by_side([equal_systems(BRANCHED, seed=1), equal_systems(PAIR, seed=2)])


@pytest.fixture(params=[3, 1000], ids=["many stretches", "one stretch"])
def stretches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "_CPU_ROWS", request.param)
    yield


def inputs(batch: Batch) -> Inputs:
    m, edges = batch.graph.num_nodes, batch.graph.edge_hop.shape[0]
    shapes = [(m, D), (m, D), (m, 3), (D, 1 + W), (D, D), (D,), (D, D), (D,), (1, D), (edges, W)]
    return tuple(normal(*shape, seed=seed).requires_grad_() for seed, shape in enumerate(shapes))


def sums(given: Inputs, batch: Batch, *, recompute: bool = False) -> tuple[Tensor, Tensor]:
    to_target, to_source, x, *weights, a = given
    return edge_sums(
        to_target,
        to_source,
        x,
        a,
        EdgeWeights(*weights),
        batch.graph,
        length=torch.tensor(1.7, dtype=x.dtype),
        bound=BOUND,
        recompute=recompute,
    )


def composed(given: Inputs, batch: Batch) -> tuple[Tensor, Tensor]:
    *inputs, a = given
    length = torch.tensor(1.7, dtype=a.dtype)
    return module._composed(*inputs, a, batch.graph, length, BOUND)


def gradients(out: tuple[Tensor, Tensor], given: Inputs) -> list[Tensor]:
    loss = sum((part * normal(*part.shape, seed=20)).sum() for part in out)
    assert isinstance(loss, Tensor)
    return [*out, *torch.autograd.grad(loss, given)]


@pytest.mark.usefixtures("stretches")
@pytest.mark.parametrize("recompute", [False, True])
def test_sums_and_gradients_are_those_of_the_composed_form(
    batch: Batch, *, recompute: bool
) -> None:
    given = inputs(batch)
    ours = gradients(sums(given, batch, recompute=recompute), given)
    theirs = gradients(composed(given, batch), given)
    for left, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-10, atol=1e-12)


def test_some_gates_of_the_test_are_at_their_bound_and_some_are_not(batch: Batch) -> None:
    given = inputs(batch)
    at_bound = composed(given, batch)[1]
    free = module._composed(*given, batch.graph, torch.tensor(1.7).double(), 1e9)[1]
    same = torch.isclose(at_bound, free).all(dim=1)
    assert same.any()
    assert not same.all()


def test_a_last_layer_needs_no_sum_of_messages(batch: Batch) -> None:
    given = inputs(batch)
    ours, theirs = (
        torch.autograd.grad(form(given, batch)[1].sum(), given) for form in (sums, composed)
    )
    for left, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-10, atol=1e-12)


def test_under_autocast_gates_and_sums_stay_in_float32(batch: Batch) -> None:
    given = tuple(part.detach().float() for part in inputs(batch))
    exact = sums(given, batch)
    with torch.autocast("cpu", torch.bfloat16):
        lowered = sums(given, batch)
    for left, right in zip(lowered, exact, strict=True):
        assert left.dtype is torch.float32
        torch.testing.assert_close(left, right, rtol=0.05, atol=0.05)


def bytes_kept(batch: Batch, *, recompute: bool) -> int:
    """Bytes that the backward pass is waited for with, less those of the inputs."""
    given = inputs(batch)
    known = {part.untyped_storage().data_ptr() for part in given}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = sums(given, batch, recompute=recompute)
    assert out[0].grad_fn is not None
    return sum(kept.values())


def test_an_edge_keeps_two_rows_and_a_gate_or_nothing(batch: Batch) -> None:
    edges = batch.graph.edge_hop.shape[0]
    scalar = 8  # the unit of length
    assert bytes_kept(batch, recompute=False) == edges * (2 * D + 1) * 8 + scalar
    assert bytes_kept(batch, recompute=True) == scalar
