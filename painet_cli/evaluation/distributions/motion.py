"""Motion: bones that keep their length, and feet that do not slide while they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.names import AXES, Axis
from painet_cli.data.particles.particles import Particles
from painet_cli.data.particles.structure import holds_lengths
from painet_cli.evaluation.distributions.frames import FrameSet
from painet_cli.evaluation.distributions.report import Row
from painet_cli.evaluation.physics.checks import step_means
from painet_cli.evaluation.physics.contact import FEET
from painet_cli.evaluation.physics.findings import BONE_BOUND
from painet_cli.evaluation.physics.geometry import bond_shares

_CONTACT = 0.015
"""Of the body's height, below which a foot stands: 2.5 cm of 1.7 m, as in Zhang et al. 2018,
Mode-adaptive neural networks for quadruped motion control."""
_LOWEST = 1.0  # per cent of a joint's heights in the reference that lie below its ground


@dataclass(frozen=True, eq=False)
class Gait:
    """What is compared of one set of frames.

    Attributes
    ----------
    frames, kept
        How many there are, and in how many all bones are within `BONE_BOUND` of their length.
    bones
        (T,) mean share by which bones are off, in per cent.
    largest
        The largest such share.
    skating
        Horizontal speed of feet that stand, unit of length a second.
    """

    frames: int
    kept: int
    bones: list[float]
    largest: float
    skating: float | None


class Motions:
    """Measures sets of frames of one skeleton.

    Parameters
    ----------
    particles
        Who moves.
    up_axis
        Direction of height, where there is one.
    reference
        Where the ground is, and how tall the body.
    """

    step_figure = "bone lengths off, %"

    def __init__(
        self,
        particles: Particles,
        up_axis: Axis | None,
        reference: FrameSet,
    ) -> None:
        held = holds_lengths(particles)
        self._bones = np.array(particles.bonds if held else (), dtype=np.int64).reshape(-1, 2)
        feet = [k for k, name in enumerate(particles.names) if FEET.search(name)]
        self._feet = np.array(feet if up_axis else [], dtype=np.int64)
        self._up = AXES.index(up_axis) if up_axis else 0
        heights = np.concatenate([reference.start, reference.flat])[..., self._up]
        self._ground = np.percentile(heights[:, self._feet], _LOWEST, axis=0)
        self._tall = float(np.median(np.ptp(heights, axis=1)))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the figures are."""
        skating = (
            f"Skating: horizontal speed of {len(self._feet)} foot joints, a second, weighed by "
            f"2 - 2^(h/H) while their height h is below H, {_CONTACT:.1%} of the body's."
            if len(self._feet)
            else "Skating is not measured: no joint is named foot, toe or ankle, or no axis is up."
        )
        kept = f"Kept: all bones within {BONE_BOUND:.0%} of their length at the start."
        return (kept if len(self._bones) else "There are no bones.", skating)

    def measure(self, of: FrameSet) -> Gait:
        """Measure one set of frames; those that are no numbers are not kept."""
        finite = of.finite
        frames = np.where(finite[..., None, None], of.frames, of.start[:, None])
        shares = bond_shares(of.start[:, None], frames, self._bones)  # (S, T, B)
        worst = shares.max(axis=-1, initial=0.0)
        off = shares.mean(axis=-1) if len(self._bones) else np.zeros(finite.shape)
        return Gait(
            finite.size,
            int((finite & (worst <= BONE_BOUND)).sum()),
            step_means(100 * off, ~finite),
            100 * float(np.where(finite, worst, 0.0).max()),
            self._skating(of, frames),
        )

    def _skating(self, of: FrameSet, frames: NDArray[np.floating]) -> float | None:
        if not len(self._feet) or not self._tall > 0:
            return None
        whole = np.concatenate([of.start[:, None], frames], axis=1)
        feet, gaps = whole[:, :, self._feet].astype(np.float64), np.diff(of.times_s, prepend=0.0)
        over = np.delete(np.diff(feet, axis=1), self._up, axis=-1)
        speed = np.linalg.norm(over, axis=-1) / gaps[..., None]
        height = np.maximum(feet[..., self._up] - self._ground, 0.0)
        share = 0.5 * (height[:, 1:] + height[:, :-1]) / (_CONTACT * self._tall)
        return float((speed * np.clip(2.0 - np.exp2(np.minimum(share, 1.0)), 0.0, 1.0)).mean())

    def row(self, name: str, own: Gait, reference: Gait) -> Row:
        """Figures of one set; a bone's own length is what they are held against."""
        del reference
        figures: dict[str, float | None] = {
            "bones off %": float(np.mean(own.bones)) if len(self._bones) else None,
            "largest %": own.largest if len(self._bones) else None,
            "skating": own.skating,
        }
        return Row(name, own.frames, own.kept, figures, own.bones)
