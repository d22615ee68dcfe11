"""Numbers that go bad are found and named; systems far from the origin keep their digits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from painet_cli import load, predict
from painet_cli.config.presets import load_preset
from painet_cli.data.dataset.dataset import FRAMES, MANIFEST, Dataset, open_dataset, write_dataset
from painet_cli.errors import PainetError, RequestError
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.metrics import prediction_errors
from painet_cli.evaluation.opened_run import windows_for
from painet_cli.storage.atomic import file_sha256
from painet_cli.training.diagnosis import half_precision
from painet_cli.training.run import resume_run
from painet_cli.training.run_folder import LAST
from trainings import CPU, Watcher, same_bits, train

AWAY = np.array([1e6, -2e6, 3e5])
"""Angstrom; float32 tells places there 0.06 to 0.25 apart."""
KINDS = ["C", "C", "O", "H", "H", "H", "H", "H", "H"]


def poisoned(data_dir: Path, tmp_path: Path, frame: int, particle: int, value: float) -> Path:
    """The sample with a bad coordinate and a manifest that vouches for it."""
    source = open_dataset(data_dir / "sample")
    frames = np.array(source.frames)
    frames[frame, particle, 1] = value
    folder = tmp_path / "poisoned" / "sample"
    folder.mkdir(parents=True)
    np.save(folder / FRAMES, frames)
    content = json.loads((source.folder / MANIFEST).read_text())
    content["files"] = {FRAMES: file_sha256(folder / FRAMES)}
    (folder / MANIFEST).write_text(json.dumps(content))
    return folder.parent


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bad_data_stop_a_training_with_epoch_batch_file_frame_and_particle(
    data_dir: Path, small_preset: Path, tmp_path: Path, value: float
) -> None:
    starts = open_dataset(data_dir / "sample").starts("train")
    bad = poisoned(data_dir, tmp_path, int(starts[7]), 4, value)
    with pytest.raises(PainetError) as caught:
        train(small_preset, bad, tmp_path / "runs")
    assert "epoch 1, batch " in caught.value.what
    assert f"{bad / 'sample' / FRAMES}: frame {starts[7]} holds" in caught.value.what
    assert "of particle 4 (H5)" in caught.value.what or "of particle 4 (" in caught.value.what
    assert "prepare the dataset again" in caught.value.hint


def test_bad_data_among_the_test_windows_stop_an_evaluation(
    finished_run: Path, data_dir: Path, tmp_path: Path
) -> None:
    good = open_dataset(data_dir / "sample")
    start = int(good.starts("test")[3])
    bad = open_dataset(poisoned(data_dir, tmp_path, start + 1, 2, np.nan) / "sample")
    preset = load_preset(str(finished_run / "config.yaml"))
    windows = windows_for(bad, preset, "test")
    model = load(finished_run, "cpu").model
    with pytest.raises(PainetError, match=rf"{FRAMES}: frame {start + 1} holds .* particle 2"):
        prediction_errors(model, windows, 50, windows.offsets)


def test_a_loss_that_runs_away_is_told_with_epoch_batch_and_windows(
    data_dir: Path, small_preset: Path, tmp_path: Path
) -> None:
    with pytest.raises(PainetError, match=r"epoch \d+: the .* is (nan|inf)") as caught:
        train(small_preset, data_dir, tmp_path, "train.lr=1e18")
    assert "from batch" in caught.value.what or "prediction from frame" in caught.value.what
    assert "lower train.lr" in caught.value.hint


def test_a_weight_that_is_no_number_is_never_saved(
    finished_run: Path,
    data_dir: Path,
    small_preset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watcher, step = Watcher(), torch.optim.Adam.step

    def last_step_of_epoch_3(optimizer: torch.optim.Adam, *args: object) -> None:
        step(optimizer)
        if len(watcher.records) == 2:  # the loss of every batch is still finite
            next(iter(optimizer.param_groups[0]["params"])).data.view(-1)[0] = float("nan")

    settings = ["train.batch_size=500"]
    with monkeypatch.context() as patched:
        patched.setattr(torch.optim.Adam, "step", last_step_of_epoch_3)
        with pytest.raises(PainetError, match="epoch 3: a weight is NaN or infinite after"):
            train(small_preset, data_dir, tmp_path, *settings, watcher=watcher)
    assert watcher.run is not None
    resume_run(watcher.run, data_dir, CPU, Watcher())
    whole = train(small_preset, data_dir, tmp_path / "whole", *settings).run
    assert same_bits(whole / LAST, watcher.run / LAST)


def test_a_prediction_that_runs_away_stops_an_evaluation_with_frame_step_and_particle(
    finished_run: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(finished_run, "cpu")
    forward = type(loaded.model).forward

    def wild(model: object, batch: object) -> torch.Tensor:
        ahead = forward(model, batch)
        ahead.view(len(ahead), -1, 9, 3)[1, :, 5] = float("inf")
        return ahead

    monkeypatch.setattr(type(loaded.model), "forward", wild)
    start = int(open_dataset(data_dir / "sample").starts("test")[0])
    with pytest.raises(PainetError) as caught:
        evaluate_run(finished_run, data_dir, CPU)
    assert f"the prediction from frame {start} of " in caught.value.what
    assert "at step 2, first at particle 5 (" in caught.value.what
    assert "horizon=1" in caught.value.hint


def test_a_float16_that_overflows_is_named(finished_run: Path) -> None:
    loaded = load(finished_run, "cpu")
    frames = np.full((9, 3), np.inf, dtype=np.float16)  # what 70,000 becomes
    with pytest.raises(RequestError, match="a position is infinite: particle 0") as caught:
        predict(loaded, frames, types=KINDS)
    assert "float16 overflows at 65,504; give float32" in caught.value.hint
    assert half_precision(loaded.model) == ""
    assert "float16 overflows" in half_precision(loaded.model.half())
    with torch.autocast("cpu", torch.float16):
        assert "float16 overflows" in half_precision(load(finished_run, "cpu").model)
    with torch.autocast("cpu", torch.bfloat16):
        assert half_precision(load(finished_run, "cpu").model) == ""


def test_an_array_that_holds_nan_is_told_with_frame_and_particle(finished_run: Path) -> None:
    frames = np.zeros((2, 9, 3))
    frames[1, 6, 2] = np.nan
    with pytest.raises(RequestError, match="frame 1, particle 6, coordinate 2"):
        predict(load(finished_run, "cpu"), frames, types=KINDS)


# --- far from the origin


@pytest.fixture(scope="module")
def frames(data_dir: Path) -> NDArray[np.float64]:
    return np.array(open_dataset(data_dir / "sample").frames[5000:5002], dtype=np.float64)


def test_a_prediction_a_million_angstrom_away_is_the_one_at_the_origin(
    frames: NDArray[np.float64], data_dir: Path
) -> None:
    particles = open_dataset(data_dir / "sample").manifest.particles
    model = load("sample", "cpu")
    options = {"types": particles.elements, "bonds": particles.bonds}
    here = predict(model, frames, 12, **options)
    with pytest.warns(UserWarning, match="from the origin"):
        there = predict(model, frames + AWAY, 12, **options)
    assert here.dtype == np.float32
    assert there.dtype == np.float64
    assert np.abs(there - AWAY - here).max() < 1e-5


@pytest.mark.filterwarnings("ignore:.*expect larger errors:UserWarning")
@pytest.mark.filterwarnings("ignore:the prediction is distorted:UserWarning")
@pytest.mark.filterwarnings("ignore:the prediction runs away:UserWarning")
def test_a_walk_far_away_is_the_one_at_the_origin_and_its_height_counts(
    data_dir: Path,
) -> None:
    rng = np.random.default_rng(0)
    model = load("mocap-walk", "cpu")
    names = model.header.type_names
    bonds = [(k, k + 1) for k in range(len(names) - 1)]
    steps = rng.normal(size=(2, len(names), 3)).cumsum(axis=1)
    steps[1] = steps[0] + 0.05 * rng.normal(size=steps[0].shape)
    here = predict(model, steps, names=names, bonds=bonds)[0]  # nobody's skeleton: it runs away
    level = np.array([1e6, 0.0, -1e6])
    with pytest.warns(UserWarning, match="from the origin"):
        there = predict(model, steps + level, names=names, bonds=bonds)[0]
    assert np.abs(there - level - here).max() < 1e-3
    up = np.array([0.0, 5.0, 0.0])
    higher = predict(model, steps + up, names=names, bonds=bonds)[0]
    assert np.abs(higher - up - here).max() > 1e-3


def test_systems_of_pytorch_geometric_far_away_are_predicted_as_at_the_origin(
    frames: NDArray[np.float64], data_dir: Path
) -> None:
    from painet_cli.data.batches.batch import Batch, to_pyg
    from painet_cli.data.batches.bond_graph import bond_graph

    model = load("sample", "cpu")
    particles = open_dataset(data_dir / "sample").manifest.particles
    graph = bond_graph(particles.types, particles.bonds, model.header.preset.data.hops)
    x, v = torch.from_numpy(frames[1]), torch.from_numpy(frames[1] - frames[0]).float()
    here = predict(model, to_pyg(Batch(graph, x.float(), v))).y
    there = predict(model, to_pyg(Batch(graph, x + torch.from_numpy(AWAY), v))).y
    assert (there - torch.from_numpy(AWAY) - here).abs().max() < 1e-3


def shifted(data_dir: Path, tmp_path: Path, *, as_float32: bool) -> Dataset:
    """The sample moved far away, as its source would have it, or as an old float32 dataset has."""
    source = open_dataset(data_dir / "sample")
    x = source.frames.astype(np.float64) + AWAY
    folder = tmp_path / "data" / "sample"
    if not as_float32:
        return write_dataset(folder, x, source.manifest)
    folder.mkdir(parents=True)
    np.save(folder / FRAMES, x.astype(np.float32))
    content = source.manifest.model_dump(mode="json")
    content["files"] = {FRAMES: file_sha256(folder / FRAMES)}
    (folder / MANIFEST).write_text(json.dumps(content))
    return open_dataset(folder)


def test_a_dataset_from_far_away_is_moved_to_the_origin_and_says_from_where(
    data_dir: Path, tmp_path: Path
) -> None:
    near, far = open_dataset(data_dir / "sample"), shifted(data_dir, tmp_path, as_float32=False)
    offset = np.array(far.manifest.offset)
    assert np.abs(offset - AWAY).max() < 3
    assert (offset == np.rint(offset)).all()
    assert np.abs(far.frames + (offset - AWAY) - near.frames).max() < 1e-6
    assert near.manifest.offset == (0.0, 0.0, 0.0)


def test_a_training_on_data_from_far_away_learns_the_same(
    data_dir: Path, small_preset: Path, tmp_path: Path, finished_run: Path
) -> None:
    far = shifted(data_dir, tmp_path, as_float32=False)
    run = train(small_preset, far.folder.parent, tmp_path / "runs").run
    there = evaluate_run(run, far.folder.parent, CPU)
    here = evaluate_run(finished_run, data_dir, CPU)
    assert there.mse == pytest.approx(here.mse, abs=1e-3)


def test_windows_far_away_lose_nothing_more_than_float32_has_lost_already(
    data_dir: Path, tmp_path: Path, finished_run: Path
) -> None:
    far = shifted(data_dir, tmp_path, as_float32=True)
    same = replace(far, array=(far.frames.astype(np.float64) - AWAY).astype(np.float32))
    preset = load_preset(str(finished_run / "config.yaml"))
    model = load(finished_run, "cpu").model
    there, here = (
        prediction_errors(model, windows, 50, windows.offsets)
        for windows in (windows_for(one, preset, "test") for one in (far, same))
    )
    assert np.abs(there.squared - here.squared).max() < 1e-3


def test_windows_near_the_origin_are_not_touched(data_dir: Path, finished_run: Path) -> None:
    dataset = open_dataset(data_dir / "sample")
    windows = windows_for(dataset, load_preset(str(finished_run / "config.yaml")), "test")
    batch = windows.batch(torch.tensor([0]))
    assert np.array_equal(batch.positions.numpy(), dataset.frames[windows.starts[0]])
