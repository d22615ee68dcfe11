"""The model keeps what painet's own models keep, and what it says of itself."""

from __future__ import annotations

import pytest
import torch

from painet.testing import Check, Kit, cases, checks, equal_systems
from painet_plugin_example.pair_force import PairForce

KIT = Kit(({"hidden": 8},), reads_features=False)


@pytest.mark.parametrize("check", checks("pair-force", KIT), ids=str)
def test_it_keeps_every_promise_of_a_model(check: Check) -> None:
    check()


def test_its_pushes_keep_the_momentum() -> None:
    model, batch = next(cases("pair-force", KIT)).model(), equal_systems()
    assert isinstance(model, PairForce)
    predicted = model(batch)
    straight = batch.positions + model.time[:, None, None] * model.features.time * batch.velocities
    torch.testing.assert_close(predicted.sum(dim=1), straight.sum(dim=1))
    assert (predicted - straight).abs().max() > 1e-3
