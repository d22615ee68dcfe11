"""Short trainings that tests look at."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from painet_cli.config.presets import load_preset
from painet_cli.training.record import RunSummary
from painet_cli.training.run import start_run
from painet_cli.training.trainer import EpochRecord, Trainer
from painet_cli.training.watching.callback import Callback

CPU = torch.device("cpu")


class Watcher(Callback):
    """Callback that keeps the records, and interrupts the training after an epoch."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.run: Path | None = None
        self.records: list[EpochRecord] = []

    def started(self, run: Path, trainer: Trainer) -> None:
        self.run = run

    def epoch(self, record: EpochRecord, trainer: Trainer) -> None:
        self.records.append(record)
        if record.epoch == self.stop_after:
            raise KeyboardInterrupt


def train(
    preset: Path, data_dir: Path, run_dir: Path, *settings: str, watcher: Watcher | None = None
) -> RunSummary:
    """Train a preset file with settings on top."""
    loaded = load_preset(str(preset), settings)
    return start_run(loaded, preset.stem, data_dir, run_dir, CPU, watcher or Watcher())


def tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a checkpoint."""
    loaded: dict[str, Tensor] = load_file(path)
    return loaded


def same_bits(first: Path, second: Path) -> bool:
    """Whether two checkpoints hold the same tensors, bit for bit."""
    one, other = tensors(first), tensors(second)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
