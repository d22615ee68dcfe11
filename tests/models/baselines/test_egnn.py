"""EGNN predicts one step as published, and several as the same network told the step."""

from __future__ import annotations

import pytest
import torch

from painet_cli.models.baselines.egnn import Egnn, EgnnCore
from painet_cli.models.layers.message_passing import EquivariantLayer
from painet_cli.models.registry import build_model
from systems import BRANCHED, SPEC, equal_systems, normal, preset, shaken

HIDDEN = 8


def egnn(horizon: int) -> Egnn:
    torch.manual_seed(0)
    model = build_model(preset({"name": "egnn", "layers": 2, "hidden": HIDDEN}, horizon), SPEC)
    assert isinstance(model, Egnn)
    shaken(model.double(), scale=0.1)
    return model


@pytest.mark.parametrize("horizon", [1, 5])
def test_every_step_is_the_network_told_that_step(horizon: int) -> None:
    model, batch = egnn(horizon), equal_systems(BRANCHED, 2)
    predicted = model(batch)
    nodes, a = model.features.nodes(batch), model.features.edges(batch)
    for step in range(1, horizon + 1):
        told = [nodes.new_full((len(nodes), 1), step / horizon)] if horizon > 1 else []
        expected = model.core(
            torch.cat([nodes, *told], dim=-1), batch.positions, batch.velocities, a, batch.graph
        )
        torch.testing.assert_close(predicted[step - 1], expected, rtol=1e-10, atol=1e-10)


def test_every_layer_drifts_along_the_given_velocity() -> None:
    batch = equal_systems(BRANCHED)
    core = EgnnCore(2, 0, HIDDEN, layers=3).double()
    with torch.no_grad():
        for layer in core.layers:
            layer.gate[-1].weight.zero_()
            layer.drift[-1].weight.zero_()
            layer.drift[-1].bias.fill_(2.0)
    nothing = torch.empty(batch.graph.edge_hop.shape[0], 0).double()
    x, v = batch.positions, batch.velocities
    moved = core(normal(len(x), 2, seed=1), x, v, nothing, batch.graph)
    torch.testing.assert_close(moved, x + 3 * 2.0 * v)


def test_a_layer_without_a_unit_reads_raw_lengths() -> None:
    batch = equal_systems(BRANCHED)
    layer = EquivariantLayer(HIDDEN, 0).double()
    shaken(layer)
    state = (
        normal(batch.graph.num_nodes, HIDDEN, seed=1),
        batch.positions,
        batch.velocities,
        torch.empty(batch.graph.edge_hop.shape[0], 0).double(),
        batch.graph,
    )
    for raw, unit in zip(layer(*state), layer(*state, torch.ones(()).double()), strict=True):
        assert torch.equal(raw, unit)
