"""Whether error bars hold: radii from validation windows, tried on other windows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from painet_cli.evaluation.sampled import Sampled
from painet_cli.prediction.adapting.conformal import coverage, radii

MOST_WINDOWS = 1000
"""Windows that radii are taken from, and as many that they are tried on."""


@dataclass(frozen=True)
class Coverage:
    """Radii that held 90 % of the particles of validation windows, and what they hold elsewhere.

    Attributes
    ----------
    radius_90
        The radius for all particles at each step, unit of length.
    coverage
        Share of the particles of the other windows within their own radius, at each step.
    taken_from, tried_on
        Windows of validation, and others.
    """

    radius_90: list[float]
    coverage: list[float]
    taken_from: int
    tried_on: int

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def measure_coverage(validation: Sampled, other: Sampled) -> Coverage:
    """Take radii by step and particle from validation windows, and try them on other ones.

    Validation windows chose the epoch, and nothing else was learned from them.
    """
    radius_90, radius = radii(validation.predicted, validation.truth)
    held = coverage(other.predicted, other.truth, radius)
    counts = (len(one.numbers) for one in (validation, other))
    return Coverage(radius_90.tolist(), held.tolist(), *counts)
