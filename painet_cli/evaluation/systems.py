"""Errors of each of several systems, beside what needs no learning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from painet_cli.data.batches.windows import Windows
from painet_cli.training.distributed.world import SINGLE, World
from painet_cli.training.loss import squared_errors


@dataclass(frozen=True)
class SystemErrors:
    """MSE of one system's windows, in squared length units; lists have an entry a step.

    Attributes
    ----------
    step_mse
        Of the model.
    still, straight
        Of the start, and of straight motion from it with its velocity.
    """

    name: str
    windows: int
    step_mse: list[float]
    still: list[float]
    straight: list[float]

    @property
    def skill(self) -> list[float]:
        """1 - MSE / MSE of the better of the two yardsticks, at each step."""
        best = np.minimum(self.still, self.straight)
        skill: list[float] = (1 - np.array(self.step_mse) / np.maximum(best, 1e-300)).tolist()
        return skill

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "skill": self.skill}


def errors_by_system(
    squared: NDArray[np.float64],  # (S, T)
    windows: Windows,
    batch_size: int,
    world: World,
) -> tuple[SystemErrors, ...]:
    """Share the errors of all windows out among the systems they are of.

    Parameters
    ----------
    squared
        Errors of a model on the windows, in their order.
    """
    still, straight = yardstick_errors(windows, batch_size, world)
    systems, names = windows.systems.numpy(), windows.dataset.manifest.each_system
    found = []
    for number in np.unique(systems).tolist():
        own = systems == number
        means: Sequence[list[float]] = [
            errors[own].mean(axis=0).tolist() for errors in (squared, still, straight)
        ]
        found.append(SystemErrors(names[number].name, int(own.sum()), *means))
    return tuple(found)


@torch.no_grad()
def yardstick_errors(
    windows: Windows, batch_size: int, world: World = SINGLE
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(S, T) squared errors of windows for which nothing moves, and straight on from their start.

    Straight motion goes on for as many frames as lie between the start and each target.
    """
    frames = torch.from_numpy(windows.offsets).to(windows.device)[:, None, None]
    still, straight = [], []
    with world.all_or_none():
        for batch in world.batches(windows, batch_size):
            start = batch.positions.expand_as(batch.known_targets())
            still.append(squared_errors(start, batch))
            straight.append(squared_errors(start + frames * batch.velocities, batch))
    rows = (world.gather_rows(part, windows, batch_size).numpy() for part in (still, straight))
    return next(rows), next(rows)
