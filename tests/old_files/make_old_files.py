"""Write a small dataset and a small checkpoint as the painet that is installed writes them.

    python tests/old_files/make_old_files.py

Files of the current schemas go beside this script, as `dataset-vN/` and
`checkpoint-vN.safetensors`. Run it before a schema is raised, and never again for an old one: the
files that are kept were written by the painet of their day.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch

from painet_cli.config.presets import Preset
from painet_cli.data.dataset import manifest as manifests
from painet_cli.data.dataset.dataset import write_dataset
from painet_cli.data.dataset.manifest import Manifest, Origin, Segment, Split, Units
from painet_cli.data.particles.particles import Particles
from painet_cli.training import checkpoint as checkpoints
from painet_cli.training.run import start_run
from painet_cli.training.run_folder import BEST

HERE = Path(__file__).parent


class Silent:
    """Listener that says nothing."""

    def started(self, run: object, trainer: object) -> None: ...

    def epoch(self, record: object, trainer: object) -> None: ...


def main() -> None:
    """Write both."""
    dataset = HERE / f"dataset-v{manifests.SCHEMA_VERSION}"
    checkpoint = HERE / f"checkpoint-v{checkpoints.SCHEMA_VERSION}.safetensors"
    frames = np.random.default_rng(0).normal(size=(30, 4, 3)).cumsum(axis=0).astype(np.float32)
    write_dataset(
        dataset,
        frames,
        Manifest(
            name="chain",
            origin=Origin(source="random walks", licence="MIT", citation="", prepared_by="tests"),
            units=Units(length="angstrom", length_in_metres=1e-10, frame_time_s=1e-15),
            particles=Particles(
                names=("C1", "C2", "O1", "C3"),
                types=(0, 0, 1, 0),
                type_names=("C", "O"),
                bonds=((0, 1), (1, 2), (2, 3)),
            ),
            segments=(
                Segment(name="first", start=0, length=18),
                Segment(name="second", start=18, length=12),
            ),
            split=Split(
                kind="blocks", delta_frames=3, train=(0, 2, 4, 18), val=(8, 9), test=(12, 13, 25)
            ),
            files={},
        ),
        force=True,
    )
    preset = Preset.model_validate(
        {
            "data": {"dataset": dataset.name, "horizon": 2, "delta_frames": 3},
            "features": {"node": ["speed", "type"], "edge": ["distance"]},
            "model": {"name": "painet", "layers": 1, "hidden": 4, "heads": 1},
            "train": {"epochs": 1, "batch_size": 4, "eval_every": 1, "lr": 1e-3},
        }
    )
    with tempfile.TemporaryDirectory() as runs:
        done = start_run(preset, "old", HERE, Path(runs), torch.device("cpu"), Silent())
        shutil.copyfile(done.run / BEST, checkpoint)


if __name__ == "__main__":
    main()
