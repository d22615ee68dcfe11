"""Training of models that are fitted in closed form, and what training windows are seen as."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from painet_cli.config.presets import Preset
from painet_cli.data.batches.symmetries import mirror_symmetry
from painet_cli.data.dataset.dataset import open_dataset, write_dataset
from painet_cli.errors import RequestError
from painet_cli.training.augmentation import Augmentation, augmentation_of
from painet_cli.training.run import resume_run
from painet_cli.training.run_folder import LAST
from systems import BRANCHED, equal_systems, frames_of, manifest
from trainings import CPU, Watcher, same_bits, train

SMALL = ["model.name=kernel", "data.horizon=2", "data.delta_frames=20"]


def test_one_epoch_fits_it_and_a_resumed_run_is_at_its_end(data_dir: Path, tmp_path: Path) -> None:
    from painet import evaluate
    from painet import train as train_again

    summary = train_again("demo", settings=SMALL, data_dir=data_dir, run_dir=tmp_path, device="cpu")
    assert (summary.epochs, summary.best_epoch, summary.stopped_by) == (1, 1, "epochs")
    assert summary.parameters > 0
    first = evaluate(summary.run, data_dir=data_dir, device="cpu")
    still = evaluate(summary.run, data_dir=data_dir, device="cpu", horizon=4)
    assert len(still.step_mse) == 4
    again = train_again(resume=summary.run, data_dir=data_dir, device="cpu")
    assert again.val_mse == summary.val_mse
    assert evaluate(summary.run, data_dir=data_dir, device="cpu").mse == first.mse


def test_no_noise_is_put_to_what_it_is_fitted_to(data_dir: Path) -> None:
    asked = Preset.load("demo").changed([*SMALL, "train.noise=0.1"])
    with pytest.raises(RequestError, match=r"train\.noise=0\.1: kernel is fitted to windows as"):
        augmentation_of(asked, open_dataset(data_dir / "sample"))


def test_a_mirror_needs_names_with_sides(data_dir: Path, tmp_path: Path) -> None:
    from painet import train as train_again

    with pytest.raises(RequestError, match="`mirror` needs particles with a left and a right"):
        train_again(
            "demo",
            settings=[*SMALL, "train.augment=[mirror]"],
            data_dir=data_dir,
            run_dir=tmp_path,
            device="cpu",
        )


def test_what_is_equal_in_one_segment_alone_makes_no_symmetry(tmp_path: Path) -> None:
    described = manifest()
    segments = tuple(one.model_copy(update={"types": (0, 0, 1, 1)}) for one in described.segments)
    described = described.model_copy(update={"segments": segments})
    dataset = write_dataset(tmp_path / "typed", frames_of(described), described)
    asked = Preset.load("demo").changed(["train.augment=[symmetry]"])
    with pytest.raises(RequestError, match="which particles are equal differs by segment"):
        augmentation_of(asked, dataset)


def sided() -> Augmentation:
    names = ("root", "lhip", "rhip", "lknee", "rknee", "neck", "head", "tail")
    described = manifest(molecule=BRANCHED, up_axis="y")
    particles = described.particles.model_copy(update={"names": names})
    return Augmentation(mirror_symmetry(described.model_copy(update={"particles": particles})))


def test_in_a_mirror_left_is_right_and_height_is_height() -> None:
    batch = equal_systems(BRANCHED, 2)
    symmetries = sided().symmetries
    assert symmetries is not None
    same, seen = symmetries.all_of(batch)
    assert torch.equal(same.positions, batch.positions)
    torch.testing.assert_close(seen.positions[1], batch.positions[2] * torch.tensor([-1.0, 1, 1]))
    torch.testing.assert_close(seen.velocities[8], batch.velocities[8] * torch.tensor([-1.0, 1, 1]))
    (_, twice) = symmetries.all_of(seen)
    assert torch.equal(twice.known_targets(), batch.known_targets())


def test_what_a_window_is_seen_as_depends_on_the_seed_alone() -> None:
    batch, both = equal_systems(BRANCHED, 12), sided()
    one, again, other = (both.one_of(batch, (1, epoch)).positions for epoch in (4, 4, 5))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    noisy = Augmentation(noise=0.1).one_of(batch, (1, 2))
    off = (noisy.positions - batch.positions).std() / batch.velocities.square().mean().sqrt()
    assert 0.07 < float(off) < 0.13
    assert torch.equal(noisy.known_targets(), batch.known_targets())


def test_a_training_with_noise_that_was_stopped_ends_as_if_it_was_not(
    data_dir: Path, small_preset: Path, tmp_path: Path
) -> None:
    settings = ("train.noise=0.1", "train.epochs=2")
    whole = train(small_preset, data_dir, tmp_path / "whole", *settings).run
    watcher = Watcher(stop_after=1)
    with pytest.raises(KeyboardInterrupt):
        train(small_preset, data_dir, tmp_path / "stopped", *settings, watcher=watcher)
    assert watcher.run is not None
    stopped = resume_run(watcher.run, data_dir, CPU, Watcher()).run
    assert same_bits(whole / LAST, stopped / LAST)
    plain = train(small_preset, data_dir, tmp_path / "plain", "train.epochs=2").run
    assert not same_bits(whole / LAST, plain / LAST), "the noise is there"
