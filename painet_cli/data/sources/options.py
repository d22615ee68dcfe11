"""Options that several sources have, with the words and bounds they have in all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from painet_cli.config.schema import DATASET_NAME
from painet_cli.errors import RequestError, option


class Positional:
    """Marks an option that the command line takes by its place, without a name."""


SplitKind = Literal["published", "blocks", "random"]

AtHand = Annotated[Path | None, "Files at hand: DIR, ZIP or NPZ; else they are downloaded."]
Trajectories = Annotated[Sequence[Path], "Frames; again for every further replica."]
DeltaFrames = Annotated[int | None, "Frames from a window's start to its last target.", Field(ge=1)]
Horizon = Annotated[int, "T, targets that a window is to be cut into.", Field(ge=1, le=50)]
FrameTime = Annotated[str | None, "Time between frames, such as 0.5fs; else the file's."]
_SPLIT_WORDS = "blocks: separate stretches, no overlap. random: anywhere, so they overlap."
Splitting = Annotated[SplitKind | None, _SPLIT_WORDS]
OwnSplitting = Annotated[Literal["blocks", "random"], _SPLIT_WORDS]
Start = Annotated[int, "First frame of every file.", Field(ge=0)]
Stop = Annotated[int | None, "Frame of every file to stop before.", Field(ge=1)]
Stride = Annotated[int, "Take every so many frames.", Field(ge=1)]
Unwrap = Annotated[bool, "Make molecules whole, let them leave the periodic box."]
Center = Annotated[bool, "Put every frame's centroid at 0."]
Superpose = Annotated[bool, "Shift and turn every frame onto the first."]
FormatName = Annotated[str | None, "Format of the frames, such as LAMMPSDUMP; else by name."]
DropExtra = Annotated[bool, "Leave out atoms beyond those of the topology."]


def checked_name(name: str) -> str:
    """Name of a dataset, which must be that of one folder.

    Raises
    ------
    RequestError
        It is not.
    """
    if not re.fullmatch(DATASET_NAME, name):
        raise RequestError(
            f"{option('name', name)}: not a name of a dataset", "expected letters, digits, - and _"
        )
    return name


def window_frames(delta_frames: int, horizon: int) -> int:
    """Frames of a window, which must be as many as its targets at least.

    Raises
    ------
    RequestError
        They are fewer.
    """
    if horizon > delta_frames:
        raise RequestError(
            f"{option('horizon', horizon)}: targets do not fit a window of "
            f"{option('delta_frames', delta_frames)}",
            "a window needs at least one frame for each target",
        )
    return delta_frames
