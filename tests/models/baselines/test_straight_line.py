from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from painet_cli.data.batches.batch import Batch
from painet_cli.models.baselines.straight_line import StraightLine
from systems import BRANCHED, equal_systems, typed

REFERENCE = Path(__file__).parents[2] / "reference"


def test_goes_straight_on_by_one_multiple_of_the_velocity_a_step() -> None:
    model, batch = StraightLine(3).double(), equal_systems(BRANCHED, 2)
    with torch.no_grad():
        model.time.copy_(torch.tensor([0.0, 1.0, 2.5]))
    predicted = model(batch)
    assert torch.equal(predicted[0], batch.positions)
    assert torch.equal(predicted[1], batch.positions + batch.velocities)
    torch.testing.assert_close(predicted[2], batch.positions + 2.5 * batch.velocities)


def test_predicts_what_the_published_code_predicts() -> None:
    """Two windows of real data, run through the published implementation."""
    with np.load(REFERENCE / "linear.npz", allow_pickle=False) as archive:
        stored = {name: torch.from_numpy(archive[name]) for name in archive.files}
    model = StraightLine(1)
    index = json.loads((REFERENCE / "index.json").read_text(encoding="utf-8"))["linear"]
    assert sum(parameter.numel() for parameter in model.parameters()) == index["params"]
    assert torch.equal(model.time.detach(), stored["param/time"])

    positions, velocities = stored["in/positions"], stored["in/velocities"]
    batch = Batch(typed([[0] * len(positions)]), positions, velocities)
    torch.testing.assert_close(model(batch)[0], stored["out/positions"], rtol=1e-5, atol=1e-5)
