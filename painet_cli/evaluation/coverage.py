"""Whether error bars hold: radii from validation windows, tried on other windows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from painet_cli.evaluation.sampled import Sampled
from painet_cli.models.confidence.radii import coverage, distances, fit_radii

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
    errors = distances(validation.predicted, validation.truth)
    radii = fit_radii(errors, None, len(errors))
    held = coverage(other.predicted, other.truth, radii.of(None, len(other.numbers)))
    counts = (len(one.numbers) for one in (validation, other))
    return Coverage(radii.pooled.tolist(), held.tolist(), *counts)
