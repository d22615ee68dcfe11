"""What PAINET promises beyond what every model does."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from painet_cli.data.batches.batch import Batch
from painet_cli.models.painet.model import PAINET
from painet_cli.models.registry import build_model
from systems import BRANCHED, PAIR, SPEC, equal_systems, preset, shaken, side_by_side

TOLERANCE = {"rtol": 1e-10, "atol": 1e-10}


def painet(horizon: int = 5, **switches: Any) -> PAINET:
    torch.manual_seed(0)
    options = {"name": "painet", "layers": 2, "hidden": 8, "heads": 2, **switches}
    model = build_model(preset(options, horizon), SPEC)
    assert isinstance(model, PAINET)
    return model.double()


@pytest.fixture
def batch() -> Batch:
    return side_by_side([equal_systems(BRANCHED, seed=1), equal_systems(PAIR, seed=2)])


def test_every_form_of_attention_predicts_the_same(batch: Batch) -> None:
    torch.testing.assert_close(
        *(shaken(painet(attention=form))(batch) for form in ("dense", "factorised")), **TOLERANCE
    )
    torch.testing.assert_close(
        *(shaken(painet(attention=form))(batch) for form in ("dense", "auto")), **TOLERANCE
    )


def test_starts_near_straight_motion() -> None:
    model, batch = painet(), equal_systems(BRANCHED, 3, horizon=5, seed=4)
    straight = batch.positions + model.features.time * batch.velocities
    off = (model(batch) - straight).norm() / (straight - batch.positions).norm()
    assert off < 0.3


def test_one_attention_layer_a_step_or_one_for_all(batch: Batch) -> None:
    assert len(painet(5).steps) == 5
    shared = shaken(painet(5, share_time=True))
    assert len(shared.steps) == 1
    shorter = painet(3, share_time=True)
    shorter.load_state_dict(shared.state_dict())
    torch.testing.assert_close(shorter(batch), shared(batch)[:3], **TOLERANCE)


def test_all_steps_are_decoded_as_if_each_were_alone(batch: Batch) -> None:
    model = shaken(painet(4))
    embeddings = model.encode(batch)
    assert embeddings.shape == (4, batch.graph.num_nodes, 8)
    alone = torch.cat([model.decode(h[None], batch) for h in embeddings])
    torch.testing.assert_close(model(batch), alone, **TOLERANCE)


def test_a_step_depends_on_the_steps_before_it_alone(batch: Batch) -> None:
    model = shaken(painet(4))
    before = model.encode(batch)
    with torch.no_grad():
        model.steps[2].project.weight.mul_(1.5)
    after = model.encode(batch)
    assert torch.equal(before[:2], after[:2])
    assert not torch.equal(before[2], after[2])
    assert not torch.equal(before[3], after[3])


@pytest.mark.parametrize(
    ("pairwise", "hears"), [("guaranteed", True), ("paper", True), ("fixed", True), ("none", False)]
)
def test_a_particle_hears_of_all_others_unless_attention_is_off(
    pairwise: str, *, hears: bool
) -> None:
    """The two ends of the chain are five bonds apart, past the two hops of one decoder layer."""
    model = shaken(painet(1, pairwise=pairwise, layers=1))
    batch = equal_systems(BRANCHED)
    faster = batch.velocities.clone()
    faster[7] *= 2
    change = model(batch.at(batch.positions, faster)) - model(batch)
    assert bool(change[0, 0].norm() > 1e-6) is hears
    assert change[0, 7].norm() > 1e-6


def test_layer_norm_keeps_embeddings_normalised(batch: Batch) -> None:
    model = painet(layer_norm=True)
    embeddings = model.encode(batch)
    torch.testing.assert_close(
        embeddings.mean(dim=-1), torch.zeros(embeddings.shape[:2]).double(), atol=1e-6, rtol=0
    )
    torch.testing.assert_close(
        embeddings.std(dim=-1, correction=0),
        torch.ones(embeddings.shape[:2]).double(),
        atol=0.05,
        rtol=0,
    )
