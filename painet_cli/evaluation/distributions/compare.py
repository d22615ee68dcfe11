"""A prediction, yardsticks and a reference: from sets of frames to a report of distributions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.particles import Particles
from painet_cli.evaluation.distributions.frames import FrameSet
from painet_cli.evaluation.distributions.molecules import Molecules
from painet_cli.evaluation.distributions.motion import Motions
from painet_cli.evaluation.distributions.report import Distribution, Row

Measured = TypeVar("Measured")


class Measures(Protocol[Measured]):
    """Measures sets of frames of one system, and holds one against another."""

    def measure(self, of: FrameSet) -> Measured:
        """Measure one set."""

    def row(self, name: str, own: Measured, reference: Measured) -> Row:
        """Figures of one set beside another."""


Guess = tuple[str, NDArray[np.floating]]
"""A name and (S, T, N, 3) positions."""


def compare(
    start: NDArray[np.floating],  # (S, N, 3)
    guesses: Iterable[Guess],
    reference: FrameSet,
    said: str,
    particles: Particles,
    *,
    length_unit: str,
    up_axis: Axis | None,
    times_s: NDArray[np.float64],  # (T,) or (S, T)
) -> Distribution:
    """Hold the distributions of predicted frames against those of a reference.

    Parameters
    ----------
    start
        Where the guesses start.
    guesses
        The prediction first, then yardsticks; measured one after the other.
    reference
        Real frames: what happened, or what is known of the same run.
    said
        What the reference is, for a reader.
    particles
        Who moves; molecules are what is in angstrom.
    times_s
        Seconds from the starts to each step of the guesses.
    """
    molecule = length_unit == "angstrom"
    if molecule:
        molecules = Molecules(particles)
        figure, notes = f"{molecules.step_figure}, {length_unit}", molecules.notes
        rows, steps = _rows(molecules, start, times_s, guesses, reference, said)
    else:
        motions = Motions(particles, up_axis, reference)
        figure, notes = motions.step_figure, motions.notes
        rows, steps = _rows(motions, start, times_s, guesses, reference, said)
    kind = "molecule" if molecule else "motion"
    every = (*notes, _halves(reference, said))
    return Distribution(kind, len(start), steps, said, figure, tuple(rows), every)


def _rows(
    measures: Measures[Measured],
    start: NDArray[np.floating],
    times_s: NDArray[np.float64],
    guesses: Iterable[Guess],
    reference: FrameSet,
    said: str,
) -> tuple[list[Row], int]:
    known, steps, rows = measures.measure(reference), 0, []
    for name, frames in guesses:
        steps = frames.shape[1]
        own = measures.measure(FrameSet(start, frames, times_s))
        rows.append(measures.row(name, own, known))
    if reference.frames.shape[0] * reference.frames.shape[1] > 1:
        first, second = map(measures.measure, reference.halves())
        rows.append(measures.row("second half", second, first))
    rows.append(measures.row(said, known, known))
    return rows, steps


def _halves(reference: FrameSet, said: str) -> str:
    starts, steps = reference.frames.shape[:2]
    if starts * steps == 1:
        return f"Held against {said}, a single frame."
    of = f"{starts:,} starts" if starts > 1 else f"{steps:,} frames"
    return (
        f"Held against {said}; second half: that of its {of} against the first half, the best that "
        "can be expected of frames that do not know their start."
    )
