"""What there is to learn in a recording: its frames up to a start, cut into blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.prediction.adapting.blocks import Blocks
from painet_cli.prediction.inputs.recording import Input


@dataclass(frozen=True, eq=False)
class Lesson:
    """What there is to learn.

    Attributes
    ----------
    system
        The recording; frames from `begin` to `start` are looked at.
    begin, start
        First and last of them.
    blocks
        Starts of windows to learn from, to choose by, and held out.
    offsets
        (T,) frames from a start to each step.
    frame_time_s
        Seconds between frames.
    """

    system: Input
    begin: int
    start: int
    blocks: Blocks
    offsets: NDArray[np.int64]
    frame_time_s: float

    @property
    def known(self) -> NDArray[np.floating]:
        """Frames up to the start, its own included."""
        return self.system.frames[: self.start + 1]

    @property
    def moves(self) -> bool:
        """Whether anything moves in the frames to learn from."""
        near = self.known[self.begin : int(self.blocks.choose[0])]
        return bool((near[1:] != near[:-1]).any())
