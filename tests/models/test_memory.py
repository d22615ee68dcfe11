"""PAINET within a memory budget: the ways to compute agree, and the choice follows the budget."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from painet_cli.config.schema import Activations
from painet_cli.data.batches.batch import Batch
from painet_cli.models.base import DynamicsModel
from painet_cli.models.memory import WAYS, fit_memory
from painet_cli.models.painet import attention_step
from painet_cli.models.registry import build_model
from painet_cli.testing.systems import INVARIANTS, SPEC, preset
from systems import BRANCHED, equal_systems, shaken

HORIZON = 5


def built(name: str = "painet", **options: object) -> DynamicsModel:
    torch.manual_seed(0)
    sizes = {} if name == "linear" else {"layers": 2, "hidden": 8}
    config = {"name": name, **sizes, **options}
    model = build_model(preset(config, HORIZON, INVARIANTS), SPEC).double()
    shaken(model, 7, 0.3)
    return model


@pytest.fixture
def batch() -> Batch:
    return equal_systems(BRANCHED, 3, seed=1, horizon=HORIZON)


def result(model: DynamicsModel, batch: Batch) -> list[Tensor]:
    x = model(batch)
    loss = (x - batch.known_targets()).square().mean()
    return [x, *torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)]


@pytest.mark.parametrize("way", WAYS[1:])
def test_every_way_gives_the_same_prediction_and_gradients(batch: Batch, way: Activations) -> None:
    kept = built()
    other = copy.deepcopy(kept)
    other.activations = way
    for left, right in zip(result(kept, batch), result(other, batch), strict=True):
        torch.testing.assert_close(left, right, rtol=1e-10, atol=1e-12)
    with torch.no_grad():
        torch.testing.assert_close(kept(batch), other(batch), rtol=1e-12, atol=1e-12)


def test_heads_read_one_by_one_are_the_heads_read_together(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = built(heads=3)
    with torch.no_grad():
        together = model(batch)
        monkeypatch.setattr(attention_step, "MANY", 1)
        one_by_one = model(batch)
    torch.testing.assert_close(together, one_by_one, rtol=1e-12, atol=1e-12)


def bytes_saved(model: DynamicsModel, batch: Batch) -> int:
    """Bytes of what a pass keeps for the backward pass, each piece of memory once."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        x = model(batch)
    assert x.grad_fn is not None
    return sum(kept.values())


def test_each_way_keeps_less_than_the_one_before(batch: Batch) -> None:
    kept, recomputed, stepwise = (bytes_saved(as_way(way), batch) for way in WAYS)
    assert stepwise < recomputed < kept


def as_way(way: Activations) -> DynamicsModel:
    model = built(hidden=32)
    model.activations = way
    return model


@pytest.mark.parametrize("way", WAYS)
def test_a_pass_is_expected_to_keep_about_what_it_keeps(batch: Batch, way: Activations) -> None:
    many = batch_of(40)
    model = as_way(way)
    nodes, edges = many.graph.num_nodes, many.graph.edge_hop.shape[0]
    expected = model.pass_bytes(nodes, edges, way, training=True)
    assert expected is not None
    # a step that is decoded again keeps its activations only while it is
    alive = {"stepwise": expected // 2}.get(way, expected)
    assert 0.5 < bytes_saved(model, many) / alive < 1.5


def batch_of(systems: int) -> Batch:
    return equal_systems(BRANCHED, systems, seed=1, horizon=HORIZON)


def test_the_fastest_way_that_fits_is_taken_and_else_the_smallest(batch: Batch) -> None:
    model = built()
    nodes, edges = batch.graph.num_nodes, batch.graph.edge_hop.shape[0]
    needed = [model.pass_bytes(nodes, edges, way, training=True) or 0 for way in WAYS]
    assert needed == sorted(needed, reverse=True)
    for budget, way in [(needed[0], "keep"), (needed[1], "recompute"), (needed[2], "stepwise")]:
        plan = fit_memory(model, batch, budget, training=True)
        assert (plan.activations, model.activations) == (way, way)
        assert "may not suffice" not in plan.words
    assert fit_memory(model, batch, 1, training=True).activations == "stepwise"
    assert "may not suffice" in fit_memory(model, batch, 1, training=True).words


def test_a_model_without_a_choice_has_nothing_to_say(batch: Batch) -> None:
    model = built("linear")
    plan = fit_memory(model, batch, 1, training=True)
    assert (plan.words, plan.expected, model.activations) == ("", None, "keep")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler warns of its own doings
def test_compiled_blocks_give_the_same_prediction_and_gradients(batch: Batch) -> None:
    eager = built()
    compiled = copy.deepcopy(eager)
    compiled.compile_blocks()
    assert compiled.state_dict().keys() == eager.state_dict().keys()
    for left, right in zip(result(eager, batch), result(compiled, batch), strict=True):
        torch.testing.assert_close(left, right, rtol=1e-9, atol=1e-10)
