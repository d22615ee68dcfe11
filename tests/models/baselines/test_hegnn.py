"""HEGNN: its steerable features, and what it makes of several steps."""

from __future__ import annotations

import sys

import pytest
import torch
from e3nn import o3
from torch import Tensor

from painet_cli.config.models import HegnnConfig
from painet_cli.errors import RequestError
from painet_cli.models.baselines.hegnn import Degrees, Hegnn, HegnnLayer, SteerableStart
from painet_cli.models.registry import build_model
from systems import BRANCHED, SPEC, equal_systems, normal, preset, shaken

TOLERANCE = {"rtol": 1e-10, "atol": 1e-10}
MAX_ELL = 3


def parts(s: Tensor) -> tuple[Tensor, ...]:
    return s.split([2 * ell + 1 for ell in range(MAX_ELL + 1)], dim=-1)


def test_scales_and_multiplies_degree_by_degree() -> None:
    degrees = Degrees(MAX_ELL).double()
    s, other, scale = normal(5, 16, seed=1), normal(5, 16, seed=2), normal(5, 4, seed=3)
    pairs = list(zip(parts(s), parts(other), scale.split(1, dim=-1), strict=True))
    torch.testing.assert_close(
        degrees.scaled(s, scale), torch.cat([one * by for one, _, by in pairs], dim=-1), **TOLERANCE
    )
    torch.testing.assert_close(
        degrees.inner_products(s, other),
        torch.stack([(one * two).sum(dim=-1) for one, two, _ in pairs], dim=-1),
        **TOLERANCE,
    )


def test_a_scaling_by_degree_is_e3nn_s_product_with_a_scalar_one() -> None:
    irreps = o3.Irreps.spherical_harmonics(MAX_ELL)
    product = o3.FullyConnectedTensorProduct(irreps, "1x0e", irreps, shared_weights=False)
    s, weight = (normal(5, width, seed=width, dtype=torch.float32) for width in (16, 4))
    assert product.weight_numel == weight.shape[1]
    torch.testing.assert_close(
        Degrees(MAX_ELL).scaled(s, weight), product(s, torch.ones(5, 1), weight)
    )


def test_starts_from_features_that_turn_with_the_system() -> None:
    batch = equal_systems(BRANCHED)
    m, edges = batch.graph.num_nodes, batch.graph.edge_hop.shape[0]
    start = SteerableStart(6, 2, MAX_ELL).double()
    shaken(start)
    h, a = normal(m, 6, seed=1), normal(edges, 2, seed=2)
    turn, _ = torch.linalg.qr(normal(3, 3, seed=3))
    still = start(h, batch.positions, a, batch.graph)
    turned = start(h, batch.positions @ turn.t(), a, batch.graph)
    for ell, (one, other) in enumerate(zip(parts(still), parts(turned), strict=True)):
        assert one.abs().max() > 1e-2
        assert ell == 0 or (one - other).abs().max() > 1e-2
        torch.testing.assert_close(other.norm(dim=-1), one.norm(dim=-1), **TOLERANCE)


def small(horizon: int) -> Hegnn:
    config = HegnnConfig(layers=2, hidden=8, max_ell=2)
    return Hegnn.build(config, preset(config.model_dump(), horizon), SPEC)


def test_for_several_steps_it_is_told_which_and_for_one_nothing() -> None:
    one, five = (small(horizon) for horizon in (1, 5))
    assert one.core.embed.in_features == one.features.node_width
    assert five.core.embed.in_features == five.features.node_width + 1


def test_the_steps_are_the_same_network_at_other_fractions_of_the_time() -> None:
    model = small(horizon=5).double()
    shaken(model)
    batch = equal_systems(BRANCHED, 2)
    nodes, a = model.features.nodes(batch), model.features.edges(batch)
    for k, predicted in enumerate(model(batch), start=1):
        h = torch.cat([nodes, nodes.new_full((len(nodes), 1), k / 5)], dim=-1)
        alone = model.core(h, batch.positions, batch.velocities, a, batch.graph)
        torch.testing.assert_close(predicted, alone, **TOLERANCE)


def test_steady_it_begins_near_the_positions_given() -> None:
    batch = equal_systems(BRANCHED)
    options = {"name": "hegnn", "layers": 2, "hidden": 8, "max_ell": 2}
    published, steady = (
        build_model(preset({**options, "steady": on}), SPEC).double() for on in (False, True)
    )
    moved = [(model(batch) - batch.positions).abs().max() for model in (published, steady)]
    assert moved[1] < moved[0] / 30


def test_steady_its_products_stay_within_the_unit_ball() -> None:
    batch = equal_systems(BRANCHED)
    m, edges = batch.graph.num_nodes, batch.graph.edge_hop.shape[0]
    h, v, a = normal(m, 8, seed=1), normal(m, 3, seed=2), normal(edges, 2, seed=3)
    s = 1e6 * normal(m, 16, seed=4)
    published, steady = (
        HegnnLayer(8, 2, MAX_ELL, last=False, steady=on).double() for on in (False, True)
    )
    steady.load_state_dict(published.state_dict())
    grown = [layer(h, batch.positions, v, s, a, batch.graph)[2] for layer in (published, steady)]
    assert grown[0].abs().max() > 1e3 * s.abs().max()
    assert grown[1].abs().max() < 1e1 * s.abs().max()


def test_without_e3nn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "painet_cli.models.baselines.hegnn")
    monkeypatch.setitem(sys.modules, "e3nn", None)
    with pytest.raises(RequestError, match="e3nn is not installed"):
        build_model(preset({"name": "hegnn"}), SPEC)
