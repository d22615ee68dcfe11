"""MPJPE of models and yardsticks on the test windows, global and root-relative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.benchmark.cells import Result
from painet_cli.benchmark.motion.protocol import PAST, MotionTask
from painet_cli.benchmark.motion.simlpe import train_simlpe
from painet_cli.data.batches.cut import windows_of
from painet_cli.data.batches.offsets import before_of, target_offsets
from painet_cli.data.dataset.manifest import SplitName
from painet_cli.evaluation.metrics import predictions
from painet_cli.models.registry import system_of
from painet_cli.prediction.loading import restore
from painet_cli.training.run_folder import BEST

_BATCH = 64
SIMLPE = "siMLPe-like"
YARDSTICKS = ("zero velocity", "constant velocity", SIMLPE)


@dataclass(frozen=True)
class MotionRow:
    """Mean per joint position error of one predictor, millimetres.

    Attributes
    ----------
    model
        Who predicts.
    dataset
        What.
    windows
        Test windows.
    seeds
        Trainings that the figures are means of.
    global_mm, root_relative_mm
        At each of `TIMES_MS`: of positions in the room, and of positions from the root on.
    times_ms
        Where the errors are read, the dataset's frames nearest to `TIMES_MS`.
    stopped_by
        What ended the training, a seed (`Result.end`); of a yardstick nothing.
    """

    model: str
    dataset: str
    windows: int
    seeds: int
    global_mm: list[float]
    root_relative_mm: list[float]
    times_ms: list[float]
    stopped_by: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Windows:
    past: Tensor  # (S, 1 + PAST, J, 3), the start last
    future: Tensor  # (S, T, J, 3)


def yardstick_rows(task: MotionTask, seeds: int) -> list[MotionRow]:
    """Errors of what needs no model of painet, on the windows that models are tested on."""
    test = _windows(task, "test")
    start, before = test.past[:, -1:], test.past[:, -2:-1]
    ahead = torch.arange(1, task.horizon + 1)[:, None, None]
    guesses = {
        "zero velocity": start.expand_as(test.future),
        "constant velocity": start + ahead * (start - before),
    }
    rows = [_row(name, task, [guess], test.future) for name, guess in guesses.items()]
    train, val = _windows(task, "train"), _windows(task, "val")
    up = "xyz".index(task.dataset.manifest.up_axis or "y")
    learned = []
    for seed in range(1, seeds + 1):
        model = train_simlpe(train.past, train.future, (val.past, val.future), up, seed=seed)
        with torch.no_grad():
            learned.append(model(test.past))
    return [*rows, _row(SIMLPE, task, learned, test.future)]


def model_rows(task: MotionTask, results: Sequence[Result]) -> list[MotionRow]:
    """Errors of trained cells, a row a model."""
    truth = _windows(task, "test").future
    by_model: dict[str, list[Result]] = {}
    for result in results:
        by_model.setdefault(result.cell.model, []).append(result)
    return [
        replace(
            _row(name, task, [truth + _errors(task, result) for result in group], truth),
            stopped_by=[result.end for result in group],
        )
        for name, group in by_model.items()
    ]


def _windows(task: MotionTask, part: SplitName) -> _Windows:
    """Windows of a part, less those that have no ten frames before their start."""
    frames = torch.from_numpy(np.array(task.dataset.frames))
    starts = _starts(task, part)
    behind = torch.from_numpy(starts)[:, None] + torch.arange(-PAST, 1)
    ahead = torch.from_numpy(starts)[:, None] + torch.arange(1, task.horizon + 1)
    return _Windows(frames[behind], frames[ahead])


def _starts(task: MotionTask, part: SplitName) -> NDArray[np.int64]:
    starts = task.dataset.starts(part)
    kept: NDArray[np.int64] = starts[starts - task.dataset.manifest.began_at(starts) >= PAST]
    return kept


def _errors(task: MotionTask, result: Result) -> Tensor:  # (S, T, J, 3)
    """What a cell's best weights predict of the test windows, less what happened.

    Windows far from the origin are handed over at it, so that positions alone say nothing.
    """
    cpu, preset = torch.device("cpu"), result.cell.preset
    model, header = restore(result.cell.folder / BEST, cpu)
    _, graph = system_of(task.dataset.manifest, preset, header.type_names)
    trained = target_offsets(preset.data)
    windows = windows_of(task.dataset, "test", trained, graph, cpu, before_of(preset.data))
    joints = len(task.dataset.manifest.particles.names)
    made = [
        (ahead - batch.known_targets()).reshape(task.horizon, -1, joints, 3).transpose(0, 1)
        for batch, ahead in predictions(model, windows.batches(_BATCH), task.horizon, trained)
    ]
    return torch.cat(made)


def _row(name: str, task: MotionTask, made: Sequence[Tensor], truth: Tensor) -> MotionRow:
    at = torch.tensor(task.steps) - 1

    def mpjpe(values: Tensor, wanted: Tensor) -> NDArray[np.float64]:
        apart = (values[:, at].double() - wanted[:, at].double()).norm(dim=-1)
        error: NDArray[np.float64] = (task.to_mm * apart.mean(dim=(0, 2))).numpy()
        return error

    def from_root(values: Tensor) -> Tensor:
        return values - values[:, :, :1]

    return MotionRow(
        name,
        task.dataset.manifest.name,
        len(truth),
        len(made),
        np.mean([mpjpe(one, truth) for one in made], axis=0).tolist(),
        np.mean([mpjpe(from_root(one), from_root(truth)) for one in made], axis=0).tolist(),
        task.times_ms,
    )
