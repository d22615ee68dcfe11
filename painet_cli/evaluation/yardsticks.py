"""Predictions that need no network, to hold every figure against: a model that loses says so.

- *nothing moves*: X(0).
- *straight on*: X(0) + t V(0).
- *mean of the last frames*: the mean of the ten frames up to the start, the start's own included;
  it reads frames that a model may not be given.
- *mean structure*: the mean training start, superposed on the start.
- *mean structure, as it lies*: the same in the axes that all frames of a superposed dataset share.
- *nearest window*: what became of the training window whose start and velocity are nearest, as it
  lies in space. Where this one is good, the benchmark rewards memory. Of a training window it is
  another one, that shares no frame with it.
- *nearest window, superposed*: the same in the body's own frame.
- *Gaussian kernel*: the model `kernel` with a Gaussian kernel alone, of displacements and of 400
  training windows that are kept; the model as it stands adds a linear kernel, may predict places
  and keeps 3,000. Both read the body's frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.config.models import KernelConfig
from painet_cli.config.presets import Preset
from painet_cli.config.schema import Loss
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.cut import windows_of
from painet_cli.data.batches.windows import Windows, spread_out
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import SplitName
from painet_cli.data.particles.superpose import stretches
from painet_cli.errors import RequestError
from painet_cli.models.kernel.fit import fit_kernel
from painet_cli.models.kernel.written import count_windows
from painet_cli.models.layers.body_frame import BodyFrame
from painet_cli.models.registry import system_of
from painet_cli.prediction.yardsticks import (
    MEAN,
    MEAN_AS_IT_LIES,
    NEAREST,
    NEAREST_SUPERPOSED,
    RECENT,
    STILL,
    STRAIGHT,
    NearestWindow,
    Room,
    mean_of_last,
    nothing_moves,
    straight_on,
)
from painet_cli.training.augmentation import AllWindows
from painet_cli.training.loss import squared_errors

GAUSSIAN_KERNEL = "Gaussian kernel"
_MOST_NEAR = 2000  # training windows that the nearest is looked for among
_KERNEL = KernelConfig(form="rbf", about="start", largest=400)
_BATCH = 256
_LEARNED_FROM: tuple[SplitName, SplitName] = ("train", "val")
_FRAME_OF_VELOCITY = 1
"""Frames of a window beside its start and its targets: the one before, for the velocity."""

Guess = Callable[[Batch, Tensor], Tensor]
"""From a batch and the numbers (B,) of its windows to (T, M, 3) positions."""


@dataclass(frozen=True, eq=False)
class Guesses:
    """Predictions that need no network.

    Attributes
    ----------
    windows
        What they predict, on the CPU.
    by_name
        A function each.
    """

    windows: Windows
    by_name: dict[str, Guess]

    def errors(self, *losses: Loss) -> list[dict[str, list[float]]]:
        """MSE at each step of every yardstick, for each of the losses."""
        found: list[dict[str, list[float]]] = [{} for _ in losses]
        for name, guess in self.by_name.items():
            squared: list[list[Tensor]] = [[] for _ in losses]
            for batch, positions in self._made(guess, torch.arange(len(self.windows))):
                for own, loss in zip(squared, losses, strict=True):
                    own.append(squared_errors(positions, batch, loss).double())
            for own, into in zip(squared, found, strict=True):
                into[name] = [float(value) for value in torch.cat(own).mean(dim=0)]
        return found

    def positions(self, order: Tensor) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Names, and (S, T, N, 3) positions in the windows `order` (S,); of one system alone."""
        for name, guess in self.by_name.items():
            parts = [
                made.view(len(made), batch.graph.num_systems, -1, 3).transpose(0, 1).numpy()
                for batch, made in self._made(guess, order)
            ]
            yield name, np.concatenate(parts)

    def _made(self, guess: Guess, order: Tensor) -> Iterator[tuple[Batch, Tensor]]:
        for numbers in torch.split(order, _BATCH):
            batch = self.windows.batch(numbers)
            yield batch, guess(batch, numbers)


def yardsticks(dataset: Dataset, preset: Preset, windows: Windows) -> dict[str, list[float]]:
    """MSE at each step of every yardstick on some windows, in squared units of length."""
    (found,) = guesses(dataset, preset, windows).errors("raw")
    return found


def guesses(
    dataset: Dataset, preset: Preset, windows: Windows, part: SplitName = "test"
) -> Guesses:
    """Make the yardsticks for some windows.

    Parameters
    ----------
    dataset, preset
        What the windows are of, and how they are cut.
    windows
        To be predicted; yardsticks that learn do so from the training windows with the same
        targets, and are left out where there are none or the systems differ in their particles.
    part
        Of the split, that the windows are. Those of `train` are predicted from training windows
        that share no frame with them; the nearest windows are left out where one has none such.
    """
    on_cpu = Windows(
        dataset,
        windows.starts,
        windows.offsets,
        windows.graph.to(torch.device("cpu")),
        torch.device("cpu"),
        windows.before,
    )
    steps, offsets = len(windows.offsets), windows.offsets
    found: dict[str, Guess] = {
        STILL: lambda batch, _: _flat(nothing_moves(_apart(batch.positions, batch), steps)),
        STRAIGHT: lambda batch, _: _flat(
            straight_on(_apart(batch.positions, batch), _apart(batch.velocities, batch), offsets)
        ),
        RECENT: lambda batch, numbers: _flat(
            nothing_moves(_last_frames(batch, on_cpu, numbers), steps)
        ),
    }
    try:
        learned = _learned(dataset, preset, on_cpu, part)
    except RequestError:
        return Guesses(on_cpu, found)
    return Guesses(on_cpu, found | learned)


def reported(steps: Sequence[float], mse: float, f_mse: float) -> float:
    """Of a yardstick's MSE a step, what a model's `mse` is of its own: all steps, or the last."""
    return steps[-1] if mse == f_mse else float(np.mean(steps))


def better(mse: float, means: Mapping[str, float]) -> list[tuple[str, float]]:
    """Yardsticks that a figure loses to, the best first."""
    return sorted(
        ((name, mean) for name, mean in means.items() if mean < mse), key=lambda one: one[1]
    )


def on_training(preset: str, names: Iterable[str]) -> str:
    """What yardsticks are on the windows that they learned from; empty where none has learned."""
    found = set(names)
    if MEAN not in found:
        return ""
    nearest = (
        "is another that shares no frame with it"
        if NEAREST in found
        else "is left out: of some, every other shares a frame with it"
    )
    return (
        f"{preset}: the model, the mean structure and the kernel were fitted to these training "
        f"windows; the nearest window {nearest}."
    )


def _apart(values: Tensor, batch: Batch) -> NDArray[np.float32]:
    """(B, N, 3) of (M, 3) values of equal systems."""
    return values.view(batch.graph.num_systems, -1, 3).numpy()


def _flat(made: NDArray[np.floating]) -> Tensor:
    """(T, M, 3) of (B, T, N, 3)."""
    by_step = made.swapaxes(0, 1).astype(np.float32)  # a copy: what stands still is a view
    return torch.from_numpy(by_step).flatten(1, 2)


def _last_frames(batch: Batch, windows: Windows, numbers: Tensor) -> NDArray[np.floating]:
    """(B, N, 3) means of the last frames, of as many as the start's segment has."""
    dataset, starts = windows.dataset, windows.starts[numbers.numpy()]
    means = mean_of_last(dataset.frames, starts, dataset.manifest.began_at(starts))
    return _in_batch(means, batch, windows, numbers)


def _in_batch(
    structures: NDArray[np.floating],  # (N, 3) or (B, N, 3)
    batch: Batch,
    windows: Windows,
    numbers: Tensor,
) -> NDArray[np.floating]:  # (B, N, 3)
    """Positions of the dataset in a batch's coordinates: one far from the origin is moved there."""
    starts = windows.dataset.frames[windows.starts[numbers.numpy()]]
    return np.asarray(_apart(batch.positions, batch) + (structures - starts))


def _learned(
    dataset: Dataset, preset: Preset, windows: Windows, part: SplitName
) -> dict[str, Guess]:
    """Yardsticks that have seen the training windows."""
    system, _ = system_of(dataset.manifest, preset)
    # in the windows' own graph: a model of other data may count types otherwise
    offsets, graph, before = windows.offsets, windows.graph, windows.before
    train, val = (
        AllWindows(windows_of(dataset, one, offsets, graph, windows.device, before), _BATCH)
        for one in _LEARNED_FROM
    )
    places = spread_out(count_windows(train), _MOST_NEAR)
    spatial, own = BodyFrame(None), BodyFrame(system.up, system.names)
    spatial.fit(train)
    own.fit(train)
    if not len(own.reference):
        raise RequestError("systems of several kinds")
    kernel = fit_kernel(train, val, system, _KERNEL)
    found: dict[str, Guess] = {MEAN: lambda batch, _: _mean_structure(batch, spatial)}
    if "superposed" in dataset.manifest.treatment:
        mean = _mean_start(train.windows)
        found[MEAN_AS_IT_LIES] = lambda batch, numbers: _flat(
            nothing_moves(_in_batch(mean, batch, windows, numbers), len(offsets))
        )
    known = torch.from_numpy(train.windows.starts)[places]
    starts, reach = torch.from_numpy(windows.starts), int(offsets[-1]) + _FRAME_OF_VELOCITY

    def shared(numbers: Tensor) -> Tensor | None:
        """(B, S) whether windows share a frame with known ones, of those trained on."""
        mine = starts[numbers, None]
        return (mine - known).abs() <= reach if part == "train" else None

    apart = (starts - known.min() > reach) | (known.max() - starts > reach)
    if part != "train" or apart.all():
        in_space, in_frame = (NearestWindow(train, frame, places) for frame in (Room(), own))
        found[NEAREST] = lambda batch, numbers: in_space(batch, shared(numbers))
        found[NEAREST_SUPERPOSED] = lambda batch, numbers: in_frame(batch, shared(numbers))
    found[GAUSSIAN_KERNEL] = torch.no_grad()(lambda batch, _: kernel(batch))
    return found


def _mean_start(windows: Windows) -> NDArray[np.float64]:
    """(N, 3) mean of the windows' starts, as they lie in the dataset."""
    frames, starts = windows.dataset.frames, windows.starts
    total = np.zeros(frames.shape[1:])
    for some in stretches(len(starts), frames.shape[1]):
        total += frames[starts[some]].sum(axis=0, dtype=np.float64)
    return total / len(starts)


def _mean_structure(batch: Batch, frame: BodyFrame) -> Tensor:
    frames = frame(batch)
    count = batch.graph.num_systems
    placed = frames.back(frame.reference.repeat(count, 1))
    centres = frames.origin.index_select(0, batch.graph.system)
    made: Tensor = (placed + centres).to(batch.positions)
    return made.expand_as(batch.known_targets())
