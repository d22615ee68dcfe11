"""What our Muon is worth beside torch's, and beside Adam.

Processor time of a training step on one thread, forward, backward and optimiser; the optimisers
take turns on one batch. torch takes Muon's products in bfloat16, which a processor may have to
emulate: that of two matrices of 128 x 128 is timed in it and in float32, too.

    OMP_NUM_THREADS=1 python benchmarks/muon.py --data-dir DIR
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from painet_cli.config.presets import load_preset
from painet_cli.training.device import resolve_device
from painet_cli.training.distributed.world import SINGLE
from painet_cli.training.setup.build import build_trainer

OURS = "painet_cli.training.steps.optimizers.Muon"


def torchs(parameters: Iterable[Tensor], **settings: Any) -> torch.optim.Muon:
    """Torch's Muon, with steps as long as AdamW's."""
    return torch.optim.Muon(parameters, adjust_lr_fn="match_rms_adamw", **settings)


def main() -> None:
    """Print a line an optimiser, and a line a product."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--preset", default="mocap-walk-s2s-muon")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--turns", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    steps = {"adam": _step(options.preset, options.data_dir, "adam")}
    steps["muon"] = _step(options.preset, options.data_dir, "muon")
    with patch(OURS, torchs):
        steps["torch's muon"] = _step(options.preset, options.data_dir, "muon")
    for name, seconds in _in_turns(steps, options.turns).items():
        print(f"{name:14} {seconds:8.3f} s a step")
    products = {}
    for kind in (torch.float32, torch.bfloat16):
        products[str(kind)] = _products(torch.randn(128, 128).to(kind))
    for name, seconds in _in_turns(products, options.turns).items():
        print(f"{name:14} {1e4 * seconds:8.2f} us a product")


def _step(preset: str, data_dir: Path, optimizer: str) -> Callable[[], object]:
    """A training step, at a rate at which every optimiser stays whole."""
    made = load_preset(preset).changed({"train.optimizer": optimizer, "train.lr": 1e-4})
    trainer, _ = build_trainer(made, "muon", data_dir, resolve_device("cpu"), None, SINGLE)
    _, share = next(trainer.shares())
    return lambda: trainer.step(share)


def _products(matrix: Tensor) -> Callable[[], object]:
    """A hundred products of a matrix with itself."""
    return lambda: [torch.mm(matrix, matrix) for _ in range(100)]


def _in_turns(work: dict[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Median processor seconds of each."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(turns + 1):
        for name, do in work.items():
            begun = time.process_time()
            do()
            if turn:  # the first warms up
                spent[name].append(time.process_time() - begun)
    return {name: statistics.median(made) for name, made in spent.items()}


if __name__ == "__main__":
    main()
