"""Is it what its file says? The unit, the vertical and the angles of a recorded motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.motion.length_units import METRES_OF, UNSAID
from painet_cli.data.motion.motion import Motion
from painet_cli.data.motion.skeleton import CMU_SCALE
from painet_cli.data.particles.names import AXES, Axis

_TALL = (0.3, 4.0)
"""Metres across a skeleton, which may bend or reach out."""
_PERSON = (0.6, 2.6)
_GROWN = (1.0, 2.4)
"""The same of someone who stands."""
_GUESSED = ("metre", "centimetre", "millimetre")
_UPRIGHT = 1.5
"""Times as far as along the vertical that markers reach along another axis, if that is the one."""
_STEADY = 0.08
"""Share of that reach by which the lowest point moves along the vertical on level ground."""
_TRAVELLED = 0.5
"""The same of the way that is walked across it."""
FASTEST_PEOPLE = 20.0
"""Metres a second, root mean square over the joints; no one runs as fast."""
_JUMP, _ALONE = 20.0, 4.0
"""Times the usual step, and the steps beside it, that a jump is: movement sets in gradually."""
_LEAP = 10.0
"""Metres a second that a joint comes to from a frame to the next, where it is torn away."""
_LOOKED_BACK = 12
"""Steps before a leap that are far smaller; some recordings hold a pose for ten frames."""
_FEWEST = 8
_TURN = 2 * np.pi + 0.01
_MOVING = 0.35


def with_likely_unit(motion: Motion, name: str) -> Motion:
    """A motion in the unit that makes its skeleton as large as people, where its file says none.

    An ASF of another scale than CMU's is in inches times that, unless it is in CMU's unit as it is.

    Parameters
    ----------
    name
        What sentences call the file.
    """
    if motion.length_unit not in UNSAID:
        return motion
    across = float(np.median(np.ptp(motion.positions, axis=1).max(axis=1)))
    taken = METRES_OF[motion.length_unit]
    scale = motion.asf_scale or CMU_SCALE
    said = [u for u in (*_GUESSED, "inch") if abs(METRES_OF[u] * scale / 0.0254 - 1) < 0.01]
    if said and not _is_person(across * taken) and _is_person(across * METRES_OF[said[0]]):
        note = (
            f"the skeleton of {name} says 'length {scale:g}', and CMU's {CMU_SCALE:g}: its unit is "
            f"taken for the {said[0]}, in which it is {across * METRES_OF[said[0]]:.2g} m across "
            f"({across * taken:.2g} m in CMU's)"
        )
        return replace(motion, length_unit=said[0], notes=(*motion.notes, note))
    if _TALL[0] <= across * taken <= _TALL[1]:
        return _doubted(motion, name, across)
    fitting = [u for u in _GUESSED if _is_person(across * METRES_OF[u])]
    if len(fitting) != 1:
        return _doubted(motion, name, across)
    usual = "CMU's" if motion.length_unit == "ASF unit" else "centimetres"
    note = (
        f"{name} does not say its unit of length: taken as {fitting[0]}s, in which the skeleton is "
        f"{across * METRES_OF[fitting[0]]:.2g} m across ({across * taken:.2g} m in {usual})"
    )
    return replace(motion, length_unit=fitting[0], notes=(*motion.notes, note))


def _doubted(motion: Motion, name: str, across: float) -> Motion:
    """A BVH taken in centimetres, with a note where no grown person is that large in them."""
    taken, inches = across * METRES_OF[motion.length_unit], across * METRES_OF["inch"]
    if motion.length_unit != "BVH unit" or _GROWN[0] <= taken <= _GROWN[1]:
        return motion
    size = "small" if taken < _GROWN[0] else "large"
    other = f" ({inches:.2g} m in inches)" if _GROWN[0] <= inches <= _GROWN[1] else ""
    note = (
        f"{name} does not say its unit of length: taken as centimetres, in which the skeleton is "
        f"{taken:.2g} m across, {size} for a person{other}: lengths in metres, as of TRC, GLB and "
        "feet, may be wrong (`painet prepare motion --unit` says it)"
    )
    return replace(motion, notes=(*motion.notes, note))


def _is_person(metres: float) -> bool:
    return _PERSON[0] <= metres <= _PERSON[1]


def standing_axis(
    positions: NDArray[np.float64],  # (F, J, 3)
    up_axis: Axis,
) -> tuple[Axis, bool] | None:
    """Another axis than `up_axis` that people seem to stand along; None where there is none.

    Along it they reach farther, and its lowest point stays where it is. Whether that is certain is
    told by those who walk, and get on across it; others may lie.
    """
    if len(positions) < _FEWEST:
        return None
    reach = np.median(np.ptp(positions, axis=1), axis=0)
    k = int(np.argmax(reach))
    if k == AXES.index(up_axis) or not reach[k] > _UPRIGHT * reach[AXES.index(up_axis)]:
        return None
    if not positions[..., k].min(axis=1).std() < _STEADY * reach[k]:
        return None
    centre = np.delete(positions.mean(axis=1), k, axis=1)
    travelled = bool(np.linalg.norm(np.ptp(centre, axis=0)) > _TRAVELLED * reach[k])
    farthest = bool((np.delete(reach, k) * _UPRIGHT < reach[k]).all())
    return (AXES[k], travelled) if travelled or farthest else None


def jumps(
    positions: NDArray[np.float64],  # (F, J, 3), metres
    frame_time_s: float,
) -> tuple[int, ...]:
    """Frames that do not go on from the one before, such as the first after a T-pose."""
    if len(positions) < _FEWEST:
        return ()
    step = np.sqrt(np.square(np.diff(positions, axis=0)).sum(axis=-1).mean(axis=-1))
    beside = np.maximum(np.append(0.0, step[:-1]), np.append(step[1:], 0.0))
    jump = step > np.maximum(FASTEST_PEOPLE * frame_time_s, _JUMP * np.median(step))
    return tuple((np.flatnonzero(jump & (step > _ALONE * beside)) + 1).tolist())


def leap_note(
    positions: NDArray[np.float64],  # (F, J, 3), metres
    frame_time_s: float,
    breaks: Sequence[int],
    names: Sequence[str],
) -> str:
    """Sentence on joints that are torn away from one frame to the next; empty where none is.

    A glitch of the capture, or labels of markers that changed places: from rest a hand comes to no
    such speed within a frame.

    Parameters
    ----------
    breaks
        Frames that do not follow on the one before.
    """
    speed = np.linalg.norm(np.diff(positions, axis=0), axis=-1) / frame_time_s  # (F - 1, J)
    speed[[at - 1 for at in breaks]] = 0.0
    if len(speed) <= _LOOKED_BACK:
        return ""
    before = np.lib.stride_tricks.sliding_window_view(speed[:-1], _LOOKED_BACK, 0).max(axis=-1)
    now = speed[_LOOKED_BACK:]
    torn = np.where((now > _LEAP) & (now > _ALONE * before), now, 0.0)
    frames = np.flatnonzero(torn.any(axis=1))
    if not len(frames):
        return ""
    first = torn[frames[0]]
    count = int((first > 0).sum()) - 1
    who = f"{names[int(first.argmax())]} " + (f"and {count} more leap" if count else "leaps")
    places = ", ".join(f"{k + _LOOKED_BACK + 1:,}" for k in frames[:3].tolist())
    return (
        f"{who} to frame {places}{', ...' * (len(frames) > 3)} ({first.max():.2g} m/s), as no one "
        "moves: a glitch, or labels that changed places. Mend it: what is learned and predicted "
        "goes on from it"
    )


def with_jumps_apart(motion: Motion, name: str) -> Motion:
    """A motion that breaks off where its frames jump, which is said."""
    metres = METRES_OF.get(with_likely_unit(motion, name).length_unit)
    if metres is None or motion.frame_time_s is None:
        return motion
    x = motion.positions * metres
    found = [k for k in jumps(x, motion.frame_time_s) if k not in motion.breaks]
    breaks = tuple(sorted({*motion.breaks, *found}))
    notes = motion.notes
    if found:
        places = ", ".join(map(str, found[:3])) + ", ..." * (len(found) > 3)
        notes += (
            f"{name}: the motion jumps to frame {places} and is taken for another one from there",
        )
    if torn := leap_note(x, motion.frame_time_s, breaks, motion.names):
        notes += (f"{name}: {torn}",)
    return replace(motion, breaks=breaks, notes=notes)


def radians_note(
    name: str,
    angles: NDArray[np.float64],  # (F, A), as the file has them
    mends: str,
) -> str:
    """Sentence on angles in degrees that are as small as those in radians; empty where not."""
    if not angles.size or np.abs(angles).max() > _TURN or np.ptp(angles, axis=0).max() < _MOVING:
        return ""
    return (
        f"{name}: no rotation is beyond {np.abs(angles).max():.3g} degrees, as if they "
        f"were radians: {mends}"
    )
