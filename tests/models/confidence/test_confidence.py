"""Radii and training starts that a checkpoint keeps, and what is done where it keeps none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import painet
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.models.confidence.kept import radii_of, seen_of
from painet_cli.models.confidence.radii import coverage, fit_radii, joined
from painet_cli.prediction.asked import make_forecast
from painet_cli.prediction.flagging import novelty_of
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.loading import load
from painet_cli.training.checkpoint import load_checkpoint, save_checkpoint


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    painet.prepare("sample", data_dir=folder)
    return folder


@pytest.fixture(scope="module")
def kernel(data: Path) -> Path:
    settings = {"model": {"name": "kernel", "form": "rbf"}, "data.velocity": "before"}
    return painet.train("demo", settings=settings, data_dir=data, run_dir=data / "runs").run


@pytest.fixture(scope="module")
def network(data: Path) -> Path:
    small = {
        "model.layers": 1,
        "model.hidden": 8,
        "train.batch_size": 250,
        "data.velocity": "before",
    }
    return painet.train("demo", settings=small, epochs=1, data_dir=data, run_dir=data / "net").run


def test_by_a_spread_that_tells_hard_starts_from_easy_ones_each_is_held_as_often() -> None:
    rng = np.random.default_rng(0)
    spread = np.repeat(rng.uniform(0.1, 2.0, size=(600, 1, 1)), 20, axis=2)
    errors = np.linalg.norm(spread[..., None] * rng.normal(size=(600, 1, 20, 3)), axis=-1)
    radii = fit_radii(errors[:300], spread[:300], 300)
    inside = errors[300:] <= radii.of(spread[300:], 300)
    hard = spread[300:, 0, 0] > 1.0
    for share in (inside[hard].mean(), inside[~hard].mean()):
        assert 0.87 < share < 0.93


def test_few_windows_that_share_frames_leave_particles_with_about_one_scale() -> None:
    scale = np.linspace(0.1, 1.0, 30)
    errors = np.abs(scale * np.random.default_rng(0).normal(size=(20, 1, 30)))
    ratios = [np.ptp(np.log(fit_radii(errors, None, n).scale)) for n in (1.0, 20.0)]
    assert ratios[0] < 0.6 * ratios[1]


@pytest.mark.parametrize("which", ["kernel", "network"])
def test_a_trained_model_knows_how_sure_it_is_of_what_it_was_not_trained_on(
    which: str, data: Path, request: pytest.FixtureRequest
) -> None:
    loaded = load(request.getfixturevalue(which), "cpu")
    with open_input(data / "sample", data_dir=data) as recording:
        system = recording.read(recording.select("all"))
    starts = np.arange(15000, 19000, 100)
    made = make_forecast(loaded, system, starts, 5)
    assert made.radius is not None
    assert made.truth is not None
    assert made.radius_90 is not None
    assert made.radius.shape == made.positions.shape[:3]
    share = coverage(made.positions, made.truth, made.radius)
    assert 0.8 < share.mean() < 0.97
    assert (made.spread is not None) == (which == "kernel")


def test_evaluate_scales_the_error_bars_of_a_kernel_by_its_spread(
    data: Path, kernel: Path, network: Path
) -> None:
    bars = [
        evaluate_run(run, data, torch.device("cpu"), error_bars=True).coverage
        for run in (kernel, network)
    ]
    for one, spread in zip(bars, (True, False), strict=True):
        assert one is not None
        assert (one.source, one.spread) == ("checkpoint", spread)
        assert 0.8 < np.mean(one.coverage) < 0.99


def test_error_bars_end_where_steps_are_rolled_out(data: Path, network: Path) -> None:
    with open_input(data / "sample", data_dir=data) as recording:
        system = recording.read(recording.select("all"), 100, 200)
    made = make_forecast(load(network, "cpu"), system, np.array([9]), 7)
    assert made.radius is None
    assert made.radius_90 is None


def test_a_checkpoint_from_before_they_were_kept_has_none(network: Path, tmp_path: Path) -> None:
    tensors, header = load_checkpoint(network / "best.safetensors")
    old = {name: value for name, value in tensors.items() if name.startswith("model/")}
    save_checkpoint(tmp_path / "old.safetensors", old, header)
    loaded = load(tmp_path / "old.safetensors", "cpu")
    assert loaded.radii(np.zeros(9, dtype=np.int64)) is None
    assert seen_of(loaded.confidence[0], None, ()) is None


def test_particles_of_another_number_have_the_radii_of_their_types(network: Path) -> None:
    kept = load(network, "cpu").confidence[0]
    types = np.array([0, 0, 1])
    radii = radii_of(kept, types)
    assert radii is not None
    np.testing.assert_array_equal(radii.scale[:, 0], radii.scale[:, 1])
    assert radii.scale.shape == (5, 3)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"radii/quantile": torch.full((5,), float("nan"), dtype=torch.float64)},
        {"radii/pooled": torch.ones(3, dtype=torch.float64)},
        {"radii/scale": torch.ones((4, 9), dtype=torch.float64)},
        {"radii/scale": -torch.ones((5, 9), dtype=torch.float64)},
        {"radii/types": torch.ones((5, 1), dtype=torch.float64), "radii/scale": torch.ones(5, 2)},
    ],
)
def test_radii_that_do_not_go_together_are_refused(
    spoilt: dict[str, torch.Tensor], network: Path, tmp_path: Path
) -> None:
    tensors, header = load_checkpoint(network / "best.safetensors")
    save_checkpoint(tmp_path / "bad.safetensors", tensors | spoilt, header)
    loaded = load(tmp_path / "bad.safetensors", "cpu")
    with pytest.raises(RequestError, match="do not fit"):
        loaded.radii(np.array([0] * 8 + [2]))


def test_what_was_trained_on_is_near_and_what_never_was_is_far(data: Path, network: Path) -> None:
    loaded = load(network, "cpu")
    with open_input(data / "sample", data_dir=data) as recording:
        system = recording.read(recording.select("all"), 0, 300)
    far = replace(system, frames=system.frames * np.float32(1.1))
    starts = np.arange(50, 250, 50)
    usual, odd = (
        novelty_of(loaded, make_forecast(loaded, one, starts, 5)) for one in (system, far)
    )
    assert usual is not None
    assert odd is not None
    assert usual.mean() < 0.9
    assert odd.min() == 1.0


def test_several_models_have_the_mean_of_their_radii() -> None:
    one, other = (fit_radii(np.full((20, 2, 3), size), None, 20.0) for size in (1.0, 3.0))
    both = joined([one, other])
    np.testing.assert_allclose(both.of(None, 1), 2.0)
    np.testing.assert_allclose(both.pooled, 2.0)


def test_a_file_that_is_no_checkpoint_has_no_confidence(tmp_path: Path) -> None:
    save_file({"radii/quantile": torch.ones(3)}, tmp_path / "other.safetensors")
    with pytest.raises(RequestError, match="not painet's"):
        load(tmp_path / "other.safetensors")
