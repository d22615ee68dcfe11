"""What the velocity has to do with errors that grow when predictions of one step are fed back.

    OMP_NUM_THREADS=1 python benchmarks/fed_back.py RUN ... --frames 5 --data-dir data

For runs of one step, which is `--frames` frames of the dataset. Two lines a run, means over the
test windows with frames enough before and after them: the mean square of the windows' velocity and
of the one that a start has that is fed back, the mean over the step before; the MSE of one step
from either; and the MSE at each step when predictions are fed back.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from painet_cli.evaluation.opened_run import CPU, open_run
from painet_cli.prediction.rollout import rollout


def main() -> None:
    """Measure run after run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--frames", type=int, required=True, help="of the dataset in a step")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    options = parser.parse_args()
    for run in options.runs:
        own, step, one, other, *fed = measure(run, options.frames, options.steps, options.data_dir)
        print(f"{run}: velocity {own:.4f}, of a step {step:.4f}; one step {one:.4f}, {other:.4f}")
        print(f"  fed back {'  '.join(f'{error:.4f}' for error in fed)}")


@torch.no_grad()
def measure(run: Path, length: int, steps: int, data_dir: Path) -> list[float]:
    """Mean squares of both velocities, both errors of one step, and those of each step fed back."""
    of = open_run(run, data_dir, CPU, "test", 1, None, None)
    segments = [(one.start, one.start + one.length) for one in of.dataset.manifest.segments]
    rows: list[list[float]] = []
    for index, start in enumerate(of.windows.starts.tolist()):
        first, end = next((a, b) for a, b in segments if a <= start < b)
        if start - length < first or start + length * steps >= end:
            continue
        batch = of.windows.batch(torch.tensor([index]))
        around = slice(start - length, start + length * steps + 1, length)
        x = torch.from_numpy(of.dataset.frames[around].copy())
        here = x[1] - batch.positions  # batches are centred
        before = ((x[1] - x[0]) / int(of.trained[-1])).to(batch.velocities)
        made = rollout(of.model, batch, steps, of.trained)
        other = of.model(replace(batch.question(), velocities=before))
        truth = x[2:] - here
        rows.append(
            [
                float(batch.velocities.square().mean()),
                float(before.square().mean()),
                float((made[0] - truth[0]).square().mean()),
                float((other[0] - truth[0]).square().mean()),
                *(made - truth).square().mean(dim=(1, 2)).tolist(),
            ]
        )
    return torch.tensor(rows, dtype=torch.float64).mean(dim=0).tolist()


if __name__ == "__main__":
    main()
