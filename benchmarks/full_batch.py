"""How far a radial field can be brought: L-BFGS on all training windows at once, from a good start.

    OMP_NUM_THREADS=1 python benchmarks/full_batch.py --preset mocap-run-s2s --data-dir data \
        --set model.hidden=64 --iterations 550

The first layer's drift begins at the scalar that the straight line is best with, and forces at the
size of PyTorch's own first weights, where the published start has hardly any. Every 50 iterations:
processor seconds, and MSE on training, validation and test windows.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import painet
from painet_cli.training.distributed.world import SINGLE
from painet_cli.training.setup.build import build_trainer

_ROUND = 50


def main() -> None:
    """Fit, and say after every round how far it is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", required=True)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--iterations", type=int, default=500)
    parser.add_argument("--published-start", action="store_true", help="leave the weights alone")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    options = parser.parse_args()
    preset = painet.Preset.load(options.preset, [*options.set, "model.name=rf"])
    trainer, _ = build_trainer(preset, "rf", options.data_dir, torch.device("cpu"), None, SINGLE)
    model = trainer.model
    dataset = painet.Dataset.open(options.data_dir / preset.data.dataset)
    batches = []
    for part in ("train", "val", "test"):
        windows = painet.windows(dataset, part, preset.data)
        batches.append(windows.batch(torch.arange(len(windows))))
    known = batches[0]
    way = known.targets[0] - known.positions
    if not options.published_start:
        start_well(model, float((known.velocities * way).sum() / known.velocities.square().sum()))
    started = time.process_time()
    for done in range(_ROUND, options.iterations + 1, _ROUND):
        optimizer = torch.optim.LBFGS(
            model.parameters(), max_iter=_ROUND, history_size=_ROUND, line_search_fn="strong_wolfe"
        )

        def loss(optimizer: torch.optim.Optimizer = optimizer) -> Tensor:
            optimizer.zero_grad()
            error = (model(known) - known.targets).square().mean()
            error.backward()
            return error

        optimizer.step(loss)  # type: ignore[arg-type]  # LBFGS wants a tensor
        with torch.no_grad():
            errors = [float((model(b) - b.targets).square().mean()) for b in batches]
        seconds = time.process_time() - started
        print(done, f"{seconds:.0f} s", *(f"{error:.4g}" for error in errors), flush=True)


def start_well(model: Any, scalar: float) -> None:
    """Let the first layer move straight on by so many frames, and let forces act."""
    layers: list[Any] = list(model.core.layers)
    nn.init.constant_(layers[0].drift[-1].bias, scalar)
    for layer in layers:
        nn.init.xavier_uniform_(layer.force[-1].weight)


if __name__ == "__main__":
    main()
