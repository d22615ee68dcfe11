"""Predictions that need no network, to hold every figure against: a model that loses says so.

- *nothing moves*: X(0).
- *straight on*: X(0) + t V(0).
- *mean of the last frames*: the mean of the ten frames up to the start, the start's own included;
  it reads frames that a model may not be given.
- *mean structure*: the mean training start, superposed on the start.
- *nearest window*: what became of the training window whose start and velocity are nearest, as it
  lies in space. Where this one is good, the benchmark rewards memory.
- *nearest window, superposed*: the same in the body's own frame.
- *kernel*: kernel ridge regression in that frame, with a Gaussian kernel, of all training windows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from painet_cli.config.presets import Preset
from painet_cli.config.schema import KernelConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.windows import Windows, before_of, windows_of
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.errors import RequestError
from painet_cli.models.confidence.kept import by_start
from painet_cli.models.kernel.model import fit_kernel
from painet_cli.models.kernel.ridge import squared_distances
from painet_cli.models.kernel.written import (
    Written,
    count_windows,
    gather,
    spread_out,
    write_inputs,
)
from painet_cli.models.layers.body_frame import BodyFrame, Frames
from painet_cli.models.registry import system_of
from painet_cli.prediction.yardsticks import (
    MEAN,
    RECENT,
    STILL,
    STRAIGHT,
    mean_of_last,
    nothing_moves,
    straight_on,
)
from painet_cli.training.augmentation import AllWindows
from painet_cli.training.loss import squared_errors

_MOST_NEAR = 2000  # training windows that the nearest is looked for among
_KERNEL = KernelConfig(form="rbf", largest=400)
_BATCH = 256

Guess = Callable[[Batch], Tensor]


def yardsticks(dataset: Dataset, preset: Preset, windows: Windows) -> dict[str, list[float]]:
    """MSE at each step of every yardstick on some windows, in squared units of length.

    Parameters
    ----------
    dataset, preset
        What the windows are of, and how they are cut.
    windows
        To be predicted; yardsticks that learn do so from the training windows with the same
        targets, and are left out where there are none or the systems differ in their particles.
    """
    on_cpu = Windows(
        dataset,
        windows.starts,
        windows.offsets,
        windows.graph.to(torch.device("cpu")),
        torch.device("cpu"),
        windows.before,
    )
    found = _unlearned(dataset, on_cpu)
    try:
        learned = _learned(dataset, preset, on_cpu)
    except RequestError:
        return found
    return found | {name: _errors(on_cpu, guess) for name, guess in learned.items()}


def reported(steps: Sequence[float], mse: float, f_mse: float) -> float:
    """Of a yardstick's MSE a step, what a model's `mse` is of its own: all steps, or the last."""
    return steps[-1] if mse == f_mse else float(np.mean(steps))


def better(mse: float, means: Mapping[str, float]) -> list[tuple[str, float]]:
    """Yardsticks that a figure loses to, the best first."""
    return sorted(
        ((name, mean) for name, mean in means.items() if mean < mse), key=lambda one: one[1]
    )


def _errors(windows: Windows, guess: Guess) -> list[float]:
    batches = windows.batches(_BATCH)
    squared = [squared_errors(guess(batch), batch).double() for batch in batches]
    return [float(value) for value in torch.cat(squared).mean(dim=0)]


def _unlearned(dataset: Dataset, windows: Windows) -> dict[str, list[float]]:
    """Those of `prediction/yardsticks.py` that no other frames are needed for."""
    offsets = windows.offsets
    first = np.array([segment.start for segment in dataset.manifest.segments])
    began = first[np.searchsorted(first, windows.starts, side="right") - 1]
    total = {name: np.zeros(len(offsets)) for name in (STILL, STRAIGHT, RECENT)}
    done = 0
    for batch in windows.batches(_BATCH):
        count = batch.graph.num_systems
        part, done = slice(done, done + count), done + count
        x, v = (one.view(count, -1, 3).numpy() for one in (batch.positions, batch.velocities))
        truth = by_start(batch.known_targets(), batch)
        starts = windows.starts[part]
        # systems far from the origin are moved there in a batch
        last = mean_of_last(dataset.frames, starts, began[part]) - dataset.frames[starts] + x
        guesses = {
            STILL: nothing_moves(x, len(offsets)),
            STRAIGHT: straight_on(x, v, offsets),
            RECENT: nothing_moves(last, len(offsets)),
        }
        for name, guess in guesses.items():
            total[name] += np.square(guess - truth).sum(axis=0, dtype=np.float64).mean(axis=(1, 2))
    return {name: (sums / len(windows.starts)).tolist() for name, sums in total.items()}


def _learned(dataset: Dataset, preset: Preset, windows: Windows) -> dict[str, Guess]:
    """Yardsticks that have seen the training windows."""
    system, graph = system_of(dataset.manifest, preset)
    cpu, before = torch.device("cpu"), before_of(preset.data)
    train, val = (
        AllWindows(windows_of(dataset, part, windows.offsets, graph, cpu, before), _BATCH)
        for part in ("train", "val")
    )
    places = spread_out(count_windows(train), _MOST_NEAR)
    spatial, own = BodyFrame(None), BodyFrame(system.up, system.names)
    spatial.fit(train)
    own.fit(train)
    if not len(own.reference):
        raise RequestError("systems of several kinds")
    kernel = fit_kernel(train, val, system, _KERNEL)
    in_space, in_frame = (gather(train, frame, 0, places) for frame in (_Room(), own))
    return {
        MEAN: lambda batch: _mean_structure(batch, spatial),
        "nearest window": lambda batch: _nearest(batch, _Room(), in_space),
        "nearest window, superposed": lambda batch: _nearest(batch, own, in_frame),
        "kernel": torch.no_grad()(kernel),
    }


class _Room(BodyFrame):
    """The frame of the room, in which a system lies where it lies."""

    def __init__(self) -> None:
        super().__init__(None)

    def forward(self, batch: Batch) -> Frames:
        """Origin and axes of the coordinates themselves."""
        count = batch.graph.num_systems
        axes = torch.eye(3, dtype=torch.float64).expand(count, 3, 3)
        return Frames(torch.zeros(count, 3, dtype=torch.float64), axes, batch.graph)


def _mean_structure(batch: Batch, frame: BodyFrame) -> Tensor:
    frames = frame(batch)
    count = batch.graph.num_systems
    placed = frames.back(frame.reference.repeat(count, 1))
    centres = frames.origin.index_select(0, batch.graph.system)
    made: Tensor = (placed + centres).to(batch.positions)
    return made.expand_as(batch.known_targets())


def _nearest(batch: Batch, frame: BodyFrame, seen: Written) -> Tensor:
    """What became of the training window whose start and velocity are nearest in a frame."""
    frames = frame(batch)
    here = write_inputs(batch, frames, 0)
    scale = seen.inputs.sub(seen.inputs.mean(dim=0)).square().mean(dim=(0, 2, 3), keepdim=True)
    scale = torch.where(scale > 0, scale, 1.0).sqrt()
    apart = squared_distances((here / scale).flatten(1), (seen.inputs / scale).flatten(1))
    nearest = apart.argmin(dim=1)
    moved = (seen.inputs[nearest, None, 0] + seen.targets[nearest]).transpose(0, 1).flatten(1, 2)
    origin = frames.origin.index_select(0, batch.graph.system)
    made: Tensor = frames.back(moved) + origin
    return made.to(batch.positions)
