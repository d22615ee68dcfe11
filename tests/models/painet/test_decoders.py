"""The decoders of the ablation: what each reads, and that all begin at straight motion."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from painet_cli.config.presets import Preset
from painet_cli.data.batches.batch import Batch
from painet_cli.models.painet.model import PAINET
from painet_cli.models.registry import build_model
from systems import BRANCHED, INVARIANTS, SPEC, equal_systems, preset, shaken

MLPS = ("mlp-add", "mlp-concat")
TOLERANCE = {"rtol": 1e-10, "atol": 1e-10}


def painet(decoder: str, horizon: int = 3, **data: Any) -> PAINET:
    torch.manual_seed(0)
    options = {"name": "painet", "layers": 2, "hidden": 8, "heads": 2, "decoder": decoder}
    plain = preset(options, horizon, INVARIANTS).model_dump()
    plain["data"] |= data
    model = build_model(Preset.model_validate(plain), SPEC)
    assert isinstance(model, PAINET)
    return model.double()


@pytest.fixture
def batch() -> Batch:
    return equal_systems(BRANCHED, 2, seed=4)


def off_straight(predicted: Tensor, batch: Batch, frames: list[float]) -> float:
    """Distance from straight motion over these frames, as a share of the way."""
    way = torch.tensor(frames)[:, None, None] * batch.velocities
    return ((predicted.detach() - batch.positions - way).norm() / way.norm()).item()


@pytest.mark.parametrize("decoder", MLPS)
def test_an_mlp_begins_at_straight_motion(decoder: str, batch: Batch) -> None:
    model = painet(decoder)
    model.features.time.fill_(20.0)
    assert off_straight(model(batch), batch, [20.0, 20.0, 20.0]) < 0.05


@pytest.mark.parametrize(
    ("sampling", "frames"), [("uniform", [10, 20, 30]), ("tail", [28, 29, 30])]
)
def test_the_recurrent_decoder_begins_at_straight_motion_through_its_targets(
    sampling: str, frames: list[float], batch: Batch
) -> None:
    model = painet("recurrent", delta_frames=30, sampling=sampling)
    model.features.time.fill_(sum(frames) / 3)  # as if the training windows went straight on
    model.features.length.fill_(10.0)
    assert off_straight(model(batch), batch, frames) < 0.05


def test_a_recurrent_step_is_one_pass_from_the_step_before(batch: Batch) -> None:
    model = shaken(painet("recurrent", delta_frames=6))
    model.features.time.fill_(4.0)  # the mean of the targets' frames 2, 4 and 6
    predicted = model(batch)

    parallel = painet("parallel", 1)
    state = {name.replace(".layers", ""): value for name, value in model.state_dict().items()}
    parallel.load_state_dict({name: state[name] for name in parallel.state_dict()})
    parallel.features.time.fill_(2.0)
    embeddings = model.encode(batch)
    before, x = batch.positions - 2 * batch.velocities, batch.positions
    for h, step in zip(embeddings, predicted, strict=True):
        start = Batch(batch.graph, x, (x - before) / 2)
        before, x = x, parallel.decode(h[None], start)[0]
        torch.testing.assert_close(step, x, **TOLERANCE)


def test_only_a_recurrent_step_hears_of_the_embeddings_before_it(batch: Batch) -> None:
    for decoder, hears in (("recurrent", True), *((mlp, False) for mlp in MLPS)):
        model = shaken(painet(decoder))
        embeddings = model.encode(batch)
        other = embeddings.clone()
        other[0] += 1
        before, after = model.decode(embeddings, batch), model.decode(other, batch)
        assert not torch.equal(before[0], after[0])
        assert torch.equal(before[1:], after[1:]) is not hears


@pytest.mark.parametrize("decoder", MLPS)
def test_an_mlp_decodes_every_particle_by_itself(decoder: str, batch: Batch) -> None:
    model = shaken(painet(decoder))
    embeddings = model.encode(batch)
    moved = batch.positions.clone()
    moved[3] += 1
    before = model.decode(embeddings, batch)
    after = model.decode(embeddings, Batch(batch.graph, moved, batch.velocities))
    changed = (before - after).norm(dim=-1) > 0
    assert changed[:, 3].all()
    assert changed.sum() == 3  # particle 3, at every step
