"""The benchmark's data: about 25 frames a second, ten past frames, a second ahead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import Segment
from painet_cli.data.dataset.splits import block_split
from painet_cli.errors import RequestError

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

    def settings(self) -> list[str]:
        """What makes a preset one of this task."""
        return [
            f"data.dataset={self.dataset.manifest.name}",
            f"data.horizon={self.horizon}",
            f"data.delta_frames={self.horizon}",
            "data.sampling=uniform",
            f"data.history={PAST}",
            "data.velocity=before",
        ]


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
    manifest = source.manifest
    if manifest.up_axis is None or manifest.systems or manifest.units.length_in_metres is None:
        raise RequestError(
            f"{source.folder}: no motion capture with a height and a unit of length",
            "`painet prepare mocap --subject 35`, or `painet prepare motion FILE... --name NAME`",
        )
    stride = max(1, round(1 / (_RATE * manifest.units.frame_time_s)))
    frame_time_s = stride * manifest.units.frame_time_s
    name = f"{manifest.name}-{1 / frame_time_s:.0f}fps"
    steps = tuple(max(1, round(time / 1e3 / frame_time_s)) for time in TIMES_MS)
    dataset = _write_thinned(source, data_dir / name, stride, steps[-1])
    return MotionTask(dataset, steps, 1e3 * manifest.units.length_in_metres)


def _write_thinned(source: Dataset, folder: Path, stride: int, horizon: int) -> Dataset:
    manifest = source.manifest
    kept: list[NDArray[np.int64]] = []
    segments: list[Segment] = []
    for segment in manifest.segments:
        frames = np.arange(segment.start, segment.start + segment.length, stride)
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
