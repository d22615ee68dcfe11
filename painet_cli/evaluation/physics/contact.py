"""Whether feet that stand on the ground stay where they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.motion.length_units import METRES_OF
from painet_cli.data.particles.names import AXES, Axis
from painet_cli.data.particles.particles import Particles

LOW_M = 0.02
"""Metres above the lowest that a foot has been at, below which it counts as on the ground."""
SKATING = 2.0
"""Feet skate that are so many times as fast, while low, as those of what happened."""
SKATING_ALONE_M_S = 0.5
"""Metres a second from which on they skate where it is not known what happened: over 50 ms the feet
of CMU's subject 35, walking, move at 0.15 on average while they are low, those of subject 9,
running, at 0.22 (their test windows)."""
FEET = re.compile(r"foot|toe|ankle", re.IGNORECASE)


@dataclass(frozen=True)
class FootContact:
    """How fast feet move along the ground while they are low, metres a second.

    Attributes
    ----------
    feet
        Names of the joints that count as feet.
    predicted, truth
        Mean speed over all steps of all starts, between two steps at which the foot is low; None
        where none is.
    """

    feet: list[str]
    predicted: float | None
    truth: float | None

    @property
    def skates(self) -> bool:
        """Whether predicted feet are much too fast for feet that stand."""
        if self.predicted is None:
            return False
        allowed = SKATING_ALONE_M_S if self.truth is None else SKATING * self.truth
        return self.predicted > allowed

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        low = f"feet within {100 * LOW_M:.0f} cm of the ground"
        if self.predicted is None:
            return f"no {low}"
        beside = "" if self.truth is None else f" (truth: {self.truth:.2g})"
        skate = "feet skate: " if self.skates else ""
        return f"{skate}{low} move along it at {self.predicted:.2g} m/s{beside}"


def foot_contact(
    start: NDArray[np.floating],  # (S, N, 3)
    predicted: NDArray[np.floating],  # (S, T, N, 3)
    truth: NDArray[np.floating] | None,  # (S, T, N, 3)
    particles: Particles,
    times_s: NDArray[np.floating],  # (T,) or (S, T)
    length_unit: str,
    up_axis: Axis | None,
) -> FootContact | None:
    """Measure feet on the ground; None of what has no feet, height or unit known in metres.

    The ground is, of each start, the lowest that one of its feet is at in the frames that are
    known: the start, and what happened.

    Parameters
    ----------
    times_s
        Seconds from the starts to each step.
    """
    feet = [k for k, name in enumerate(particles.names) if FEET.search(name)]
    metres = METRES_OF.get(length_unit)
    if not feet or up_axis is None or metres is None:
        return None
    up = AXES.index(up_axis)
    begin = start[:, None, feet].astype(np.float64) * metres
    known = [begin] if truth is None else [begin, truth[:, :, feet] * metres]
    ground = np.concatenate(known, axis=1)[..., up].min(axis=(1, 2))  # (S,)
    gaps = np.diff(times_s, prepend=0.0)

    def speed(frames: NDArray[np.floating]) -> float | None:
        path = np.concatenate([begin, frames[:, :, feet].astype(np.float64) * metres], axis=1)
        low = path[..., up] < ground[:, None, None] + LOW_M
        along = np.delete(np.diff(path, axis=1), up, axis=-1)
        fast = np.linalg.norm(along, axis=-1) / gaps[..., None]
        both = low[:, 1:] & low[:, :-1] & np.isfinite(fast)
        return float(fast[both].mean()) if both.any() else None

    return FootContact(
        [particles.names[k] for k in feet],
        speed(predicted),
        None if truth is None else speed(truth),
    )
