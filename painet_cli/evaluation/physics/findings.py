"""What physical checks found, in sentences."""

from __future__ import annotations

import math

import numpy as np

from painet_cli.evaluation.physics.contact import FootContact
from painet_cli.evaluation.physics.geometry import MotionFigures

BOND_BOUND = 0.25
"""A chemical bond off by more than this share of its length is called broken: the tolerance of
PoseBusters (Buttenschoen, Morris and Deane, Chem. Sci. 15, 3130 (2024)). Thermal motion stays
below: at most 24 % between two frames of MD17's molecules at 500 K, 19 % in adenylate kinase
(measured; but the hydrogen that salicylic acid's oxygens share is 50 % off)."""
BONE_BOUND = 0.1
"""The same for bones and other links that are not chemical. Viewers see changes of 3 % when they
attend to a limb and may miss 20 % when they do not (Harrison, Rensink and van de Panne, SIGGRAPH
2004); a tenth lies between."""
GYRATION_BOUND = 0.2
"""A radius of gyration that changes by more than this share says that the system collapses or
explodes: adenylate kinase opening its lids, a large motion for a protein, changes it by 18 %
(measured on the DIMS transitions of Beckstein et al. (2009) that MDAnalysis ships)."""
MOTION_FACTOR = 2.0
"""An RMSD this many times that of what happened, or less by as much, is remarked upon: least
squares rewards predictions that move too little."""


def bond_bound(length_unit: str) -> float:
    """Share of its length by which a bond may be off."""
    return BOND_BOUND if length_unit == "angstrom" else BONE_BOUND


def findings_of(
    predicted: MotionFigures,
    truth: MotionFigures | None,
    *,
    starts: int,
    clashes_start: float | None,
    gyration_start: float,
    unit: str,
    contact: FootContact | None,
) -> list[str]:
    """Say what is broken, a sentence each, or that nothing is; then how far particles move.

    Each kind of trouble is told at the step where it is worst, beside what happened where known.
    """
    broken = [
        sentence
        for sentence in (
            _not_finite(predicted, starts),
            _bonds(predicted, truth, unit),
            _clashes(predicted, truth, clashes_start),
            _gyration(predicted, truth, gyration_start, unit),
            contact.sentence if contact and contact.skates else None,
        )
        if sentence
    ]
    motion = _moved(predicted, truth, unit)
    standing = [contact.sentence] if contact and not contact.skates else []
    return (broken or [_sound(predicted)]) + standing + ([motion] if motion else [])


def _not_finite(predicted: MotionFigures, starts: int) -> str | None:
    bad = [step for step, count in enumerate(predicted.left_out, 1) if count]
    if not bad:
        return None
    most = max(predicted.left_out)
    return (
        f"from step {bad[0]} on: up to {most} of {starts} predicted frames hold NaN or infinite "
        "positions; the figures are without them"
    )


def _bonds(predicted: MotionFigures, truth: MotionFigures | None, unit: str) -> str | None:
    bonds = predicted.bonds
    if bonds is None or max(bonds.maximum_share) <= bond_bound(unit):
        return None
    step = int(np.argmax(bonds.maximum_share))
    length, rest = bonds.worst_length[step], bonds.worst_start_length[step]
    way = "longer" if length > rest else "shorter"
    text = (
        f"step {step + 1}: bond {predicted.worst_bonds[step]} is {length:.3g} {unit}, "
        f"{_percent(bonds.maximum_share[step])} {way} than at the start; "
        f"{bonds.broken[step]:,} of {bonds.looked_at[step]:,} bonds off by more than "
        f"{_percent(bond_bound(unit))}"
    )
    if truth and truth.bonds:
        text += (
            f" (truth: {truth.bonds.broken[step]:,}, the largest off by "
            f"{_percent(truth.bonds.maximum_share[step])})"
        )
    return text


def _clashes(
    predicted: MotionFigures, truth: MotionFigures | None, at_start: float | None
) -> str | None:
    if predicted.clashes is None or at_start is None:
        return None
    happened = truth.clashes if truth and truth.clashes else [0.0] * len(predicted.clashes)
    more = [
        count - max(at_start, other)
        for count, other in zip(predicted.clashes, happened, strict=True)
    ]
    worst = float(np.nanmax([*more, 0.0]))
    if worst <= 0:
        return None
    step = more.index(worst)
    text = (
        f"{_number(predicted.clashes[step])} clashes a frame at step {step + 1}, "
        f"{_number(at_start)} at the start"
    )
    return f"{text} (truth: {_number(happened[step])})" if truth else text


def _gyration(
    predicted: MotionFigures, truth: MotionFigures | None, at_start: float, unit: str
) -> str | None:
    expected = truth.gyration if truth else [at_start] * len(predicted.gyration)
    change = [
        radius / other - 1 if other > 0 else 0.0
        for radius, other in zip(predicted.gyration, expected, strict=True)
    ]
    off = [abs(share) if math.isfinite(share) else 0.0 for share in change]
    if max(off) <= GYRATION_BOUND:
        return None
    step = int(np.argmax(off))
    way = "larger" if change[step] > 0 else "smaller"
    return (
        f"step {step + 1}: radius of gyration {predicted.gyration[step]:.3g} {unit}, "
        f"{_percent(off[step])} {way} than {'truth' if truth else 'at the start'}"
    )


def _moved(predicted: MotionFigures, truth: MotionFigures | None, unit: str) -> str | None:
    if truth is None or not (truth.rmsd[-1] > 0 and predicted.rmsd[-1] > 0):
        return None
    ratio = predicted.rmsd[-1] / truth.rmsd[-1]
    if 1 / MOTION_FACTOR <= ratio <= MOTION_FACTOR:
        return None
    times, way = (ratio, "more") if ratio > 1 else (1 / ratio, "less")
    return (
        f"moves {way} than truth: RMSD to the start {predicted.rmsd[-1]:.3g} {unit} at step "
        f"{len(predicted.rmsd)}, truth {truth.rmsd[-1]:.3g} ({times:.2g} times {way})"
    )


def _sound(predicted: MotionFigures) -> str:
    said = []
    if predicted.bonds:
        said.append(f"bonds within {_percent(max(predicted.bonds.maximum_share))} of the start")
    if predicted.clashes is None:
        said.append("clashes not counted")
    else:
        said.append("no more clashes than at the start" if any(predicted.clashes) else "no clashes")
    return f"nothing broken: {', '.join(said)}"


def _percent(share: float) -> str:
    percent = 100 * share
    if percent < 0.01:  # rounding of rigid motion
        return "0 %"
    return f"{percent:.2g} %" if percent < 9.95 else f"{percent:.0f} %"


def _number(count: float) -> str:
    if count == 0:
        return "none"
    return f"{count:.2g}" if count < 9.95 else f"{count:.0f}"
