"""Networks that learn what a prior leaves over, and kernels that have not seen their windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from painet_cli.config.models import KernelConfig
from painet_cli.config.presets import Preset
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset, open_dataset, write_dataset
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.opened_run import windows_for
from painet_cli.models.kernel.fit import fit_kernel
from painet_cli.models.prior import OnPrior
from painet_cli.models.registry import build_model
from painet_cli.prediction.loading import restore
from painet_cli.training.augmentation import Augmentation
from painet_cli.training.run import resume_run, start_run
from painet_cli.training.run_folder import BEST, LAST
from painet_cli.training.setup.prior import FOLDS, fit_prior, folds
from systems import SPEC, equal_systems, frames_of, manifest, normal, preset
from trainings import CPU, Watcher, same_bits, train

SMALL = {"name": "painet", "layers": 1, "hidden": 8, "heads": 1}


def small(**prior: str) -> Preset:
    return preset({**SMALL, **prior}, horizon=2)


@pytest.mark.parametrize("prior", ["still", "straight", "past"])
def test_training_begins_at_the_prior(prior: str) -> None:
    spec, chosen = replace(SPEC, history=2), small(prior=prior)
    chosen = chosen.changed({"data.history": 2})
    batch = replace(equal_systems(), past=normal(2, 8, 3, seed=3))
    assert batch.past is not None
    x = batch.positions
    expected = {
        "still": torch.stack([x, x]),
        "straight": torch.stack([x + 5 * batch.velocities, x + 10 * batch.velocities]),
        "past": (x + batch.past.sum(dim=0) / 3).expand(2, -1, -1),
    }[prior]
    torch.testing.assert_close(build_model(chosen, spec).double()(batch), expected)


LENGTH = 12
TRIALS = 7


@pytest.fixture
def recordings(tmp_path: Path) -> tuple[Dataset, Preset]:
    """Seven recordings of a chain, five of them to train on, and a preset for them."""
    starts = [[LENGTH * trial + step for step in range(0, 9, 2)] for trial in range(TRIALS)]
    train = [start for trial in starts[:5] for start in trial]
    described = manifest(
        [LENGTH] * TRIALS, delta_frames=3, train=train, val=starts[5], test=starts[6]
    )
    dataset = write_dataset(tmp_path / described.name, frames_of(described), described)
    chosen = preset({**SMALL, "prior": "kernel"})
    settings = {"data.dataset": described.name, "data.delta_frames": 3, "data.velocity": "next"}
    return dataset, chosen.changed(settings)


def held_out(dataset: Dataset, chosen: Preset) -> tuple[Windows, OnPrior]:
    train, val = (windows_for(dataset, chosen, part) for part in ("train", "val"))
    model = build_model(chosen, SPEC)
    assert isinstance(model, OnPrior)
    fit_prior(model, train, val, Augmentation())
    return train, model


def test_a_window_is_told_what_a_kernel_without_its_recording_predicts(
    recordings: tuple[Dataset, Preset], tmp_path: Path
) -> None:
    dataset, chosen = recordings
    windows, model = held_out(dataset, chosen)
    batch = windows.batch(torch.arange(len(windows)))
    assert batch.prior is not None
    of_trial = torch.from_numpy(windows.starts // LENGTH)
    others = windows.only(np.flatnonzero(windows.starts >= LENGTH))
    assert model.kernel is not None
    without = model.kernel.refitted([others.batch(torch.arange(len(others)))])
    first = windows.only(np.flatnonzero(windows.starts < LENGTH))
    alone = first.batch(torch.arange(len(first)))
    expected = without(alone) - alone.positions
    mine = (of_trial == 0).repeat_interleave(4)
    torch.testing.assert_close(batch.prior[:, mine], expected)
    model.eval()
    full = model.kernel(batch) - batch.positions
    left, in_sample = (
        (batch.known_targets() - batch.positions - moved).square().mean()
        for moved in (batch.prior, full)
    )
    assert left > 1.1 * in_sample, "frames at random cannot be foretold"


def test_refitted_to_the_same_windows_a_kernel_is_the_same() -> None:
    train, val = ([equal_systems(copies=20, seed=seed)] for seed in (1, 2))
    kernel = fit_kernel(train, val, SPEC, KernelConfig())
    torch.testing.assert_close(kernel.refitted(train)(val[0]), kernel(val[0]))


def test_recordings_are_held_out_whole(recordings: tuple[Dataset, Preset]) -> None:
    windows = windows_for(*recordings, "train")
    found = folds(windows)
    assert len(found) == FOLDS
    assert sorted(np.concatenate([held for held, _ in found])) == list(range(len(windows)))
    for held, others in found:
        inside, outside = (set(windows.starts[part] // LENGTH) for part in (held, others))
        assert not inside & outside


@pytest.mark.parametrize(
    ("past", "reach"),
    [({}, 20), ({"data.history": 4}, 24), ({"data.history": 4, "data.history_known": 0}, 24)],
)
def test_a_single_recording_is_cut_into_stretches_that_share_no_frame(
    data_dir: Path, past: dict[str, int], reach: int
) -> None:
    chosen = small().changed({"data.dataset": "sample", "data.delta_frames": 20, **past})
    windows = windows_for(open_dataset(data_dir / "sample"), chosen, "train")
    for held, others in folds(windows):
        apart = abs(windows.starts[held][:, None] - windows.starts[others])
        assert apart.min() > reach
        assert len(others) > len(windows) // 2


def test_a_training_on_a_kernel_resumes_to_the_bit_and_is_evaluated_with_it(
    data_dir: Path, small_preset: Path, tmp_path: Path
) -> None:
    settings = ("model.prior=kernel", "train.epochs=2", "train.eval_every=1")
    whole = train(small_preset, data_dir, tmp_path / "whole", *settings).run
    watcher = Watcher(stop_after=1)
    with pytest.raises(KeyboardInterrupt):
        train(small_preset, data_dir, tmp_path / "stopped", *settings, watcher=watcher)
    assert watcher.run is not None
    stopped = resume_run(watcher.run, data_dir, CPU, Watcher()).run
    assert same_bits(whole / LAST, stopped / LAST)
    model, header = restore(whole / BEST, CPU)
    assert isinstance(model, OnPrior)
    assert header.preset.model.prior == "kernel"
    plain = train(small_preset, data_dir, tmp_path / "plain", *settings[1:]).run
    errors = [evaluate_run(run, data_dir, CPU).mse for run in (whole, plain)]
    assert errors[0] < 0.5 * errors[1]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model.prior": "past"}, "model.prior: past: needs frames before the start"),
        ({"model": {"name": "kernel", "prior": "still"}}, "a closed form learns all at once"),
        ({"model.prior": "mean"}, "model.prior"),
    ],
)
def test_priors_that_cannot_be_are_refused(
    recordings: tuple[Dataset, Preset], tmp_path: Path, settings: dict[str, object], words: str
) -> None:
    chosen = recordings[1]
    with pytest.raises(RequestError, match=words):
        start_run(chosen.changed(settings), "one", tmp_path, tmp_path / "runs", CPU, Watcher())
    assert not (tmp_path / "runs").exists()


def test_a_kernel_prior_is_fitted_to_one_time_between_frames_and_one_dataset(
    recordings: tuple[Dataset, Preset], tmp_path: Path
) -> None:
    drawn = recordings[1].changed({"data.delta_time": ["1fs", "1fs"]})
    with pytest.raises(RequestError, match="reads windows of one time between frames"):
        start_run(drawn, "one", tmp_path, tmp_path / "runs", CPU, Watcher())
    first = start_run(recordings[1], "one", tmp_path, tmp_path / "runs", CPU, Watcher()).run
    again = recordings[1].changed({"train.start_from": str(first)})
    with pytest.raises(RequestError, match="is fitted to its own dataset"):
        start_run(again, "two", tmp_path, tmp_path / "runs", CPU, Watcher())


def test_one_recording_with_two_windows_has_none_to_hold_out(tmp_path: Path) -> None:
    described = manifest([20], delta_frames=3, train=(0, 1), val=(8,), test=(14,))
    dataset = write_dataset(tmp_path / described.name, frames_of(described), described)
    with pytest.raises(RequestError, match="2 training windows are too few"):
        folds(windows_for(dataset, small().changed({"data.delta_frames": 3}), "train"))


def test_a_module_alone_has_no_prior(recordings: tuple[Dataset, Preset]) -> None:
    from painet import PAINET

    with pytest.raises(RequestError, match="a module alone has none"):
        PAINET(3, prior="kernel")
    with pytest.raises(RequestError, match="a module alone has none"):
        PAINET.from_preset(recordings[1], recordings[0])
