"""The benchmark's data: about 25 frames a second, ten past frames, a second ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import Segment
from painet_cli.data.dataset.splits import block_split
from painet_cli.errors import RequestError, option

TIMES_MS = (80, 160, 320, 400, 560, 1000)
"""Times ahead that papers on human motion print."""
PAST = 10
"""Frames before the start that models are given."""
_RATE = 25.0


@dataclass(frozen=True, eq=False)
class MotionTask:
    """A dataset at the benchmark's rate, and the steps at which errors are read.

    Attributes
    ----------
    dataset
        Every so many frames of the recorded one, split into separate stretches.
    steps
        Steps ahead nearest to `TIMES_MS`; the last is the horizon.
    to_mm
        Millimetres in the dataset's unit of length.
    """

    dataset: Dataset
    steps: tuple[int, ...]
    to_mm: float

    @property
    def horizon(self) -> int:
        """Frames that are predicted."""
        return self.steps[-1]

    @property
    def times_ms(self) -> list[float]:
        """Milliseconds to each of `steps`."""
        frame_ms = 1e3 * self.dataset.manifest.units.frame_time_s
        return [step * frame_ms for step in self.steps]


def task_settings(source: Dataset) -> dict[str, Any]:
    """What makes a preset one of the task on some motion capture, by dotted key.

    Raises
    ------
    RequestError
        As for `motion_task`, less what its takes are too short for.
    """
    thinned = _thinning(source)
    return {
        "data.dataset": thinned.name,
        "data.horizon": thinned.steps[-1],
        "data.delta_frames": thinned.steps[-1],
        "data.delta_time": None,
        "data.sampling": "uniform",
        "data.history": PAST,
        "data.history_known": None,
        "data.velocity": "before",
    }


def check_settings(given: Mapping[str, Any], source: Dataset) -> None:
    """Refuse settings that make it another task, whose windows are not those of the yardsticks.

    Parameters
    ----------
    given
        By dotted key.

    Raises
    ------
    RequestError
        There is one.
    """
    own = task_settings(source)
    for key in (key for key, value in given.items() if own.get(key, value) != value):
        raise RequestError(
            f"{option('settings', f'{key}={given[key]}')}: the task has {key}={own[key]}",
            f"leave it out; the task sets {', '.join(own)}",
        )


class _Thinning(NamedTuple):
    """How a recording comes to the benchmark's rate."""

    name: str
    stride: int
    steps: tuple[int, ...]
    to_mm: float


def _thinning(source: Dataset) -> _Thinning:
    manifest = source.manifest
    if manifest.up_axis is None or manifest.systems or manifest.units.length_in_metres is None:
        raise RequestError(
            f"{source.folder}: no motion capture with a height and a unit of length",
            "`painet prepare mocap --subject 35`, or `painet prepare motion FILE... --name NAME`",
        )
    stride = max(1, round(1 / (_RATE * manifest.units.frame_time_s)))
    frame_time_s = stride * manifest.units.frame_time_s
    steps = tuple(max(1, round(time / 1e3 / frame_time_s)) for time in TIMES_MS)
    name = f"{manifest.name}-{1 / frame_time_s:.0f}fps"
    return _Thinning(name, stride, steps, 1e3 * manifest.units.length_in_metres)


def motion_task(source: Dataset, data_dir: Path) -> MotionTask:
    """Write a dataset of motion capture at the benchmark's rate.

    One that is there may be of other takes by the same name: it is replaced.

    Parameters
    ----------
    source
        Any prepared motion capture.
    data_dir
        Where the thinned dataset goes.

    Raises
    ------
    RequestError
        It is no motion capture, its unit of length has no size in metres, or its takes are too
        short.
    """
    name, stride, steps, to_mm = _thinning(source)
    return MotionTask(_write_thinned(source, data_dir / name, stride, steps[-1]), steps, to_mm)


def _write_thinned(source: Dataset, folder: Path, stride: int, horizon: int) -> Dataset:
    manifest = source.manifest
    kept: list[NDArray[np.int64]] = []
    segments: list[Segment] = []
    for segment in manifest.segments:
        frames = np.arange(segment.start, segment.stop, stride)
        first = sum(one.length for one in segments)
        segments.append(segment.model_copy(update={"start": first, "length": len(frames)}))
        kept.append(frames)
    units = manifest.units.model_copy(update={"frame_time_s": stride * manifest.units.frame_time_s})
    thinned = manifest.model_copy(
        update={
            "name": folder.name,
            "units": units,
            "velocity": "before",
            "segments": tuple(segments),
            "split": block_split(segments, horizon, None, seed=1),
        }
    )
    frames_kept = np.asarray(source.frames[np.concatenate(kept)])
    folder.parent.mkdir(parents=True, exist_ok=True)
    return write_dataset(folder, frames_kept, thinned, force=True)
