"""From what there is to learn to the presets that `painet train` learns it by."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from painet_cli.config.presets import Preset
from painet_cli.data.batches.offsets import target_offsets
from painet_cli.data.units import same_time
from painet_cli.errors import RequestError
from painet_cli.prediction.adapting.lesson import Lesson
from painet_cli.prediction.checkpoints import Checkpoint

_MOST_STEPS = 8
"""Steps that a network learns at once; further ones are rolled out."""
_NEIGHBOURS = 2.5
"""Length of edges between particles without bonds, in distances to the nearest."""
_KEPT = 300
"""Training windows that a kernel keeps."""
_NEW: dict[str, Any] = {
    "model": {"name": "painet", "layers": 4, "hidden": 64, "heads": 2},
    "train": {
        "epochs": 100_000, "batch_size": 8, "lr": 3e-3, "patience": 100, "eval_every": 1,
        "clip_norm": 1.0, "ema": 0.99,
    },
}  # fmt: skip
_FURTHER = {
    "train.epochs": 100_000, "train.optimizer": "adam", "train.lr": 1e-3, "train.patience": 100,
    "train.eval_every": 1, "train.clip_norm": 1.0, "train.ema": 0.99,
    "data.velocity": "before",  # which is what a prediction knows, whatever it was trained on
}  # fmt: skip


def steps_at_once(lesson: Lesson) -> int:
    """Steps that a network learns; all where they are not evenly spaced."""
    steps = np.arange(1, len(lesson.offsets) + 1)
    even = np.array_equal(lesson.offsets, lesson.offsets[0] * steps)
    return min(len(steps), _MOST_STEPS) if even else len(steps)


def data_section(lesson: Lesson, dataset: str) -> dict[str, Any]:
    """The `data` section of a preset whose windows have the lesson's steps.

    Raises
    ------
    RequestError
        No preset cuts such windows.
    """
    wanted = lesson.offsets[: steps_at_once(lesson)]
    for sampling in ("uniform", "tail"):
        data = {
            "dataset": dataset,
            "horizon": len(wanted),
            "delta_frames": int(wanted[-1]),
            "sampling": sampling,
            "velocity": "before",
            "cutoff": None if lesson.system.particles.bonds else _reach(lesson),
        }
        preset = Preset.model_validate({"data": data, **_NEW})
        if np.array_equal(target_offsets(preset.data), wanted):
            return data
    raise RequestError("no run was trained on it: its steps are not evenly spaced")


def _reach(lesson: Lesson) -> float:
    """Up to how far particles without bonds are joined: some times that to their nearest."""
    x = lesson.known[-1].astype(np.float64)
    nearest = cKDTree(x).query(x, k=2)[0][:, 1]
    return float(f"{_NEIGHBOURS * max(float(np.median(nearest)), 1e-3):.3g}")


def kernel_preset(lesson: Lesson, dataset: str) -> Preset:
    """The kernel on all steps, chosen on the validation windows; raises as `data_section`."""
    return Preset.model_validate(
        {
            "data": data_section(lesson, dataset),
            "model": {"name": "kernel", "form": "rbf", "largest": _KEPT},
            "train": {"epochs": 1, "batch_size": 100, "lr": 1e-3},
        }
    )


def network_preset(
    lesson: Lesson, dataset: str, begin: Checkpoint | None, seconds: float
) -> Preset:
    """A PAINET that goes on from a checkpoint where its steps are the same, else a new one.

    Its learning rate comes down to nothing within so many seconds of training.

    Raises
    ------
    RequestError
        No preset cuts windows with these steps.
    """
    timed = {"train.schedule": {"kind": "timed", "seconds": seconds}}
    if begin is not None and goes_on(lesson, begin):
        start = str(begin.path.resolve())
        return begin.header.preset.changed(
            {"data.dataset": dataset, "train.start_from": start, **_FURTHER, **timed}
        )
    height = ["height"] if lesson.system.up_axis is not None else []
    features = {"frame": "body", "node": ["speed", "type", "position", "velocity", *height]}
    return Preset.model_validate(
        {"data": data_section(lesson, dataset), "features": features, **_NEW}
    ).changed(timed)


def goes_on(lesson: Lesson, begin: Checkpoint) -> bool:
    """Whether a network can be trained further: not a closed form, frames as far apart, steps."""
    header = begin.header
    data, trained_s = header.preset.data, header.units.frame_time_s
    return (
        not header.preset.model.closed_form
        and data.delta_time is None
        and same_time(lesson.frame_time_s, trained_s)
        and target_offsets(data)[-1] <= lesson.offsets[-1]
    )
