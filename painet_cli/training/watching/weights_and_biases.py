"""Weights & Biases, offline: `wandb sync` uploads the run folder's `wandb/` when you want it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb

PROJECT = "painet"


class WeightsAndBiases:
    """Writes a run as `wandb` has it; nothing leaves the machine unless `WANDB_MODE=online`."""

    def begin(self, run: Path, settings: Mapping[str, Any], epochs_done: int) -> None:
        """Begin a run, with the preset as its config."""
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=f"{run.parent.name}/{run.name}",
            dir=str(run),
            config=dict(settings),
            mode=os.environ.get("WANDB_MODE", "offline"),
            settings=wandb.Settings(silent=True),
        )

    def write(self, epoch: int, numbers: Mapping[str, float]) -> None:
        """Log an epoch."""
        self._run.log(dict(numbers), step=epoch)

    def end(self, summary: Mapping[str, Any] | None) -> None:
        """Keep the best figures as the run's summary, and finish it."""
        for key in ("best_epoch", "val_mse"):
            if summary is not None:
                self._run.summary[f"best/{key}"] = summary[key]
        self._run.finish(exit_code=0 if summary is not None else 1)
