"""Molecules: torsions, radius of gyration, fluctuation, and frames with nothing broken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from painet_cli.data.particles.masses import atomic_masses
from painet_cli.data.particles.particles import Particles
from painet_cli.data.particles.structure import holds_lengths
from painet_cli.evaluation.distributions.frames import FrameSet
from painet_cli.evaluation.distributions.report import Row
from painet_cli.evaluation.distributions.torsions import (
    angle_distance,
    angles,
    torsions_of,
)
from painet_cli.evaluation.physics.checks import step_means
from painet_cli.evaluation.physics.clashes import clash_check
from painet_cli.evaluation.physics.findings import BOND_BOUND
from painet_cli.evaluation.physics.geometry import bond_shares, displacement, gyration

_GYRATION_BINS = 30
_FEWEST = 4  # particles whose fluctuations are correlated
_STILL = 1e-4  # of the size, a fluctuation that is rounding


@dataclass(frozen=True, eq=False)
class Shape:
    """What is compared of one set of frames.

    Attributes
    ----------
    frames, kept
        How many there are, and in how many no bond is broken and no pair too close.
    angles
        (F, K) degrees by kind of torsion.
    gyration
        (F,) radius of gyration.
    rmsf
        (N,) fluctuation about the mean of a start and its steps, superposed on the start.
    rmsd
        (T,) RMSD to the start, superposed, mean over the starts.
    """

    frames: int
    kept: int
    angles: dict[str, NDArray[np.float64]]
    gyration: NDArray[np.float64]
    rmsf: NDArray[np.float64]
    rmsd: list[float]


class Molecules:
    """Measures sets of frames of one molecule.

    Parameters
    ----------
    particles
        Who moves.
    """

    step_figure = "RMSD to the start, superposed"

    def __init__(self, particles: Particles) -> None:
        self._torsions = torsions_of(particles)
        self._weights, self._by_mass = atomic_masses(particles)
        self._clashes = clash_check(particles, "angstrom")
        held = holds_lengths(particles)
        self._bonds = np.array(particles.bonds if held else (), dtype=np.int64).reshape(-1, 2)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the figures are."""
        counts = ", ".join(f"{len(rows)} {kind}" for kind, rows in self._torsions.items())
        counted = self._clashes.bounds is not None
        kept = [f"{'no' if counted else 'clashes'} {self._clashes.criterion}"]
        if len(self._bonds):
            kept.append(f"bonds within {BOND_BOUND:.0%} of their length at the start")
        return (
            f"JS: Jensen-Shannon distance, 0 alike to 1 apart; torsions: {counts or 'none'}.",
            f"Rg: radius of gyration, {'by mass' if self._by_mass else 'all particles alike'}; "
            "RMSF r: correlation of the particles' fluctuations.",
            f"Kept: {'; '.join(kept)}.",
        )

    def measure(self, of: FrameSet) -> Shape:
        """Measure one set of frames; those that are no numbers are not kept."""
        flat, finite = of.flat, of.finite
        stand_in = np.where(finite[..., None, None], of.frames, of.start[:, None])
        moved = displacement(of.start, stand_in, ~finite)
        whole = np.ones(len(flat), dtype=bool)
        if self._clashes.bounds is not None and len(flat):
            whole &= self._clashes.counts(flat) == 0
        if len(self._bonds) and len(flat):
            starts = np.repeat(np.arange(len(of.start)), finite.sum(axis=1))
            shares = bond_shares(of.start[starts], flat, self._bonds)
            whole &= shares.max(axis=1) <= BOND_BOUND
        return Shape(
            finite.size,
            int(whole.sum()),
            {kind: angles(flat, rows) for kind, rows in self._torsions.items()},
            gyration(flat, self._weights),
            moved.rmsf,
            step_means(moved.rmsd, ~finite),
        )

    def row(self, name: str, own: Shape, reference: Shape) -> Row:
        """Hold one set against another."""
        figures: dict[str, float | None] = {
            f"JS {kind}": angle_distance(values, reference.angles[kind]) if len(values) else None
            for kind, values in own.angles.items()
        }
        figures["JS Rg"] = _distance(own.gyration, reference.gyration)
        figures["Rg"] = float(own.gyration.mean()) if len(own.gyration) else None
        figures["Rg sd"] = float(own.gyration.std()) if len(own.gyration) else None
        size = float(reference.gyration.mean()) if len(reference.gyration) else 0.0
        figures["RMSF r"] = _correlation(own.rmsf, reference.rmsf, _STILL * size)
        return Row(name, own.frames, own.kept, figures, own.rmsd)


def _distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Jensen-Shannon distance of two sets of numbers, by histograms over the range of both."""
    if not len(first) or not len(second):
        return None
    low, high = (f([f(first), f(second)]) for f in (np.min, np.max))
    edges = np.linspace(low, high if high > low else low + 1.0, _GYRATION_BINS + 1)
    shares = (np.histogram(values, edges)[0] for values in (first, second))
    return float(jensenshannon(*shares, base=2))


def _correlation(
    first: NDArray[np.float64], second: NDArray[np.float64], still: float
) -> float | None:
    """Pearson's; None of few particles, or where one set does not fluctuate."""
    if len(first) < _FEWEST or not all(
        np.isfinite(one).all() and one.max() > still and np.ptp(one) > 0 for one in (first, second)
    ):
        return None
    return float(np.corrcoef(first, second)[0, 1])
