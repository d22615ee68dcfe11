"""What a training step costs where the windows of a batch are of several systems.

Processor time a particle, forward, backward and optimiser, gathering the batch included. Batches
take turns: of one system, of systems of about one size as training has them, and in random order;
a ratio is the median over the turns.

    OMP_NUM_THREADS=1 python benchmarks/mixed_batches.py --data-dir DIR
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from painet_cli.config.presets import load_preset
from painet_cli.data.batches.windows import Windows
from painet_cli.training.device import resolve_device
from painet_cli.training.distributed.world import SINGLE, Share
from painet_cli.training.setup.build import build_trainer

PRESET = Path(__file__).parents[1] / "presets/shipped/molecule.yaml"
STEPS = 8


def main() -> None:
    """Print a line a kind of batch."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--preset", default=str(PRESET))
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--turns", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    preset = load_preset(options.preset).changed({"train.start_from": None, "train.loss": "raw"})
    trainer, _ = build_trainer(
        preset, "mixed", options.data_dir, resolve_device("cpu"), None, SINGLE
    )
    windows, size = trainer.train_windows, preset.train.batch_size
    costs: dict[str, list[float]] = {"one system": [], "about one size": [], "random order": []}
    for turn in range(options.turns + 1):
        rng = np.random.default_rng(turn)
        for kind, made in costs.items():
            parts = _parts(kind, windows, size, rng)
            particles = int(windows.sizes[torch.cat(parts)].sum())
            begun = time.process_time()
            for part in parts:
                trainer.step(Share(windows.batch(part), 1.0))
            if turn:  # the first warms up
                made.append((time.process_time() - begun) / particles)
    first = costs["one system"]
    for kind, made in costs.items():
        ratio = statistics.median(a / b for a, b in zip(made, first, strict=True))
        print(f"{kind:16} {1e6 * statistics.median(made):6.0f} us a particle, {ratio:.2f} times")


def _parts(kind: str, windows: Windows, size: int, rng: np.random.Generator) -> list[Tensor]:
    """Windows of each of some batches."""
    if kind == "one system":
        systems = windows.systems.numpy()
        chosen = rng.choice(np.unique(systems), STEPS, replace=False)
        return [
            torch.from_numpy(rng.choice(np.flatnonzero(systems == one), size, replace=False))
            for one in chosen
        ]
    order = torch.from_numpy(rng.permutation(len(windows)))
    if kind == "about one size":
        order = windows.by_size(order, size)
    parts = list(torch.split(order, size))[:-1]
    return [parts[k] for k in rng.choice(len(parts), STEPS, replace=False)]


if __name__ == "__main__":
    main()
