"""ATOM: the noise of its training, its channels, and widths that heads cannot share."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from e3nn import o3

from painet_cli.data.batches.batch import Batch
from painet_cli.errors import RequestError
from painet_cli.models.layers.channels import ByKind, Channels, Product
from painet_cli.models.registry import build_model
from systems import BRANCHED, CHAIN, SPEC, equal_systems, normal, preset, side_by_side

SMALL = {"name": "atom", "layers": 2, "hidden": 8, "heads": 2}
IRREPS = o3.Irreps("3x1o + 2x0e")


def channels(seed: int) -> Channels:
    return Channels(normal(5, 3, 3, seed=seed), normal(5, 2, seed=seed + 1))


def test_a_map_by_kind_is_e3nn_s() -> None:
    ours = ByKind((3, 2), (3, 2)).double()
    theirs = o3.Linear(IRREPS, IRREPS).double()
    theirs.weight.data = torch.cat([ours.vectors.flatten(), ours.scalars.flatten()]).detach()
    x = channels(1)
    torch.testing.assert_close(ours(x).flat(), theirs(x.flat()), rtol=1e-10, atol=1e-10)


def test_a_product_is_e3nn_s() -> None:
    ours = Product(3, 2).double()
    theirs = o3.FullyConnectedTensorProduct(IRREPS, IRREPS, IRREPS).double()
    tables = (ours.dots, ours.scaled_x, ours.scaled_y, ours.products)
    theirs.weight.data = torch.cat([table.flatten() for table in tables]).detach()
    x, y = channels(1), channels(3)
    expected = theirs(x.flat(), y.flat())
    torch.testing.assert_close(ours(x, y).flat(), expected, rtol=1e-10, atol=1e-10)


def test_noise_and_dropout_are_of_training_alone_and_follow_the_seed() -> None:
    model, batch = build_model(preset(SMALL, 2), SPEC).double(), equal_systems(BRANCHED, 2)

    def trained(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return model.train()(batch)

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))
    assert torch.equal(model.eval()(batch), model.eval()(batch))


@pytest.mark.parametrize(
    "batch",
    [equal_systems(BRANCHED, 2), side_by_side([equal_systems(BRANCHED), equal_systems(CHAIN)])],
)
def test_what_training_drops_from_is_what_is_predicted(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_ATTENTION_DROPOUT", "_FEEDFORWARD_DROPOUT"):
        monkeypatch.setattr(f"painet_cli.models.baselines.atom.{name}", 0.0)
    model = build_model(preset({**SMALL, "noise": 0.0}, 2), SPEC).double()
    with torch.no_grad():
        torch.testing.assert_close(model.train()(batch), model.eval()(batch))


def test_noise_is_as_large_as_asked_for() -> None:
    loud, quiet = (
        build_model(preset({**SMALL, "noise": noise}, 4), SPEC).double().train()
        for noise in (0.5, 0.0)
    )
    x = torch.zeros(1000, 3, dtype=torch.float64)
    seen = loud.core._given(x)
    assert float(seen.vectors.std()) == pytest.approx(0.5, rel=0.1)
    assert float(seen.scalars.std()) == pytest.approx(0.5, rel=0.1)
    assert quiet.core._given(x).vectors.abs().max() == 0


@pytest.mark.parametrize("centred", [True, False])
def test_about_its_mean_a_shift_of_a_system_carries_over(*, centred: bool) -> None:
    model = build_model(preset({**SMALL, "centred": centred}, 2), SPEC).double().eval()
    batch = equal_systems(BRANCHED, 2)
    shift = normal(2, 3, seed=5)[batch.graph.system]  # each system its own
    moved = model(replace(batch, positions=batch.positions + shift))
    carried = torch.allclose(moved, model(batch) + shift, rtol=1e-10, atol=1e-10)
    assert carried == centred


def test_a_width_that_heads_cannot_share_evenly_is_refused() -> None:
    with pytest.raises(RequestError, match=r"3 heads of width 8 / 3 = 2\.667"):
        build_model(preset({**SMALL, "heads": 3}, 1), SPEC)


def test_time_turns_queries_and_keys_by_their_difference_alone() -> None:
    from painet_cli.models.baselines.atom import _rotation, _turned

    q, k = normal(4, seed=1), normal(4, seed=2)
    turn = _rotation(6, 2, 1, q)
    products = _turned(q.expand(6, 4), turn) @ _turned(k.expand(6, 4), turn).t()
    for step in range(1, 5):
        assert products.diagonal(step).std() < 1e-12
    assert products[0].std() > 1e-3
    assert math.isclose(float(products[0, 0]), float(q @ k))
