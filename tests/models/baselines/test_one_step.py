"""Radial field and plain message passing: what sets them apart from the other models."""

from __future__ import annotations

import pytest
import torch

from painet_cli.data.batches.batch import Batch
from painet_cli.errors import RequestError
from painet_cli.models.baselines.mpnn import MpnnLayer
from painet_cli.models.baselines.radial_field import RadialFieldCore, RadialFieldLayer
from painet_cli.models.registry import build_model
from systems import BRANCHED, PAIR, SPEC, equal_systems, normal, preset, shaken, typed

HIDDEN, EDGE = 6, 3


@pytest.mark.parametrize("name", ["rf", "mpnn"])
def test_several_steps_are_refused_with_a_way_out(name: str) -> None:
    with pytest.raises(RequestError, match=rf"model {name}: predicts one step.*\n.*T = 1.*egnn"):
        build_model(preset({"name": name}, horizon=5), SPEC)


@pytest.mark.parametrize("name", ["rf", "mpnn"])
def test_an_unknown_type_is_refused(name: str) -> None:
    model = build_model(preset({"name": name}), SPEC)
    batch = Batch(typed([[0, 4]]), normal(2, 3, seed=1), normal(2, 3, seed=2))
    with pytest.raises(RequestError, match="particle type 4"):
        model(batch)


def test_a_radial_field_hardly_pulls_before_training() -> None:
    batch = equal_systems(BRANCHED)
    torch.manual_seed(0)
    core = RadialFieldCore(EDGE, HIDDEN, layers=2).double()
    a = normal(batch.graph.edge_hop.shape[0], EDGE, seed=1)
    moved = core(batch.positions, torch.zeros_like(batch.positions), a, batch.graph)
    assert 0 < (moved - batch.positions).abs().max() < 0.02


def test_a_radial_field_moves_a_particle_by_at_most_its_mean_distance() -> None:
    batch = equal_systems(PAIR)
    layer = RadialFieldLayer(HIDDEN, 0).double()
    with torch.no_grad():
        layer.force[-1].weight.fill_(1e9)
    x = batch.positions
    moved = layer(x, torch.zeros_like(x), torch.empty(2, 0).double(), batch.graph)
    torch.testing.assert_close((moved - x).norm(dim=-1), (x[0] - x[1]).norm().expand(2))


def test_particles_in_one_place_leave_the_gradient_finite() -> None:
    batch = equal_systems(PAIR)
    layer = RadialFieldLayer(HIDDEN, 0).double()
    shaken(layer)
    x = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    layer(x, torch.zeros(2, 3).double(), torch.empty(2, 0).double(), batch.graph).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_a_particle_without_edges_hears_nothing() -> None:
    layer = MpnnLayer(HIDDEN, EDGE).double()
    h = normal(2, HIDDEN, seed=1)
    updated = layer(h, torch.empty(0, EDGE).double(), typed([[0, 1]]))
    alone = layer.update(torch.cat([h, torch.zeros_like(h)], dim=-1))
    torch.testing.assert_close(updated, h + alone)


def test_message_passing_on_coordinates_does_not_move_with_its_systems() -> None:
    model, batch = build_model(preset({"name": "mpnn"}), SPEC).double(), equal_systems(BRANCHED)
    shifted = model(batch.at(batch.positions + 5, batch.velocities))
    assert (shifted - (model(batch) + 5)).abs().max() > 1
