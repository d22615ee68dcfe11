"""Starts of a prediction as batches for a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph
from painet_cli.prediction.inputs.skeleton import Skeleton
from painet_cli.prediction.starting.treatment import Placement


@dataclass(frozen=True)
class States:
    """What is known at the starts.

    Attributes
    ----------
    graph
        Of one system.
    positions, velocities
        (S, N, 3).
    past
        (S, H, N, 3) displacements to the frames before.
    device
        Where batches are made.
    frame_time_s
        Seconds between frames, for models that are told.
    skeleton
        Bones that are rigid: a prediction that is the start of the next is held to their lengths.
    """

    graph: Graph
    positions: NDArray[np.floating]
    velocities: NDArray[np.floating]
    past: NDArray[np.floating] | None
    device: torch.device
    frame_time_s: float | None = None
    skeleton: Skeleton | None = None

    def placed(self, placement: Placement) -> States:
        """The same where training had them."""
        return replace(
            self,
            positions=placement.there(self.positions),
            velocities=placement.turned(self.velocities),
            past=None if self.past is None else placement.turned(self.past),
        )

    def batches(self, size: int) -> Iterator[Batch]:
        """Batches of `size` starts."""
        for first in range(0, len(self.positions), size):
            yield self.batch(slice(first, first + size))

    def batch(self, part: slice) -> Batch:
        """Batch of some starts, side by side."""

        def flat(values: NDArray[np.floating]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values)).to(self.device).flatten(-3, -2)

        x, v = flat(self.positions[part]), flat(self.velocities[part])
        past = None if self.past is None else flat(self.past[part].swapaxes(0, 1))
        count, time_s = len(self.positions[part]), self.frame_time_s
        told = None if time_s is None else torch.full((count,), time_s, device=self.device)
        return Batch(self.graph.repeat(count), x, v, frame_time_s=told).at(x, v, past)

    def bones_held(self, part: slice) -> Callable[[Tensor], Tensor]:
        """What holds predictions from some starts, (T, M, 3), to the lengths of bones there."""
        if self.skeleton is None:
            return lambda predicted: predicted
        skeleton, start = self.skeleton, torch.from_numpy(self.positions[part]).to(self.device)

        def held(predicted: Tensor) -> Tensor:
            by_start = predicted.reshape(-1, *start.shape).transpose(0, 1)  # (S, T, N, 3)
            return skeleton.held(start, by_start).transpose(0, 1).flatten(1, 2)

        return held
