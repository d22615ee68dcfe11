"""Which frames a window is made of: its start, what is told of those before, its targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.config.schema import DataConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph
from painet_cli.data.dataset.manifest import Manifest
from painet_cli.data.particles.names import Velocity
from painet_cli.errors import RequestError


def target_offsets(data: DataConfig) -> NDArray[np.int64]:
    """Frames from a window's start to each of its T targets, (T,), ascending.

    `tail` takes the last T frames of the window (the published motion-capture protocol), `uniform`
    the frames nearest to delta_frames * k / T (appendix E.3).

    Raises
    ------
    RequestError
        The window has fewer frames than targets.
    """
    if data.horizon > data.delta_frames:
        raise RequestError(
            f"data.horizon: {data.horizon} targets do not fit a window of "
            f"data.delta_frames={data.delta_frames}",
            "a window needs at least one frame for each target",
        )
    steps = np.arange(1, data.horizon + 1)
    if data.sampling == "tail":
        return data.delta_frames - data.horizon + steps
    return np.rint(data.delta_frames * steps / data.horizon).astype(np.int64)


@dataclass(frozen=True)
class Before:
    """What a window tells of the frames before its start.

    Attributes
    ----------
    history
        H, frames before the start whose displacements a batch has as `past`.
    velocity
        Whether velocities are differences to the `next` frame or from the one `before`.
    known
        Fewest frames before a start that a window has, those missing counting as the first that is
        there; None for all of them.
    """

    history: int = 0
    velocity: Velocity = "next"
    known: int | None = None

    @property
    def frames(self) -> int:
        """Frames before its start that a window needs."""
        if self.known is not None:
            return self.known
        return max(self.history, int(self.velocity == "before"))

    @property
    def offsets(self) -> NDArray[np.int64]:
        """(1 + H,) frames from a start to the one that its velocity is made of, and to its past."""
        return np.array([1 if self.velocity == "next" else -1, *-np.arange(1, self.history + 1)])

    def batch(
        self,
        graph: Graph,
        frames: Tensor,  # (2 + H + T, M, 3): the start, those of `offsets`, the targets
    ) -> Batch:
        """Batch of systems from their frames."""
        start, first_target = frames[0], 2 + self.history
        velocities = frames[1] - start if self.velocity == "next" else start - frames[1]
        past = frames[2:first_target] - start if self.history else None
        return Batch(graph, start, velocities, frames[first_target:], past)


NOTHING_BEFORE = Before()


def before_of(data: DataConfig) -> Before:
    """What a preset's windows tell of the frames before their start."""
    return Before(data.history, data.velocity or "next", data.history_known)


def with_velocity(data: DataConfig, manifest: Manifest) -> DataConfig:
    """The same, with the dataset's own velocity where none is asked for."""
    if data.velocity is not None:
        return data
    return data.model_copy(update={"velocity": manifest.velocity})


def holds_answer(data: DataConfig) -> bool:
    """Whether a window's velocity tells its first target, the frame after its start."""
    return (data.velocity or "next") == "next" and int(target_offsets(data)[0]) == 1


def check_no_answer(data: DataConfig) -> None:
    """Refuse to learn what is given.

    Raises
    ------
    RequestError
        The first target is the frame after the start, and the velocity the way to it.
    """
    if holds_answer(data):
        raise RequestError(
            "data.velocity: next: the first target is one frame after the start, and the velocity "
            "is the difference to that very frame: the answer would be in the question",
            "set data.velocity=before, or data.delta_frames so that a step is several frames",
        )
