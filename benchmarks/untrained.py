"""Where training begins: the error of untrained models, and what feeding it back makes of it.

    OMP_NUM_THREADS=1 python benchmarks/untrained.py --preset adk --models egno,gf-node,painet \
        --set data.delta_frames=5 --data-dir data --seeds 3 --steps 3

A line a model and seed: neighbours a particle, then the MSE of one test window at each step in the
dataset's unit. "-" stands where a model refuses to go on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

import painet
from painet_cli.data.batches.offsets import target_offsets
from painet_cli.prediction.rollout import rollout, rollout_offsets
from painet_cli.training.distributed.world import SINGLE
from painet_cli.training.setup.build import build_trainer


def main() -> None:
    """Build each model with each seed and let it predict."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", required=True)
    parser.add_argument("--models", required=True, help="names, with commas")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    options = parser.parse_args()
    for model in options.models.split(","):
        for seed in range(1, options.seeds + 1):
            changes = [*options.set, f"model.name={model}", f"train.seed={seed}"]
            preset = painet.Preset.load(options.preset, changes)
            neighbours, errors = measure(preset, options.data_dir, options.steps)
            print(f"{model:8} seed {seed}  {neighbours:.1f} neighbours  {'  '.join(errors)}")


def measure(preset: painet.Preset, data_dir: Path, steps: int) -> tuple[float, list[str]]:
    """Neighbours a particle, and the error at each step of the first test window."""
    trainer, _ = build_trainer(preset, "untrained", data_dir, torch.device("cpu"), None, SINGLE)
    model = trainer.model.eval()
    trained = target_offsets(preset.data)
    dataset = painet.Dataset.open(data_dir / preset.data.dataset)
    test = painet.windows(dataset, "test", preset.data)
    batch = test.batch(torch.arange(1))
    neighbours = float(batch.graph.in_degree.float().mean())
    start = int(test.starts[0])
    here = torch.from_numpy(dataset.frames[start].copy()) - batch.positions  # batches are centred
    errors: list[str] = []
    for step, offset in enumerate(rollout_offsets(trained, steps), 1):
        truth = torch.from_numpy(dataset.frames[start + offset].copy()) - here
        try:
            predicted = rollout(model, batch, step, trained)[-1]
        except painet.RequestError:  # an ODE that begins at no finite numbers
            return neighbours, [*errors, *["-"] * (steps - len(errors))]
        errors.append(f"{float((predicted - truth).square().mean()):.3g}")
    return neighbours, errors


if __name__ == "__main__":
    main()
