"""Whether a prediction is one at all: bonds against the start, and how far particles have moved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.lengths import bond_lengths, parts_of
from painet_cli.data.particles.particles import Particles
from painet_cli.data.particles.structure import holds_lengths
from painet_cli.errors import PainetError

SEVERAL_FOLD = 3.0
"""A bond so many times as long as at the start says that the prediction runs away."""
DISTORTED = (0.6, 1.5)
"""Shares of their length at the start between which bonds are called bonds still. Thermal motion
stays well within (`THERMAL`)."""
FAR_BEYOND = 10.0
"""Times the way that particles go straight on at the speed of training, or their own."""

Verdict = Literal["plausible", "distorted", "runs away"]


@dataclass(frozen=True)
class Sanity:
    """What predicted steps look like beside their start, an entry a step, over all starts.

    Attributes
    ----------
    shortest, longest
        Of bonds, as shares of their length at the start; empty where no bonds hold a length.
    worst
        Which bond is farthest from its length at the worst step, in words.
    moved
        Farthest root mean square displacement of a start's particles, in the unit of length.
    lost
        Why later steps were left out; empty where none was.
    """

    shortest: list[float]
    longest: list[float]
    worst: str
    moved: list[float]
    lost: str = ""

    @property
    def verdict(self) -> Verdict:
        """The prediction in a word."""
        if self.lost:
            return "runs away"
        low, high = DISTORTED
        off = min(self.shortest, default=1.0) < low or max(self.longest, default=1.0) > high
        return "distorted" if off else "plausible"

    @property
    def sentence(self) -> str:
        """The same for a reader; empty where there is nothing to say."""
        if self.lost:
            return f"the prediction runs away: {self.lost}, it ends before"
        if self.verdict == "plausible":
            return ""
        return (
            f"the prediction is distorted: {self.worst}; bonds are {min(self.shortest):.2f} to "
            f"{max(self.longest):.2f} times as long as at the start"
        )

    def plain(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            "verdict": self.verdict,
            "said": self.sentence,
            "shortest_bond": self.shortest,
            "longest_bond": self.longest,
            "moved": self.moved,
        }


def first_lost_step(
    predicted: NDArray[np.floating],  # (S, T, N, 3)
    start: NDArray[np.floating],  # (S, N, 3)
    particles: Particles,
    allowed: NDArray[np.floating] | None,  # (T,)
) -> tuple[int, int, str] | None:
    """Find the first step that is no prediction: its number, whose start, and why.

    Parameters
    ----------
    allowed
        (T,) farthest root mean square displacement that is believed; None where it is not known.
    """
    finite = np.isfinite(predicted).all(axis=(2, 3))
    found: list[tuple[int, int, str]] = []
    if not finite.all():
        step = int(np.argmin(finite.all(axis=0)))
        of, particle = np.argwhere(~np.isfinite(predicted[:, step]).all(axis=-1))[0].tolist()
        name = particles.names[particle]
        found.append((step, of, f"holds NaN or infinity, first at particle {particle} ({name})"))
    with np.errstate(invalid="ignore", over="ignore"):
        longest, bond, _ = _ratios(predicted, start, particles)
        moved = _moved(predicted, start)
    if longest.size and (longest > SEVERAL_FOLD).any():
        step = int(np.argmax((longest > SEVERAL_FOLD).any(axis=0)))
        of = int(np.argmax(longest[:, step]))
        times = longest[of, step]
        name = _bond_name(particles, int(bond[of, step]))
        found.append((step, of, f"has bond {name} {times:.3g} times as long as at the start"))
    if allowed is not None and (moved > allowed).any():
        step = int(np.argmax((moved > allowed).any(axis=0)))
        of = int(np.argmax(moved[:, step]))
        said = f"is {moved[of, step]:.3g} away from its start, more than {allowed[step]:.3g}"
        found.append((step, of, said))
    return min(found, key=lambda one: one[0]) if found else None


def believed_steps(
    predicted: NDArray[np.floating],  # (S, T, N, 3)
    start: NDArray[np.floating],  # (S, N, 3)
    particles: Particles,
    numbers: NDArray[np.int64],  # (S,)
    allowed: NDArray[np.floating] | None,  # (T,)
) -> tuple[NDArray[np.floating], str]:
    """Steps before the first that is no prediction from some start, and what is wrong with that.

    Parameters
    ----------
    numbers
        (S,) frames of the recording that the starts are, for messages.
    allowed
        As of `first_lost_step`.

    Raises
    ------
    PainetError
        It is the first step of all.
    """
    found = first_lost_step(predicted, start, particles, allowed)
    if found is None:
        return predicted, ""
    step, of, why = found
    lost = f"step {step + 1} of {predicted.shape[1]:,} from frame {numbers[of]} {why}"
    if step == 0:
        raise PainetError(
            f"the prediction runs away at once: {lost}",
            "train longer, or choose another checkpoint (`painet checkpoints`)",
        )
    return predicted[:, :step], lost


def sanity_of(
    predicted: NDArray[np.floating],  # (S, T, N, 3), finite
    start: NDArray[np.floating],  # (S, N, 3)
    particles: Particles,
    lost: str,
) -> Sanity:
    """Measure a prediction against its starts."""
    longest, far, shortest = _ratios(predicted, start, particles)
    moved = _moved(predicted, start).max(axis=0).tolist()
    if not longest.size:
        return Sanity([], [], "", moved, lost)
    off = np.maximum(np.abs(np.log(longest)), np.abs(np.log(np.maximum(shortest, 1e-6))))
    of, step = np.unravel_index(int(np.argmax(off)), off.shape)
    name = _bond_name(particles, int(far[of, step]))
    return Sanity(
        shortest.min(axis=0).tolist(),
        longest.max(axis=0).tolist(),
        f"step {int(step) + 1}, bond {name}",
        moved,
        lost,
    )


def allowed_displacement(
    offsets: NDArray[np.int64],  # (T,)
    trained_speed: float | None,
    velocities: NDArray[np.floating],  # (S, N, 3)
) -> NDArray[np.float64] | None:
    """(T,) displacements up to which a prediction is believed; None where no speed is known.

    Parameters
    ----------
    offsets
        Frames to each step.
    trained_speed
        Root mean square of speeds in training, unit of length a frame.
    velocities
        At the starts, in the same unit.
    """
    own = np.sqrt(np.square(velocities.astype(np.float64)).sum(axis=-1).mean(axis=-1)).max()
    speed = max(trained_speed or 0.0, float(own))
    if trained_speed is None or not math.isfinite(speed) or speed == 0:
        return None
    allowed: NDArray[np.float64] = FAR_BEYOND * speed * np.maximum(offsets, 1.0)
    return allowed


def _ratios(
    predicted: NDArray[np.floating],  # (S, T, N, 3)
    start: NDArray[np.floating],  # (S, N, 3)
    particles: Particles,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """(S, T) longest bond, the bond that is farthest off, and the shortest, against the start."""
    count, steps = predicted.shape[:2]
    if not holds_lengths(particles):
        return np.zeros((0, steps)), np.zeros((0, steps), dtype=np.int64), np.zeros((0, steps))
    ends = np.asarray(particles.bonds, dtype=np.int64)
    longest, shortest = np.ones((count, steps)), np.ones((count, steps))
    far = np.zeros((count, steps), dtype=np.int64)
    for part in parts_of(count, steps * len(ends)):
        rest = bond_lengths(start[part], ends)[:, None]
        length = bond_lengths(predicted[part], ends)
        ratio = np.divide(length, rest, out=np.ones_like(length), where=rest > 0)
        ratio = np.where(np.isfinite(ratio), ratio, 1.0)
        longest[part], shortest[part] = ratio.max(axis=-1), ratio.min(axis=-1)
        far[part] = np.abs(np.log(np.maximum(ratio, 1e-6))).argmax(axis=-1)
    return longest, far, shortest


def _moved(
    predicted: NDArray[np.floating], start: NDArray[np.floating]
) -> NDArray[np.float64]:  # (S, T)
    moved = np.empty(predicted.shape[:2])
    for part in parts_of(len(start), predicted.shape[1] * predicted.shape[2]):
        far = predicted[part].astype(np.float64) - start[part, None]
        moved[part] = np.sqrt(np.square(far).sum(axis=-1).mean(axis=-1))
    return moved


def _bond_name(particles: Particles, bond: int) -> str:
    """Two particles as a reader knows them: `CA12-C12`, or `C-C (0, 1)` where names are alike."""
    i, j = particles.bonds[bond]
    numbers = particles.residue_ids
    first, second = (
        f"{particles.names[k]}{numbers[k] if numbers and numbers[k] != 1 else ''}" for k in (i, j)
    )
    alike = len(set(particles.names)) < len(particles.names) and not numbers
    return f"{first}-{second}" + (f" ({i}, {j})" if alike else "")
