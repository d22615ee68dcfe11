"""Which frames a prediction starts at, and which must be read for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import RequestError, option

EXPECTED = "expected last, a frame counted from 0, all, or first:stop:stride"


@dataclass(frozen=True)
class Starts:
    """Start frames of a source.

    Attributes
    ----------
    frames
        (S,) numbers in the source, ascending.
    first, stop
        Consecutive frames that hold the starts, those before them, and what came next where it is
        asked for and known.
    """

    frames: NDArray[np.int64]
    first: int
    stop: int


def parse_starts(
    text: str,
    frame_count: int,
    breaks: tuple[int, ...],
    ahead: int | None,
    behind: int = 1,
) -> Starts:
    """Read `last`, `N`, `all` or `A:B:S`; negative numbers count from the end.

    `all` means every frame with one before it and, where times allow to compare, `ahead` after it
    in the same recording; where there is none such, every frame with one before it.

    Parameters
    ----------
    frame_count
        Frames of the source.
    breaks
        Frames at which another recording begins.
    ahead
        Frames to the last predicted step; None where steps fall between frames.
    behind
        Frames before a start that are read where they are there.

    Raises
    ------
    RequestError
        It is none of these, or names no frame that there is.
    """
    if text == "all":
        frames = _all(frame_count, breaks, ahead)
    elif text == "last":
        frames = np.array([frame_count - 1])
    elif re.fullmatch(r"-?\d{1,15}", text):
        number = int(text)
        if not -frame_count <= number < frame_count:
            raise RequestError(
                f"{option('start', text)}: there are {frame_count:,} frames, counted from 0",
                EXPECTED,
            )
        frames = np.array([number % frame_count])
    elif re.fullmatch(r"(-?\d{1,15})?:(-?\d{1,15})?(:\d{0,15})?", text):
        parts = [int(part) if part else None for part in text.split(":")]
        if parts[2:] == [0]:
            raise RequestError(f"{option('start', text)}: a stride of 0", EXPECTED)
        frames = np.arange(frame_count)[slice(*parts)]
        if len(frames) == 0:
            raise RequestError(
                f"{option('start', text)}: none of the {frame_count:,} frames", EXPECTED
            )
    else:
        raise RequestError(f"{option('start', text[:40])}: not a start frame", EXPECTED)
    last = int(frames[-1])
    stop = last + 1 + (ahead or 0)
    first = max(0, int(frames[0]) - behind)
    return Starts(frames.astype(np.int64), first, stop if stop <= frame_count else last + 1)


def why_not_compared(ahead: NDArray[np.int64] | None) -> str:
    """Say why several starts cannot be held against what came next.

    Parameters
    ----------
    ahead
        Frames to each predicted step; None where steps fall between frames.
    """
    why = (
        "steps fall between frames"
        if ahead is None
        else f"some starts have no {int(ahead[-1]):,} frames after them"
    )
    return f"not compared with what came next: {why}"


def _all(frame_count: int, breaks: tuple[int, ...], ahead: int | None) -> NDArray[np.int64]:
    frames = np.arange(frame_count)
    ends = np.array([*breaks, frame_count])
    second = frames[~np.isin(frames, (0, *breaks))]
    fitting = second[second + (ahead or 0) < ends[np.searchsorted(ends, second, side="right")]]
    return next((some for some in (fitting, second) if len(some)), frames)
