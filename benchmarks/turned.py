"""Whether a model knows a motion or a recording: its error on test windows, and on them turned.

    OMP_NUM_THREADS=1 python benchmarks/turned.py --data-dir data RUN [RUN ...]

Each test window, positions, velocities and targets, is turned about its centroid by a rotation of
its own, drawn evenly. For a system without an up axis nothing changes but where in space it lies:
what a model loses was knowledge of this recording.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

import painet

_SEED = 1


def main() -> None:
    """A line a run: model, split, MSE as it lies and turned."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    options = parser.parse_args()
    for run in options.runs:
        plain, turned = errors(run, options.data_dir)
        print(f"{run}: {plain:.4g} as it lies, {turned:.4g} turned", flush=True)


def errors(run: Path, data_dir: Path) -> tuple[float, float]:
    """MSE of the test windows of a run's dataset, as they lie and turned."""
    loaded = painet.load(run)
    data = loaded.header.preset.data
    dataset = painet.Dataset.open(data_dir / data.dataset)
    test = painet.windows(dataset, "test", data)
    batch = test.batch(torch.arange(len(test)))
    drawn = Rotation.random(len(test), random_state=_SEED).as_matrix()
    rotations = torch.as_tensor(drawn, dtype=batch.positions.dtype)

    def turn(rows: Tensor) -> Tensor:  # (..., M, 3)
        apart = rows.unflatten(-2, (len(test), -1))
        return torch.einsum("bij,...bnj->...bni", rotations, apart).flatten(-3, -2)

    past = None if batch.past is None else turn(batch.past)
    elsewhere = batch.at(turn(batch.positions), turn(batch.velocities), past)
    with torch.no_grad():
        plain = (loaded.model(batch) - batch.targets).square().mean()
        turned = (loaded.model(elsewhere) - turn(batch.targets)).square().mean()
    return float(plain), float(turned)


if __name__ == "__main__":
    main()
