"""Which windows of a dataset are trained on."""

from __future__ import annotations

from pathlib import Path

from painet_cli.config.presets import load_preset
from painet_cli.data.dataset.splits import leak_fraction
from painet_cli.training.setup.build import dataset_of
from painet_cli.training.trainer import Trainer
from trainings import Watcher, train


class Counted(Watcher):
    """Counts the windows that are trained on."""

    def started(self, run: Path, trainer: Trainer) -> None:
        self.windows = len(trainer.train_windows)


def test_every_window_of_the_same_recordings_is_trained_on(
    data_dir: Path, small_preset: Path, tmp_path: Path
) -> None:
    every = ["train.windows=every"]
    listed, filled = (
        dataset_of(load_preset(str(small_preset), more), data_dir) for more in ([], every)
    )
    train_starts = filled.starts("train")
    assert set(listed.starts("train").tolist()) < set(train_starts.tolist())
    assert filled.manifest.split.model_copy(update={"train": ()}) == (
        listed.manifest.split.model_copy(update={"train": ()})
    )
    assert leak_fraction(filled.manifest.split) == 0.0
    assert filled.sha256 == listed.sha256, "it is the same dataset"
    counted = Counted()
    setting = [*every, "train.epochs=1"]
    train(small_preset, data_dir, tmp_path, *setting, watcher=counted)
    assert counted.windows == len(train_starts)
