"""Whether predicted frames could be real: bonds, clashes, size, and how far particles move."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.masses import atomic_masses
from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.particles import Particles, residue_starts
from painet_cli.data.particles.structure import holds_lengths
from painet_cli.errors import PainetError
from painet_cli.evaluation.physics.clashes import ClashCheck, clash_check
from painet_cli.evaluation.physics.contact import FootContact, foot_contact
from painet_cli.evaluation.physics.findings import bond_bound, findings_of
from painet_cli.evaluation.physics.geometry import (
    MotionFigures,
    bond_errors,
    by_residue,
    displacement,
    gyration,
    particle_labels,
    residue_labels,
)
from painet_cli.storage.provenance import finite


@dataclass(frozen=True)
class PhysicsReport:
    """Physical checks of predictions, and of what happened where it is known.

    Attributes
    ----------
    starts, steps, particles
        S, T and N.
    unit
        Unit of length.
    predicted, truth
        Figures of the prediction, and of what happened.
    gyration_start, clashes_start
        Means over the starts themselves.
    mass_weighted
        Whether atomic masses weigh in the radius of gyration; otherwise all particles weigh one.
    clash_criterion
        What counts as a clash, or why none is counted.
    rmsf_of
        `residue` or `particle`.
    rmsf_labels
        Whom the entries of `rmsf` are of.
    findings
        What is broken, a sentence each; one sentence that nothing is, otherwise.
    contact
        Feet on the ground, of skeletons that have some.
    """

    starts: int
    steps: int
    particles: int
    unit: str
    predicted: MotionFigures
    truth: MotionFigures | None
    gyration_start: float
    clashes_start: float | None
    mass_weighted: bool
    clash_criterion: str
    rmsf_of: str
    rmsf_labels: list[str]
    findings: list[str]
    contact: FootContact | None = None

    def plain(self) -> dict[str, Any]:
        """All of it as JSON has it; numbers that JSON cannot hold are None."""
        plain: dict[str, Any] = finite(asdict(self))
        return plain


def physical_checks(
    start: NDArray[np.floating],  # (S, N, 3)
    predicted: NDArray[np.floating],  # (S, T, N, 3)
    particles: Particles,
    *,
    length_unit: str,
    truth: NDArray[np.floating] | None = None,  # (S, T, N, 3)
    times_s: NDArray[np.floating] | None = None,  # (T,) or (S, T)
    up_axis: Axis | None = None,
) -> PhysicsReport:
    """Check predictions from S starts against what bonds and radii allow.

    Parameters
    ----------
    start
        (S, N, 3) positions that predictions start from, whole across periodic boundaries.
    predicted
        (S, T, N, 3) predicted positions; frames that are NaN or infinite are counted and left out.
    particles
        Names, bonds, and elements and residues where known.
    length_unit
        Unit of all positions; radii are known for `angstrom` only.
    truth
        (S, T, N, 3) what happened, where known.
    times_s
        Seconds from the starts to each step, for speeds of feet.
    up_axis
        Direction of height, where there is one.

    Raises
    ------
    PainetError
        There is no start or no step, the shapes do not fit, or a start or the truth is not finite.
    """
    _check_shapes(start, predicted, truth, len(particles.names))
    check = clash_check(particles, length_unit)
    weights, mass_weighted = atomic_masses(particles)
    measured = [
        _motion(start, frames, particles, check, weights, bond_bound(length_unit))
        for frames in (predicted, truth)
        if frames is not None
    ]
    counted = None if check.bounds is None else float(check.counts(start).mean())
    gyration_start = float(gyration(start, weights).mean())
    happened = measured[1] if truth is not None else None
    contact = None
    if times_s is not None:
        contact = foot_contact(start, predicted, truth, particles, times_s, length_unit, up_axis)
    return PhysicsReport(
        starts=len(start),
        steps=predicted.shape[1],
        particles=len(particles.names),
        unit=length_unit,
        predicted=measured[0],
        truth=happened,
        gyration_start=gyration_start,
        clashes_start=counted,
        mass_weighted=mass_weighted,
        clash_criterion=check.criterion,
        rmsf_of="residue" if len(residue_starts(particles)) > 1 else "particle",
        rmsf_labels=residue_labels(particles),
        findings=findings_of(
            measured[0],
            happened,
            starts=len(start),
            clashes_start=counted,
            gyration_start=gyration_start,
            unit=length_unit,
            contact=contact,
        ),
        contact=contact,
    )


def _check_shapes(
    start: NDArray[np.floating],
    predicted: NDArray[np.floating],
    truth: NDArray[np.floating] | None,
    particles: int,
) -> None:
    fits = (
        predicted.ndim == 4
        and start.shape == (len(predicted), particles, 3)
        and predicted.shape[2:] == (particles, 3)
        and predicted.size > 0
        and (truth is None or truth.shape == predicted.shape)
    )
    if not fits:
        raise PainetError(
            f"physical checks: positions of shape {start.shape} and {predicted.shape}",
            f"expected (S, {particles}, 3) and (S, T, {particles}, 3) with S and T at least 1",
        )
    if not np.isfinite(start).all() or (truth is not None and not np.isfinite(truth).all()):
        raise PainetError("physical checks: a known position is NaN or infinite")


def _motion(
    start: NDArray[np.floating],
    frames: NDArray[np.floating],
    particles: Particles,
    check: ClashCheck,
    weights: NDArray[np.float64],
    bound: float,
) -> MotionFigures:
    left_out = ~np.isfinite(frames).all(axis=(2, 3))
    if left_out.any():  # the start stands in, so that all can be computed at once
        frames = np.where(left_out[..., None, None], start[:, None], frames)
    moved = displacement(start, frames, left_out)
    bonds, counts = None, None
    if holds_lengths(particles):
        ends = np.asarray(particles.bonds, dtype=np.int64)
        bonds = bond_errors(start, frames, ends, left_out, bound)
    if check.bounds is not None:
        flat = frames.reshape(-1, *frames.shape[2:])
        counts = step_means(check.counts(flat).reshape(left_out.shape), left_out)
    labels = particle_labels(particles)
    return MotionFigures(
        bonds=bonds,
        worst_bonds=[
            f"{labels[particles.bonds[worst][0]]}-{labels[particles.bonds[worst][1]]}"
            for worst in (bonds.worst if bonds else ())
        ],
        clashes=counts,
        gyration=step_means(gyration(frames, weights), left_out),
        rmsd=step_means(moved.rmsd, left_out),
        rmsd_in_place=step_means(moved.rmsd_in_place, left_out),
        rmsf=by_residue(moved.rmsf, particles).tolist(),
        left_out=left_out.sum(axis=0).tolist(),
    )


def step_means(
    values: NDArray[np.generic],  # (S, T)
    left_out: NDArray[np.bool_],  # (S, T)
) -> list[float]:  # (T,)
    """Mean over the starts that are not left out; NaN where all are."""
    kept = (~left_out).sum(axis=0)
    total = np.where(left_out, 0.0, values.astype(np.float64)).sum(axis=0)
    means = np.divide(total, kept, out=np.full(len(kept), np.nan), where=kept > 0)
    return [float(mean) for mean in means]
