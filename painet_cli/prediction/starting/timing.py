"""Which frames of an input a forecast starts from and is held against, and what they lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.batches.offsets import target_offsets
from painet_cli.data.batches.spacing import frame_times_of
from painet_cli.data.units import SAME_TIME, same_time, time_text
from painet_cli.errors import RequestError, option
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.rollout import rollout_offsets
from painet_cli.training.checkpoint import Header

_WHOLE = 0.02
"""How far from a whole number of frames a time may be and still count as one."""
_NEARLY = 0.1
_FEW_FRAMES = 8
"""Frames to the first step below which it matters where a velocity is from: with six, walking is
predicted a fifth worse, with eight, the sample by a twentieth (their cards)."""
INSTANT_S = 5e-15
"""Seconds; the fastest vibrations, of hydrogens, take 9 fs."""
VelocitySource = Literal["before", "file", "none"]


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


def frame_time_of(header: Header, frame_time_s: float | None) -> float:
    """Seconds between the frames that a checkpoint counts by on such an input.

    They are those of its training, or the input's own where it was trained on a range of times;
    where it says none, the shortest of these that the dataset had.
    """
    served = frame_times_of(header.preset.data)
    if served is None:
        return header.units.frame_time_s
    return max(served.shortest, header.units.frame_time_s) if frame_time_s is None else frame_time_s


def _frames_per_frame(header: Header, frame_time_s: float | None) -> float:
    """Frames of an input in the time of one of the checkpoint's."""
    return _ratio(frame_time_of(header, frame_time_s), frame_time_s)


def _ratio(trained_s: float, frame_time_s: float | None) -> float:
    if frame_time_s is None:
        return 1.0
    ratio = trained_s / frame_time_s
    return round(ratio) if 0 < abs(ratio - round(ratio)) < SAME_TIME * ratio else ratio


@dataclass(frozen=True, eq=False)
class StartVelocities:
    """Velocities at the starts.

    Attributes
    ----------
    values
        (S, N, 3), unit of length a frame of the checkpoint.
    sources
        (S,) `before`: the difference from the frame before; `file`: what the file holds; `none`:
        neither is known, and they are zero.
    """

    values: NDArray[np.floating]
    sources: tuple[VelocitySource, ...]


def start_velocities(header: Header, system: Input, starts: NDArray[np.int64]) -> StartVelocities:
    """Velocities at the starts, by the interval that lies before each.

    A file's own velocities are of an instant. They are taken where the checkpoint's are nearly, for
    its frames are no farther apart than bonds vibrate; and there is no frame before, or it lies
    farther away in time than the checkpoint's.
    """
    intervals = _intervals(system, starts)
    trained = frame_time_of(header, system.frame_time_s)
    moving = system.follows(starts)
    before = np.where(moving, starts - 1, starts)
    ratio = np.array([_ratio(trained, one) for one in intervals], dtype=np.float32)
    moved = (system.frames[starts] - system.frames[before]).astype(np.float32)
    values = moved * ratio[:, None, None]
    sources: list[VelocitySource] = ["before" if one else "none" for one in moving.tolist()]
    if system.velocities is not None and trained <= INSTANT_S:
        held = system.velocities[starts].astype(np.float64) * trained
        known = [bool(np.isfinite(one).all()) for one in held]
        for k, interval in enumerate(intervals):
            near = interval is not None and abs(interval - trained) <= _NEARLY * trained
            if known[k] and not (moving[k] and near):
                values[k], sources[k] = held[k], "file"
    return StartVelocities(values, tuple(sources))


def _intervals(system: Input, starts: NDArray[np.int64]) -> list[float | None]:
    """Seconds from the frame before each start to it; None where the recording does not say."""
    usual = system.frame_time_s
    if system.times_s is None or usual is None:
        return [usual] * len(starts)
    passed = system.times_s[starts] - system.times_s[np.maximum(starts - 1, 0)]
    off = np.abs(passed - usual) > _tolerance(system)[starts]
    return [float(p) if o and p > 0 else usual for p, o in zip(passed, off, strict=True)]


def _tolerance(system: Input) -> NDArray[np.float64]:
    """(F,) seconds that an interval may be off: times are single precision in many formats."""
    times, usual = system.times_s, system.frame_time_s or 0.0
    if times is None:
        return np.full(len(system.frames), np.inf)
    tolerance: NDArray[np.float64] = 0.01 * usual + 1e-6 * np.abs(times)
    return tolerance


def uneven_frames(system: Input) -> NDArray[np.int64]:
    """Indices of the frames that do not follow the one before by the usual time."""
    if system.times_s is None or system.frame_time_s is None or len(system.times_s) < 2:
        return np.empty(0, dtype=np.int64)
    off = np.abs(np.diff(system.times_s) - system.frame_time_s) > _tolerance(system)[1:]
    off[[at - 1 for at in system.breaks]] = False
    return np.flatnonzero(off) + 1


def beginnings(system: Input) -> tuple[int, ...]:
    """Indices, ascending, of frames that follow none: another recording's, and after a gap."""
    return tuple(sorted({*system.breaks, *uneven_frames(system).tolist()}))


def first_frames(begins: Sequence[int], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """(S,) first frame of the recording that each start is in; they begin at 0 and `begins`."""
    every = np.array([0, *begins])
    first: NDArray[np.int64] = every[np.searchsorted(every, starts, side="right") - 1]
    return first


def have_followers(
    begins: Sequence[int], starts: NDArray[np.int64], ahead: int, count: int
) -> bool:
    """Whether `ahead` frames follow every start in its recording, of `count` frames in all."""
    ends = np.array([*begins, count])
    return bool((starts + ahead < ends[np.searchsorted(ends, starts, side="right")]).all())


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
    first = first_frames(system.breaks, starts)
    ratio = _frames_per_frame(header, system.frame_time_s)
    wanted = starts[:, None] - ratio * np.arange(1, history + 1)  # (S, H)
    known = int((wanted >= first[:, None] - _WHOLE).sum(axis=1).min())
    at = np.maximum(wanted, first[:, None])
    left = np.floor(at).astype(np.int64)
    for odd in uneven_frames(system).tolist():
        if not ((left.min(axis=1) < odd) & (odd <= starts)).any():
            continue
        raise RequestError(
            f"{system.name}: frame {system.first_frame + odd} does not follow the one before by "
            f"the usual time, and the checkpoint reads {history} frames before a start",
            f"choose another with {option('start')}, or give {option('frame_time')} if the times "
            "of the file are wrong",
        )
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
    if frames is None or _uneven_after(system, starts, frames):
        return None
    if not have_followers(system.breaks, starts, int(frames[-1]), len(system.frames)):
        return None
    later: NDArray[np.floating] = system.frames[starts[:, None] + frames]
    return later


def _uneven_after(system: Input, starts: NDArray[np.int64], frames: NDArray[np.int64]) -> bool:
    """Whether frames that a prediction would be held against come at other times."""
    if system.times_s is None or system.frame_time_s is None:
        return False
    ends = np.minimum(starts + frames[-1], len(system.frames) - 1)
    expected = (ends - starts) * system.frame_time_s
    off = np.abs(system.times_s[ends] - system.times_s[starts] - expected)
    return bool((off > 0.5 * system.frame_time_s).any())


def frame_warnings(
    header: Header, system: Input, velocities: StartVelocities, known_past: int
) -> tuple[str, ...]:
    """What a reader must know of the velocities and times, a sentence each."""
    trained = frame_time_of(header, system.frame_time_s)
    said = _of_velocities(system, velocities.sources, trained)
    moving = velocities.sources.count("before")
    said += _of_times(header, system, trained, moving=moving > 0)
    data = header.preset.data
    first = int(target_offsets(data)[0])
    if moving and (data.velocity or "next") == "next" and first < _FEW_FRAMES:
        said.append(
            "the checkpoint learned with velocities to the next frame, a prediction knows those "
            f"from the frame before: with its first step {first} frames ahead, expect larger "
            "errors than on its test windows"
        )
    if known_past < data.history:
        said.append(
            f"the checkpoint reads {data.history} frames before a start, and {known_past} are "
            "there: those missing are taken to be as the first"
        )
    return tuple(said)


def _of_velocities(system: Input, sources: Sequence[VelocitySource], trained: float) -> list[str]:
    """Where starts have their velocities from."""
    said, count, still = [], len(sources), sources.count("none")
    if still:
        which = "the start has" if count == 1 else f"{still:,} of {count:,} starts have"
        said.append(f"velocity zero: {which} no frame before")
        if system.velocities is not None:
            said.append(
                "velocities of the file are of an instant, those of the checkpoint differences "
                f"over {time_text(trained)}: they are not used"
            )
    if held := sources.count("file"):
        which = "" if held == count else f" at {held:,} of {count:,} starts"
        said.append(f"velocities are those that the file holds{which}")
    return said


def _of_times(header: Header, system: Input, trained: float, *, moving: bool) -> list[str]:
    """How far apart frames are, and what the checkpoint makes of that."""
    said, known = [], system.frame_time_s
    odds, times = uneven_frames(system), system.times_s
    if len(odds) and known is not None and times is not None:
        odd = int(odds[0])
        passed = float(times[odd] - times[odd - 1])
        said.append(
            f"frames are not evenly spaced: {time_text(passed)} before frame "
            f"{system.first_frame + odd}, {time_text(known)} elsewhere; a velocity is by the time "
            "before its start"
        )
    if known is None and moving:
        said.append(
            f"{system.name} does not say the time between its frames: taken as the checkpoint's, "
            f"{time_text(trained)} ({option('frame_time')} gives another)"
        )
    elif known is not None and moving and not same_time(known, trained):
        said.append(
            f"frames are {time_text(known)} apart, the checkpoint was trained on "
            f"{time_text(trained)}: velocities are scaled, and may not be like those it knows"
        )
    if known is None and not moving and frame_times_of(header.preset.data) is not None:
        said.append(
            f"{system.name} is no motion: steps are {time_text(trained)} apart, the shortest time "
            f"that the checkpoint serves ({option('frame_time')} gives another)"
        )
    return said
