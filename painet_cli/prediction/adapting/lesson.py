"""What there is to learn in a recording: its frames up to a start, cut into blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import RequestError
from painet_cli.prediction.adapting.blocks import (
    Blocks,
    cut,
    cut_to_measure,
    frames_needed,
    last_jump,
    leaps_note,
    repeats,
    seen_again,
    thinned,
)
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.starting.start_checks import check_starts
from painet_cli.prediction.starting.timing import beginnings, first_frames, uneven_frames

MOST_PARTICLES = 1_000_000
"""Particles of all windows to learn from or to measure on."""
MOST_WINDOWS = 800


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
    too_few
        Why nothing can be learned, where its frames suffice to measure on alone; else empty.
    """

    system: Input
    begin: int
    start: int
    blocks: Blocks
    offsets: NDArray[np.int64]
    frame_time_s: float
    too_few: str = ""

    @property
    def known(self) -> NDArray[np.floating]:
        """Frames up to the start, its own included."""
        return self.system.frames[: self.start + 1]

    @property
    def moves(self) -> bool:
        """Whether anything moves in the frames to learn from."""
        near = self.known[self.begin : int(self.blocks.choose[0])]
        return bool((near[1:] != near[:-1]).any())


def lesson_of(
    system: Input,
    start: int,
    offsets: NDArray[np.int64],
    frame_time_s: float,
    notes: list[str],
    *,
    also_few: bool,
) -> Lesson | str:
    """What there is to learn, with what is to be said of it; or why nothing can be.

    With `also_few`, of frames that are too few to learn from what there is to measure on.
    """
    where, last = system.first_frame, int(offsets[-1])
    begin = int(first_frames(beginnings(system), np.array([start]))[0])
    uneven = begin in uneven_frames(system)
    known = system.frames[: start + 1]
    jump = begin + last_jump(known[begin:])
    blocks = cut(jump, start, last)
    too_few = ""
    if blocks is None:
        after = f" after the jump at frame {where + jump:,}" if jump > begin else ""
        if begin in system.breaks and jump == begin:
            after = f" from frame {where + begin:,} on, where another motion begins"
        if uneven and jump == begin:
            after = f" after frame {where + jump:,}, before which they are not evenly spaced"
        too_few = (
            f"nothing was learned from {system.name}: {start + 1 - jump:,} frames up to the "
            f"start{after}, and {frames_needed(last):,} are needed to learn "
            f"{last:,} frames ahead and hold some out"
        )
        blocks = cut_to_measure(jump, start, last) if also_few else None
        if blocks is None:
            return too_few
    try:
        check_starts(system, np.arange(jump, start + 1))
    except RequestError as refused:
        return f"nothing was learned: {refused.what}"
    if too_few:
        notes.append(too_few)
    else:
        notes += _left_behind(where, begin, jump, uneven=uneven)
    if system.length_unit == "angstrom" and (leaping := leaps_note(known[jump:])):
        notes.append(leaping)
    same = repeats(known[jump:])
    if same:
        notes.append(f"{same:,} frames are equal to the one before: their velocities are zero")
    again = seen_again(known, blocks.held)
    learn = blocks.learn[~again[blocks.learn]]
    if len(learn) < len(blocks.learn):
        notes.append(
            f"{len(blocks.learn) - len(learn):,} frames appear again among those held out, and "
            "are not learned from"
        )
    most = min(MOST_WINDOWS, MOST_PARTICLES // known.shape[1])
    few = Blocks(thinned(learn, most) if len(learn) else learn, blocks.choose, blocks.held)
    return Lesson(system, jump, start, few, offsets, frame_time_s, too_few)


def _left_behind(where: int, begin: int, jump: int, *, uneven: bool) -> list[str]:
    """Why frames before these are not learned from, a sentence each."""
    notes = []
    if jump > begin:
        notes.append(
            f"the recording jumps at frame {where + jump:,}: only what comes after is learned from"
        )
    if uneven:
        notes.append(
            f"frames are not evenly spaced up to frame {where + begin:,}: only what comes after is "
            "learned from"
        )
    return notes
