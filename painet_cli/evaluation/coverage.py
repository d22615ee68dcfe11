"""Whether error bars hold: a checkpoint's own, else those of validation windows, on other ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.windows import Windows, spread_out
from painet_cli.errors import RequestError
from painet_cli.evaluation.metrics import predictions
from painet_cli.evaluation.sampled import Sampled
from painet_cli.models.base import DynamicsModel
from painet_cli.models.confidence.kept import radii_of, spreads_of
from painet_cli.models.confidence.radii import Radii, coverage, distances, fit_radii
from painet_cli.models.confidence.times import rms_speeds

MOST_WINDOWS = 1000
"""Windows that radii are taken from, and as many that they are tried on."""


@dataclass(frozen=True)
class Coverage:
    """Radii that are to hold 90 % of the particles, and what they hold of some windows.

    Attributes
    ----------
    radius_90
        The radius for all particles at each step, unit of length.
    coverage
        Share of the particles of the windows within their own radius, at each step.
    taken_from, tried_on
        Validation windows, and others; None where the radii are the checkpoint's.
    source
        Where the radii come from.
    spread
        Whether the model's own standard deviation at each start scales them.
    """

    radius_90: list[float]
    coverage: list[float]
    taken_from: int | None
    tried_on: int
    source: Literal["checkpoint", "validation windows"] = "validation windows"
    spread: bool = False

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def measure_coverage(validation: Sampled, other: Sampled) -> Coverage:
    """Take radii by step and particle from validation windows, and try them on other ones.

    Validation windows chose the epoch, and nothing else was learned from them.
    """
    errors = distances(validation.predicted, validation.truth)
    radii = fit_radii(errors, None, len(errors))
    held = coverage(other.predicted, other.truth, radii.of(None, len(other.numbers)))
    taken_from, tried_on = len(validation.numbers), len(other.numbers)
    return Coverage(radii.pooled.tolist(), held.tolist(), taken_from, tried_on)


@torch.no_grad()
def coverage_by_type(
    tensors: Mapping[str, Tensor],
    model: DynamicsModel,
    windows: Windows,
    batch_size: int,
    trained: NDArray[np.int64],
) -> Coverage | None:
    """Try the radii that a checkpoint of several systems, or of any time, keeps.

    Parameters
    ----------
    trained
        Frames from a start to each of the T targets the model was trained on.

    Returns
    -------
    Coverage | None
        None where it keeps none, or none of so many steps.

    Raises
    ------
    RequestError
        They do not go together.
    """
    steps, numbers = len(windows.offsets), spread_out(len(windows), MOST_WINDOWS)

    @cache
    def radii_for(types: tuple[int, ...], time_s: float | None) -> Radii | None:
        radii = _kept(tensors, np.array(types), time_s)
        if radii is None or radii.by_spread or len(radii.pooled) < steps:
            return None
        return radii.first(steps)

    within, particles, pooled = np.zeros(steps), 0, []
    batches = windows.batches(batch_size, numbers)
    for batch, predicted in predictions(model, batches, steps, trained):
        off = (predicted - batch.known_targets()).norm(dim=-1).double().cpu().numpy()
        speeds = rms_speeds(batch)
        system, types = (one.cpu().numpy() for one in (batch.graph.system, batch.graph.types))
        for number in range(batch.graph.num_systems):
            time_s = None if batch.frame_time_s is None else float(batch.frame_time_s[number])
            own = system == number
            radii = radii_for(tuple(types[own].tolist()), time_s)
            if radii is None:
                return None
            radius = radii.of(None, 1, speeds[number, None])
            within += (off[:, own] <= radius[0]).sum(axis=1)
            particles += int(own.sum())
            pooled.append(radii.typical(radius))
    held = (within / particles).tolist()
    return Coverage(np.mean(pooled, axis=0).tolist(), held, None, len(numbers), "checkpoint")


def _kept(
    tensors: Mapping[str, Tensor], types: NDArray[np.int64], frame_time_s: float | None = None
) -> Radii | None:
    try:
        return radii_of(tensors, types, frame_time_s)
    except ValueError as error:
        raise RequestError(
            f"the checkpoint's error bars cannot be read: {error}", "train again"
        ) from error


def kept_coverage(
    tensors: Mapping[str, Tensor],
    model: DynamicsModel,
    windows: Windows,
    some: Sampled,
    batch_size: int,
) -> Coverage | None:
    """Try the radii that a checkpoint keeps, which are what `predict` gives.

    Parameters
    ----------
    tensors
        Of the checkpoint.
    model
        That it holds.
    windows, some
        Where predictions start, and those of them that were predicted.
    batch_size
        Windows side by side.

    Returns
    -------
    Coverage | None
        None where it keeps none, or none of so many steps.

    Raises
    ------
    RequestError
        They do not go together.
    """
    steps = len(windows.offsets)
    first = windows.batch(some.numbers[:1])
    radii = _kept(tensors, first.graph.types.cpu().numpy())
    if radii is None or len(radii.pooled) < steps:
        return None
    spread = None
    if radii.by_spread:
        spread = spreads_of(model, windows.batches(batch_size, some.numbers))
        if spread is None:
            return None
        spread = spread[:, :steps]
    own = radii.first(steps)
    radius = own.of(spread, len(some.numbers))
    return Coverage(
        own.typical(radius).tolist(),
        coverage(some.predicted, some.truth, radius).tolist(),
        None,
        len(some.numbers),
        "checkpoint",
        radii.by_spread,
    )
