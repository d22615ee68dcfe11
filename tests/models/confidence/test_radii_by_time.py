"""Radii of models that serve many systems and times: by type and time, kept, read and tried."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.cut import windows
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.merge import merge_datasets
from painet_cli.evaluation.coverage import coverage_by_type
from painet_cli.models.base import DynamicsModel
from painet_cli.models.confidence import times
from painet_cli.models.confidence.kept import measure, radii_of
from systems import CHAIN, RING, manifest, preset

FRAMES = 1500
SPREAD = np.array([0.5, 2.0, 1.0])
"""Of the steps of particles of each type."""


class Still(DynamicsModel):
    horizon = 2

    def forward(self, batch: Batch) -> Tensor:
        return batch.positions.expand(2, -1, -1)


def walks(folder: Path) -> Dataset:
    """Random walks of two systems, whose types go unlike far."""
    made = []
    for seed, (name, molecule) in enumerate([("chain", CHAIN), ("ring", RING)]):
        described = manifest(
            (FRAMES,),
            delta_frames=40,
            train=range(500),
            val=range(550, 1000),
            test=range(1050, 1450),
            molecule=molecule,
        )
        steps = np.random.default_rng(seed).normal(size=(FRAMES, len(molecule.types), 3))
        steps *= SPREAD[list(molecule.types), None]
        frames = steps.cumsum(axis=0).astype(np.float32)
        described = described.model_copy(update={"name": name})
        made.append(write_dataset(folder / name, frames, described))
    return merge_datasets(folder / "all", made, command="pytest")


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Windows]:
    dataset = walks(tmp_path)
    cut = {
        "dataset": "all",
        "horizon": 2,
        "delta_frames": 2,
        "delta_time": ("1fs", "16fs"),
        "velocity": "before",
    }
    data = preset({"name": "painet"}).data.model_copy(update=cut)
    return {part: windows(dataset, part, data) for part in ("train", "val", "test")}


@pytest.fixture
def kept(parts: dict[str, Windows]) -> dict[str, Tensor]:
    return measure(Still(), parts["train"], parts["val"])


def types_of(parts: dict[str, Windows]) -> NDArray[np.int64]:
    types: NDArray[np.int64] = np.unique(parts["val"].graph.types.numpy())
    return types


def test_radii_grow_with_time_and_with_what_a_type_is_off(
    parts: dict[str, Windows], kept: dict[str, Tensor]
) -> None:
    types = types_of(parts)
    assert len(types) > 1
    short, long = (radii_of(kept, types, time_s) for time_s in (1e-15, 1.6e-14))
    assert short is not None
    assert long is not None
    ratio = long.of(None, 1)[0] / short.of(None, 1)[0]
    assert ratio.mean() == pytest.approx(4.0, rel=0.3)  # the root of the time
    by_type = short.of(None, 1)[0, 0] / SPREAD[types]
    assert by_type == pytest.approx(np.full(len(types), by_type.mean()), rel=0.2)
    assert short.quantile[1] * short.scale[1] == pytest.approx(
        np.sqrt(2) * short.quantile[0] * short.scale[0], rel=0.1
    )


def test_they_hold_nine_in_ten_of_windows_that_they_are_not_from(
    parts: dict[str, Windows], kept: dict[str, Tensor]
) -> None:
    held = coverage_by_type(kept, Still(), parts["test"], 16, np.array([1, 2]))
    assert held is not None
    assert held.source == "checkpoint"
    assert np.array(held.coverage) == pytest.approx(0.9, abs=0.05)


def test_a_time_that_is_not_known_has_no_radii(kept: dict[str, Tensor]) -> None:
    assert radii_of(kept, np.array([0])) is None


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("times", torch.ones(3, dtype=torch.float64)),
        ("pooled", torch.ones(3, dtype=torch.float64)),
        ("quantile", torch.ones(1, 1, dtype=torch.float64)),
        ("types", torch.ones(2, 2, dtype=torch.float64)),
        ("types", torch.full((6, 2, 3), -1.0, dtype=torch.float64)),
    ],
)
def test_what_does_not_go_together_is_refused(
    kept: dict[str, Tensor], name: str, wrong: Tensor
) -> None:
    with pytest.raises(ValueError, match="its radii"):
        radii_of({**kept, f"radii/{name}": wrong}, np.array([0]), 2e-15)


def test_a_type_that_they_do_not_know_is_refused(kept: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match="fewer types"):
        radii_of(kept, np.array([7]), 2e-15)


def test_a_system_that_moves_faster_has_larger_radii(kept: dict[str, Tensor]) -> None:
    radii = radii_of(kept, np.array([0, 1]), 2e-15)
    assert radii is not None
    speeds = radii.speed * np.array([0.5, 1.0, 2.0, 0.0, 1000.0])
    own = radii.of(None, 5, speeds)[:, 0, 0]
    assert own / own[1] == pytest.approx([0.5, 1.0, 2.0, 1.0, 4.0])


def test_a_window_nearly_at_rest_widens_nobodys_radii(
    parts: dict[str, Windows], kept: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_one_at_rest(
        model: DynamicsModel, batches: Iterable[Batch]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        errors, types, speeds = _errors(model, batches)
        return errors, types, np.where(np.arange(len(speeds)) < 5, 1e-6, speeds)

    _errors = times._errors
    monkeypatch.setattr(times, "_errors", with_one_at_rest)
    again = measure(Still(), parts["train"], parts["val"])
    usual, rest = (radii_of(one, types_of(parts), 2e-15) for one in (kept, again))
    assert usual is not None
    assert rest is not None
    assert rest.of(None, 1) == pytest.approx(usual.of(None, 1), rel=0.1)
