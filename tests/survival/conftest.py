"""Something small to prepare, train and predict with, and what ends commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from forging import Forge


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Runs commands and ends them where it is told to."""
    made = Forge(tmp_path_factory.mktemp("forge"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data directory with a dataset of 200 frames of a ring of six particles."""
    from painet_cli.data.dataset.dataset import write_dataset
    from systems import RING, frames_of, manifest

    describe = manifest(
        (120, 80),
        train=range(0, 100, 2),
        val=range(120, 150, 3),
        test=range(150, 190, 4),
        molecule=RING,
    )
    folder = tmp_path_factory.mktemp("tiny")
    turns = 2 * np.pi * np.arange(6)[:, None] / 6  # a ring with bonds of 1.4, which predict takes
    ring = 1.4 * np.hstack([np.cos(turns), np.sin(turns), 0 * turns])
    frames = (ring + 0.005 * frames_of(describe)).astype(np.float32)
    write_dataset(folder / "small", frames, describe)
    return folder


@pytest.fixture(scope="session")
def tiny_preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Preset file of a training whose epoch takes a few milliseconds."""
    path = tmp_path_factory.mktemp("presets") / "tiny.yaml"
    path.write_text(
        "data: {dataset: small, horizon: 2, delta_frames: 4}\n"
        "features: {node: [speed, type], edge: [distance]}\n"
        "model: {name: painet, layers: 1, hidden: 4, heads: 1}\n"
        "train: {epochs: 90, batch_size: 25, eval_every: 3, lr: 1e-3, ema: 0.9, patience: 100}\n"
    )
    return path
