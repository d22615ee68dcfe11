"""Whether frames to start from are a motion of whole molecules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.frame import is_unwritten
from painet_cli.data.motion.plausible import FASTEST_PEOPLE
from painet_cli.data.particles.bonds import inverse_box
from painet_cli.data.particles.order import wrong_order
from painet_cli.data.particles.smooth import smooth_note
from painet_cli.data.particles.stretched import stretched_bond
from painet_cli.data.sources.plausible import FASTEST
from painet_cli.data.trajectories.reader import REPEATED
from painet_cli.data.units import FEMTOSECOND, time_text
from painet_cli.errors import RequestError, option
from painet_cli.prediction.inputs.recording import LARGEST_BYTES, Input, Recording, Selected
from painet_cli.prediction.starting.timing import StartVelocities, frame_time_of
from painet_cli.training.checkpoint import Header

MUCH_FASTER = 10.0
"""Times the speed of training from which on a start is said to be fast."""
_ANOTHER_TIME = 2.0
"""Times the speed of training that tell of another time between frames."""
_FRAMES_OF_ORDER = 512
"""Frames up to a start whose order is looked at."""
_POSITIONS_OF_ORDER = 2_000_000
"""Particles times frames that are read for it."""
_SAME = 1e-3
"""Share of the time between frames by which two at the same time may differ."""


def check_size(starts: int, steps: int, particles: int) -> None:
    """Refuse a prediction of more than `LARGEST_BYTES`.

    Raises
    ------
    RequestError
        Its positions would take more memory; says how many steps do not.
    """
    size = 12 * starts * steps * particles
    if size > LARGEST_BYTES:
        most = LARGEST_BYTES // (12 * particles * starts)
        raise RequestError(
            f"{steps:,} steps of {particles:,} particles, starts: {starts:,}, take "
            f"{size / 2**30:.1f} GiB, more than {LARGEST_BYTES // 2**30}",
            f"predict up to {most:,} steps, or from fewer starts ({option('start')})",
        )


def check_order(recording: Recording, selected: Selected, start: int) -> None:
    """Refuse a recording of molecules whose frames before a start are not in the order of time.

    Frames after the start are not looked at. Where they follow each other too smoothly for the
    time between them, that is noted in the recording.

    Parameters
    ----------
    start
        Number of a frame.

    Raises
    ------
    RequestError
        They are in another order.
    """
    if is_unwritten(recording.read(selected, start, start + 1).frames[0]):
        raise RequestError(
            f"{recording.path}: frame {start} has all its particles at one place: it was never "
            "written",
            f"choose an earlier {option('start')}",
        )
    begin = max((at for at in recording.breaks if at <= start), default=0)
    most = max(2, _POSITIONS_OF_ORDER // len(selected.indices))
    begin = max(begin, start + 1 - min(_FRAMES_OF_ORDER, most))
    if recording.length_unit == "angstrom" and start + 1 - begin >= 2:
        system = recording.read(selected, begin, start + 1)
        refuse_wrong_order(system)
        bonds = np.array(selected.particles.bonds, dtype=np.int64).reshape(-1, 2)
        name = recording.path.name
        if note := smooth_note(name, system.frames, bonds, recording.frame_time_s):
            recording.notes = (*recording.notes, f"{note} ({option('frame_time')} gives it)")


def refuse_wrong_order(system: Input) -> None:
    """Refuse frames of molecules that are not in the order of time, by their times or likeness.

    Raises
    ------
    RequestError
        They are in another order.
    """

    def clock(time_s: float) -> str:
        return time_text(time_s) if time_s else "0"

    where = system.path or system.name
    hint = (
        f"expected consecutive frames, in order: sort them, or choose a {option('start')} before "
        "which they are"
    )
    if system.times_s is not None:
        same = _SAME * (system.frame_time_s or 0.0)
        back = np.diff(system.times_s) <= same
        back[[at - 1 for at in system.breaks]] = False
        if back.any():
            k = int(np.argmax(back))
            number = system.first_frame + k
            before, after = system.times_s[k : k + 2].tolist()
            if after - before >= -same:
                raise RequestError(
                    f"{where}: frames {number} and {number + 1} are at the same time, "
                    f"{clock(after)}",
                    f"{REPEATED}, or choose a {option('start')} before it",
                )
            raise RequestError(
                f"{where}: frame {number + 1} is at {clock(after)}, and frame {number} before it "
                f"at {clock(before)}",
                hint,
            )
    if system.length_unit != "angstrom" or system.up_axis is not None or system.breaks:
        return
    numbers = range(system.first_frame, system.first_frame + len(system.frames))
    if wrong := wrong_order(system.frames, numbers):
        raise RequestError(f"{where}: {wrong}", hint)


def check_starts(system: Input, starts: NDArray[np.int64]) -> None:
    """Refuse starts whose molecules are in pieces.

    Raises
    ------
    RequestError
        A bond of a start, or of the frame before it, is longer than any.
    """
    known = np.union1d(starts, starts[system.follows(starts)] - 1)
    found = stretched_bond(system.particles, system.frames[known], system.length_unit)
    if found is None:
        return
    frame = system.first_frame + int(known[found.frame])
    (i, j), names = found.bond, system.particles.names
    box = None if system.boxes is None else system.boxes[known[found.frame]]
    apart = system.frames[known[found.frame], i] - system.frames[known[found.frame], j]
    cut = (
        "it is bonded to its own periodic image, as crystals are, and no molecule"
        if box is not None and _nearest_image(apart, box) <= found.longest
        else "atoms come in another order there, or the molecule has come apart"
        if found.frame > 0 or box is not None
        else "a periodic box that the file does not state cuts the molecule: write it whole "
        "(gmx trjconv -pbc mol), or with its box"
    )
    raise RequestError(
        f"{system.path or system.name}: frame {frame}: bond {names[i]}-{names[j]} (particles {i} "
        f"and {j}) is {found.length:.3g} angstrom long, at most {found.longest:.2g} "
        "are possible",
        cut,
    )


def _nearest_image(
    apart: NDArray[np.floating],  # (3,)
    box: NDArray[np.float64],  # (3, 3)
) -> float:
    """Distance to the nearest periodic image of what lies that far apart; as it is of no box."""
    if not box.any():
        return float(np.linalg.norm(apart))
    left = apart - np.rint(apart @ inverse_box(box)) @ box
    return float(np.linalg.norm(left))


def check_velocities(
    header: Header,
    system: Input,
    starts: NDArray[np.int64],
    velocities: StartVelocities,
    trained_speed: float | None,
) -> tuple[str, ...]:
    """Refuse frames that are no motion; say where a start is much faster than training was.

    Parameters
    ----------
    trained_speed
        Root mean square of speeds in training, unit of length a frame of the checkpoint.

    Raises
    ------
    RequestError
        Particles fly: frames are in random order, or their time is another.
    """
    v = velocities.values.astype(np.float64)
    still = [k for k, one in enumerate(velocities.sources) if one == "before" and not v[k].any()]
    said: tuple[str, ...] = ()
    if still:
        number = system.first_frame + int(starts[still[0]])
        said = (
            f"frame {number} is the same as the one before: nothing is known of how it moves, and "
            "its velocity is taken as zero",
        )
    inner = v - v.mean(axis=1, keepdims=True)  # the whole may drift, however fast
    speeds = np.sqrt(np.square(inner).sum(axis=-1).mean(axis=-1))  # (S,), a checkpoint's frame
    fastest = int(np.argmax(speeds))
    frame = system.first_frame + int(starts[fastest])
    frame_time_s = frame_time_of(header, system.frame_time_s)
    _refuse_flying(header, system, float(speeds[fastest]) / frame_time_s, frame)
    if trained_speed and system.frame_time_s is None and "before" in velocities.sources:
        said += _likely_time(float(np.median(speeds)) / trained_speed, frame_time_s)
    if system.up_axis is not None:  # of molecules the drift is taken out (`fast_drift`)
        speeds = np.sqrt(np.square(v).sum(axis=-1).mean(axis=-1))
        fastest = int(np.argmax(speeds))
    if trained_speed and speeds[fastest] > MUCH_FASTER * trained_speed:
        frame = system.first_frame + int(starts[fastest])
        return (
            *said,
            f"particles move {speeds[fastest] / trained_speed:.2g} times as far in "
            f"{time_text(frame_time_s)} before frame {frame} as those that it was trained on",
        )
    return said


def _refuse_flying(header: Header, system: Input, speed: float, frame: int) -> None:
    """Refuse a speed, unit of length a second, that neither molecules nor people have."""
    if system.length_unit == "angstrom":
        speed, bound = speed * FEMTOSECOND, FASTEST
        said = f"an atom moves {speed:.3g} angstrom per fs, which no molecule does"
    elif system.up_axis is not None:
        speed, bound = speed * header.units.length_in_metres, FASTEST_PEOPLE
        said = f"a joint moves {speed:.3g} metres a second, which no one does"
    else:
        return
    if speed > bound:
        raise RequestError(
            f"{system.path or system.name}: before frame {frame}, {said}",
            f"expected consecutive frames, in order; {option('frame_time')} gives the time between "
            f"them; of structures that are no motion give one, such as {option('start', 0)}",
        )


def _likely_time(ratio: float, frame_time_s: float) -> tuple[str, ...]:
    """What speeds say of a time between frames that a file does not give."""
    if not ratio or 1 / _ANOTHER_TIME < ratio < _ANOTHER_TIME:
        return ()
    return (
        f"particles move {ratio:.2g} times as far from frame to frame as those that it was trained "
        f"on: about {time_text(float(f'{ratio * frame_time_s:.2g}'))} may be between them, and not "
        f"{time_text(frame_time_s)}",
    )


def fast_drift(
    system: Input,
    velocities: NDArray[np.floating],  # (S, N, 3)
    trained_speed: float | None,
) -> NDArray[np.floating] | None:
    """(S, 1, 3) velocities of the centroids of molecules, where one is above the speed of training.

    A molecule moves in itself as if it were at rest, however fast the whole drifts; a model that
    saw no drift does not know that.
    """
    if system.length_unit != "angstrom" or system.up_axis is not None or not trained_speed:
        return None
    drift: NDArray[np.floating] = velocities.mean(axis=1, keepdims=True)
    return drift if np.linalg.norm(drift, axis=-1).max() > trained_speed else None
