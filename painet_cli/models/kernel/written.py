"""Windows written in the body's frame: what the kernel reads of them, and what it predicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.models.layers.body_frame import BodyFrame, Frames


@dataclass(frozen=True, eq=False)
class Written:
    """Windows in their frames, float64.

    Attributes
    ----------
    inputs
        (S, K, N, 3) positions, velocities, and the H displacements of the past; K = 2 + H.
    targets
        (S, T, N, 3) displacements from the start, or places.
    """

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, which: Tensor) -> Written:
        return Written(self.inputs[which], self.targets[which])

    def and_also(self, other: Written) -> Written:
        """These windows and others."""
        return Written(
            torch.cat([self.inputs, other.inputs]), torch.cat([self.targets, other.targets])
        )

    def of_places(self, steps: Tensor) -> Written:
        """The same windows with places for displacements at some steps, (T,) bool."""
        return Written(self.inputs, self.targets + steps[:, None, None] * self.inputs[:, :1])

    def mirrored(self, partner: Tensor, side: int) -> Written:
        """Seen in a mirror: left is right, and what points to the side points to the other."""
        signs = torch.ones(3, dtype=self.inputs.dtype, device=self.inputs.device)
        signs[side] = -1.0
        return Written(self.inputs[:, :, partner] * signs, self.targets[:, :, partner] * signs)


def write_inputs(batch: Batch, frames: Frames, history: int) -> Tensor:
    """(B, K, N, 3) what is known at the start, of equal systems."""
    known = [frames.positions(batch.positions), frames.components(batch.velocities)]
    if history:
        known.extend(frames.components(batch.known_past(history)))
    by_kind = torch.stack(known).double()
    return by_kind.view(len(known), batch.graph.num_systems, -1, 3).transpose(0, 1)


def write(batch: Batch, frame: BodyFrame, history: int) -> Written:
    """A batch of equal systems in their frames."""
    near = batch.to(frame.speed.device)
    wide = Batch(
        near.graph,
        near.positions.double(),
        near.velocities.double(),
        near.known_targets().double(),
        None if near.past is None else near.past.double(),
    )
    frames = frame(wide)
    moved = frames.components(wide.known_targets() - wide.positions)
    by_system = moved.view(len(moved), batch.graph.num_systems, -1, 3).transpose(0, 1)
    return Written(write_inputs(wide, frames, history), by_system)


def gather(batches: Iterable[Batch], frame: BodyFrame, history: int, chosen: Tensor) -> Written:
    """The windows of these places (ascending) in the order of the batches; at least one."""
    device = frame.speed.device
    parts = [
        write(batch, frame, history)[here.to(device)] for batch, here in places_in(batches, chosen)
    ]
    return Written(
        torch.cat([one.inputs for one in parts]), torch.cat([one.targets for one in parts])
    )


def places_in(batches: Iterable[Batch], chosen: Tensor) -> Iterator[tuple[Batch, Tensor]]:
    """Batches that hold some of these places (ascending), and which of their own those are."""
    first = 0
    for batch in batches:
        end = first + batch.graph.num_systems
        here = chosen[(chosen >= first) & (chosen < end)] - first
        if len(here):
            yield batch, here
        first = end


def count_windows(batches: Iterable[Batch]) -> int:
    """Systems of all batches."""
    return sum(batch.graph.num_systems for batch in batches)
