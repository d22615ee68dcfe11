"""Which frames of an input a forecast starts from and is held against, and what they lack."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.batches.windows import target_offsets
from painet_cli.data.units import time_text
from painet_cli.errors import option
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.rollout import rollout_offsets
from painet_cli.training.checkpoint import Header

_WHOLE = 0.02
"""How far from a whole number of frames a time may be and still count as one."""
_SAME_TIME = 1e-3


def predicted_frames(header: Header, steps: int) -> NDArray[np.int64]:
    """(steps,) frames of a checkpoint's dataset from a start to each predicted step."""
    return rollout_offsets(target_offsets(header.preset.data), steps)


def known_frames(
    header: Header, steps: int, frame_time_s: float | None
) -> NDArray[np.int64] | None:
    """(steps,) frames of an input from a start to each predicted step.

    None where a step falls between two frames. An input that does not say its time is taken to have
    the checkpoint's.
    """
    frames = predicted_frames(header, steps) * _frames_per_frame(header, frame_time_s)
    whole = np.rint(frames).astype(np.int64)
    return whole if (whole > 0).all() and np.abs(frames - whole).max() <= _WHOLE else None


def _frames_per_frame(header: Header, frame_time_s: float | None) -> float:
    """Frames of an input in the time of one of the checkpoint's."""
    if frame_time_s is None:
        return 1.0
    ratio = header.units.frame_time_s / frame_time_s
    return round(ratio) if 0 < abs(ratio - round(ratio)) < _SAME_TIME * ratio else ratio


def start_velocities(
    header: Header, system: Input, starts: NDArray[np.int64]
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """(S, N, 3) velocities a frame of the checkpoint, and whether the frame before is known."""
    moving = (starts > 0) & ~np.isin(starts, (0, *system.breaks))
    before = np.where(moving, starts - 1, starts)
    ratio = np.float32(_frames_per_frame(header, system.frame_time_s))
    moved = (system.frames[starts] - system.frames[before]).astype(np.float32)
    return moved * ratio, moving


def start_past(
    header: Header, system: Input, starts: NDArray[np.int64]
) -> tuple[NDArray[np.floating] | None, int]:
    """(S, H, N, 3) displacements to the frames before each start, where the checkpoint reads them.

    Frames of the checkpoint that fall between two of the input lie on the line from one to the
    next; those before its first count as equal to it. The second result is the number of the
    checkpoint's frames that are known before every start, at most H.
    """
    history = header.preset.data.history
    if not history:
        return None, 0
    begins = np.array([0, *system.breaks])
    first = begins[np.searchsorted(begins, starts, side="right") - 1]
    ratio = _frames_per_frame(header, system.frame_time_s)
    wanted = starts[:, None] - ratio * np.arange(1, history + 1)  # (S, H)
    known = int((wanted >= first[:, None] - _WHOLE).sum(axis=1).min())
    at = np.maximum(wanted, first[:, None])
    left = np.floor(at).astype(np.int64)
    share = (at - left)[..., None, None].astype(np.float32)
    right = np.minimum(left + 1, starts[:, None])
    origin = system.frames[starts][:, None]
    to_left, to_right = ((system.frames[k] - origin).astype(np.float32) for k in (left, right))
    return to_left + share * (to_right - to_left), known


def frames_behind(header: Header, frame_time_s: float | None) -> int:
    """Frames of an input before a start that a checkpoint reads, the one of the velocity too."""
    ratio = _frames_per_frame(header, frame_time_s)
    return max(1, int(np.ceil(ratio * header.preset.data.history)))


def known_truth(
    header: Header, system: Input, starts: NDArray[np.int64], steps: int
) -> NDArray[np.floating] | None:
    """(S, steps, N, 3) what came next, where all of it is known."""
    frames = known_frames(header, steps, system.frame_time_s)
    if frames is None:
        return None
    ends = np.array([*system.breaks, len(system.frames)])
    if (starts + frames[-1] >= ends[np.searchsorted(ends, starts, side="right")]).any():
        return None
    later: NDArray[np.floating] = system.frames[starts[:, None] + frames]
    return later


def frame_warnings(
    header: Header, system: Input, moving: NDArray[np.bool_], known_past: int
) -> tuple[str, ...]:
    """What a reader must know of the velocities and times, a sentence each."""
    known, trained = system.frame_time_s, header.units.frame_time_s
    said = []
    still = int((~moving).sum())
    if still:
        which = "the start has" if len(moving) == 1 else f"{still:,} of {len(moving):,} starts have"
        said.append(f"velocity zero: {which} no frame before")
    if known is None and moving.any():
        said.append(
            f"{system.name} does not say the time between its frames: taken as the checkpoint's, "
            f"{time_text(trained)} ({option('frame_time')} gives another)"
        )
    elif known is not None and abs(known - trained) > _SAME_TIME * trained:
        said.append(
            f"frames are {time_text(known)} apart, the checkpoint was trained on "
            f"{time_text(trained)}: velocities are scaled, and may not be like those it knows"
        )
    history = header.preset.data.history
    if known_past < history:
        said.append(
            f"the checkpoint reads {history} frames before a start, and {known_past} are there: "
            "those missing are taken to be as the first"
        )
    return tuple(said)
