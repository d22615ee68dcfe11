"""Radii of models of several systems, or of any time between frames: by type, time and speed.

No particle of one system is the same as one of another, so that each type has a scale; and what a
model knows after 1 fs it does not know after 50, so that each of a few times has radii of its own,
between which their logarithms go straight in that of the time. A hot molecule, or a loose protein,
is predicted worse than a cold or a tight one: radii are in proportion to the root mean square speed
of a system at its start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.by_system import mean_by_system
from painet_cli.data.batches.windows import Windows
from painet_cli.models.base import DynamicsModel
from painet_cli.models.confidence.radii import Radii, by_speed, quantile_of, shrunken

NAMES = ("times", "pooled", "quantile", "types", "speeds")
_TIMES = 6


def measure_times(
    model: DynamicsModel, val: Windows, some: Callable[[Windows], Iterable[Batch]]
) -> dict[str, Tensor]:
    """Radii at some times between the frames of windows that were not trained on.

    Parameters
    ----------
    some
        Some of the windows of each time, spread over all.

    Returns
    -------
    dict
        `times` (K,) seconds, `pooled` and `quantile` (K, T), `types` (K, T, E) scales of the types,
        `speeds` (K,) what is the usual one.
    """
    systems = torch.from_numpy(np.unique(val.systems.numpy()))
    known = 1 + int(val.graph.types.max())
    counts = np.bincount(val.graph.select(systems).types.cpu().numpy(), minlength=known)
    rows = []
    for time_s, windows in _at_times(val):
        errors, types, speeds = _errors(model, some(windows))
        usual = np.sqrt(np.square(speeds).mean()) if (speeds > 0).any() else 1.0
        share = by_speed(speeds, usual)
        squared = np.square(errors / share)
        mean = squared.mean(axis=1, keepdims=True)  # (T, 1)
        own = np.stack(
            [squared[:, types == one].mean(axis=1) if (types == one).any() else mean[:, 0]
             for one in range(known)],
            axis=1,
        )  # fmt: skip
        apart = len(windows) / windows.usual_frames / len(systems)  # windows that share no frame
        scale = shrunken(own, mean, counts.astype(np.float64) * max(1.0, apart))
        pooled, quantile = (
            np.array([quantile_of(step) for step in scores])
            for scores in (errors, errors / share / scale[:, types])
        )
        rows.append((np.float64(time_s), pooled, quantile, scale, np.float64(usual)))
    columns = zip(*rows, strict=True)
    return {
        f"radii/{name}": torch.from_numpy(np.stack(column))
        for name, column in zip(NAMES, columns, strict=True)
    }


def radii_at(
    kept: Mapping[str, NDArray[np.float64]],  # those of `NAMES`
    types: NDArray[np.int64],
    frame_time_s: float | None,
) -> Radii | None:
    """Radii for particles of these types, frames so many seconds apart.

    None where the time is not known, and there are radii of several.

    Raises
    ------
    ValueError
        They do not go together.
    """
    times, pooled, quantile, by_type, speeds = (kept[name] for name in NAMES)
    count, steps = pooled.shape if pooled.ndim == 2 else (0, 0)
    together = (
        count > 0
        and times.shape == speeds.shape == (count,)
        and (times > 0).all()
        and (np.diff(times) > 0).all()
        and quantile.shape == (count, steps)
        and by_type.shape[:2] == (count, steps)
        and by_type.ndim == 3
    )
    if not together:
        raise ValueError("its radii are of different times or steps")
    if types.max() >= by_type.shape[2]:
        raise ValueError("its radii know fewer types")
    if count > 1 and frame_time_s is None:
        return None
    at = np.log(frame_time_s or times[0])

    def between(values: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = np.log(np.maximum(values.reshape(count, -1), np.finfo(np.float64).tiny))
        made = [np.interp(at, np.log(times), column) for column in flat.T]
        found: NDArray[np.float64] = np.exp(np.array(made)).reshape(values.shape[1:])
        return found

    scale = between(by_type)[:, types]
    return Radii(between(pooled), between(quantile), scale, float(between(speeds)))


def _at_times(val: Windows) -> list[tuple[float, Windows]]:
    """Windows whose frames are about so many seconds apart, the times evenly in their logarithm."""
    if not val.drawn:
        return [(val.usual_time_s, val)]
    shortest, longest = val.times_s
    found = {}
    for time_s in np.geomspace(shortest, longest, _TIMES):
        windows = val.apart(float(time_s))
        if len(windows):
            found[windows.usual_time_s] = windows
    return sorted(found.items())


def rms_speeds(batch: Batch) -> NDArray[np.float64]:
    """(B,) root mean square speeds of systems at their start, unit of length a frame."""
    squared = batch.velocities.double().square().sum(dim=-1, keepdim=True)
    speeds: NDArray[np.float64] = mean_by_system(squared, batch.graph)[:, 0].sqrt().cpu().numpy()
    return speeds


def _errors(
    model: DynamicsModel, batches: Iterable[Batch]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """(T, P) distances of particles from where they came to lie, (P,) types, (P,) speeds."""
    errors, types, speeds = [], [], []
    for batch in batches:
        errors.append(
            (model(batch.question()) - batch.known_targets()).norm(dim=-1).double().cpu().numpy()
        )
        types.append(batch.graph.types.cpu().numpy())
        speeds.append(rms_speeds(batch)[batch.graph.system.cpu().numpy()])
    return np.concatenate(errors, axis=1), np.concatenate(types), np.concatenate(speeds)
