"""The mean of several seeds: what it predicts, how far they differ, and which go together."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import painet
from painet_cli.errors import RequestError
from painet_cli.models.confidence.radii import coverage
from painet_cli.prediction.asked import make_forecast
from painet_cli.prediction.checkpoints import find_members, known_checkpoints
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.loading import load_model

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset and two seeds, `data/runs/demo/*`."""
    folder = tmp_path_factory.mktemp("data")
    painet.prepare("sample", data_dir=folder)
    for seed in (1, 2):
        painet.train(
            "demo",
            settings={
                "model.layers": 1,
                "model.hidden": 8,
                "train.batch_size": 250,
                "train.seed": seed,
                "data.velocity": "before",
            },
            epochs=1,
            data_dir=folder,
            run_dir=folder / "runs",
            device="cpu",
        )
    return folder


def test_the_mean_of_the_members_predicts_and_their_spread_is_known(data: Path) -> None:
    together = find_members(data / "runs/demo")
    with open_input(data / "sample", data_dir=data) as recording:
        system = recording.read(recording.select("all"), 15000, 19000)
    starts = np.arange(10, 3900, 100)
    each = [
        make_forecast(painet.load(path.parent, "cpu"), system, starts, 5).positions
        for path in (together.path, *together.others)
    ]
    made = make_forecast(load_model(together, CPU), system, starts, 5)
    np.testing.assert_allclose(made.positions, np.mean(each, axis=0), atol=1e-5)
    assert made.spread is not None
    apart = np.var(each, axis=0, ddof=1).mean(axis=-1)  # (S, T, N)
    expected = np.sqrt((apart + apart.mean(axis=-1, keepdims=True)) / 2)
    np.testing.assert_allclose(made.spread, expected, rtol=1e-2, atol=1e-5)
    assert made.radius is not None
    assert made.truth is not None
    assert 0.8 < coverage(made.positions, made.truth, made.radius).mean() < 0.97


def test_members_of_other_presets_are_refused(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / "runs/demo", tmp_path / "demo")
    painet.train(
        "demo",
        settings={"model.layers": 1, "model.hidden": 16, "train.batch_size": 500},
        epochs=1,
        data_dir=data,
        run_dir=tmp_path,
        device="cpu",
    )
    with pytest.raises(RequestError, match=r"differs from .* in more than its seed"):
        find_members(tmp_path / "demo")


def test_a_single_run_has_no_members_and_a_folder_must_be_given(data: Path) -> None:
    alone = next((data / "runs/demo").iterdir())
    with pytest.raises(RequestError, match="holds 0 runs"):
        find_members(alone)
    with pytest.raises(RequestError, match="of what"):
        known_checkpoints(None, data / "runs", members=True)
