"""Results of cells that nobody trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from painet_cli.benchmark.campaign.plan import parts
from painet_cli.benchmark.cells import Cell, Result
from painet_cli.config.presets import load_preset

SHA256 = "0" * 64


def result(
    mse: float,
    model: str = "egnn",
    *,
    preset: str = "mocap-run-s2s",
    seed: int = 1,
    settings: Sequence[str] = (),
    stopped_by: str = "patience",
    dataset_sha256: str = SHA256,
    label: str = "",
) -> Result:
    """A result of 400 windows, whose errors rise evenly about `mse`."""
    chosen = load_preset(preset, [f"model.name={model}", f"train.seed={seed}", *settings])
    record = {
        "epochs": 40, "best_epoch": 30, "val_mse": mse, "stopped_by": stopped_by, "epoch_s": 0.5,
        "peak_memory_gb": 0.25, "memory_kind": "resident set above start", "parameters": 1234,
        "device": "cpu", "threads": 1, "dataset_sha256": dataset_sha256, "command": "painet",
    }  # fmt: skip
    evaluation = {
        "mse": mse, "f_mse": mse, "a_mse": mse, "step_mse": [mse], "unit": "ASF unit²",
        "windows": 400, "horizon": 1, "trained_horizon": 1, "dataset": "mocap-run", "label": "",
        "as_published": True, "split": "test", "split_kind": "published", "leak": 0.0,
        "time_s": 0.1, "peak_memory_gb": 0.2,
    }  # fmt: skip
    cell = Cell(preset, chosen, Path(preset) / f"{model}-{seed}", label)
    return Result(cell, record, evaluation, mse * np.linspace(0.9, 1.1, 400)[:, None])


def planned(
    mse: float, model: str = "egnn", seed: int = 1, preset: str = "mocap-run-s2s"
) -> Result:
    """A result with the plan's own settings."""
    own = next(part for part in parts() if preset in part.presets).settings_of(model)
    return result(mse, model, preset=preset, seed=seed, settings=own)
