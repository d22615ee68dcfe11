"""What stands below tables of evaluations: what figures are of, and what a model loses to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING

from painet_cli.evaluation.yardsticks import better, on_training, reported
from painet_cli.report.tables.layout import digits
from painet_cli.report.tables.paper import PaperFigure, paper_figure

if TYPE_CHECKING:  # a prediction lays out its own tables, and need not wait for the training's code
    from painet_cli.evaluation.coverage import Coverage
    from painet_cli.evaluation.evaluation import Evaluation


@dataclass(frozen=True)
class SeedRow:
    """Runs that differ in nothing but their seed."""

    runs: list[Evaluation]

    @property
    def first(self) -> Evaluation:
        """What is the same of all of them."""
        return self.runs[0]

    @cached_property
    def paper(self) -> PaperFigure | None:
        """What the paper printed of the same prediction."""
        printed = paper_figure(self.first.preset, self.first.model)
        first = self.first
        comparable = (
            printed
            and first.as_published
            and first.split == "test"
            and first.horizon == printed.horizon
        )
        return printed if comparable else None


def footnotes(rows: Sequence[SeedRow]) -> list[str]:
    """Say what the figures are of, each line once."""
    every = [e for row in rows for e in row.runs]
    lines = [
        "MSE: mean over windows, particles and coordinates; MSD = 3 x MSE.",
        *(
            f"{e.preset} reports the last step alone: its MSD is 3 x F-MSE."
            for e in every
            if e.mse == e.f_mse != e.a_mse
        ),
        *(
            f"{e.dataset}{f' ({e.label})' if e.label else ''}: MSE in {e.unit}; "
            f"{e.split_kind} split, {100 * e.leak:.3g} % of test "
            "windows overlap a training window."
            for e in every
        ),
        *(
            f"{e.preset}: trained to T = {e.trained_horizon}, later steps rolled out."
            for e in every
            if e.horizon > e.trained_horizon
        ),
        *(
            f"(!) {e.preset}: its velocity is the difference to the frame of the first step, so "
            "that the error of this step is no prediction's (data.velocity=before)."
            for e in every
            if e.answer_given
        ),
        *(
            f"{e.preset}, {e.run.name}: never validated; weights as they were after {e.epochs} "
            "whole epochs."
            for e in every
            if not e.validated
        ),
        *(f"Predicted on {e.device}; peak memory: {e.memory_kind}." for e in every),
    ]
    if any(row.first.superposed_step_mse for row in rows):
        lines.append("Superposed: A-MSE of every step's target laid on its prediction (Kabsch).")
    lines.extend(on_training(e.preset, e.yardsticks) for e in every if e.split == "train")
    lines.extend(_held(row, bars) for row in rows if (bars := row.first.coverage))
    if any(len(row.runs) > 1 for row in rows):
        lines.append("±: sample standard deviation over seeds; peak memory is the largest.")
    lines.extend(line for row in rows for line in _losses(row))
    if any(row.paper for row in rows):
        lines.append("Paper: PAINET's Tables 1 to 4, mean ± standard deviation where printed.")
    return [line for line in dict.fromkeys(lines) if line]


def _losses(row: SeedRow) -> list[str]:
    """What a row loses to, raw and superposed."""
    first, lines = row.first, []
    mse = fmean(e.mse for e in row.runs)
    raw = {k: reported(s, first.mse, first.f_mse) for k, s in first.yardsticks.items()}
    measured = [("", mse, raw)]
    if first.superposed_step_mse:
        laid = fmean(fmean(e.superposed_step_mse) for e in row.runs)
        means = {name: fmean(steps) for name, steps in first.superposed_yardsticks.items()}
        measured.append((" superposed", laid, means))
    for how, own, means in measured:
        if rivals := better(own, means):
            said = ", ".join(f"{name} ({digits(mean)})" for name, mean in rivals)
            lines.append(f"{first.model} on {first.preset}{how}, {digits(own)}, LOSES to: {said}.")
    return lines


def _held(row: SeedRow, bars: Coverage) -> str:
    e = row.first
    of_seed = f", seed {e.seed}" * (len(row.runs) > 1)
    whose = "each particle's own radius holds"
    if bars.source == "checkpoint":
        scaled = ", scaled by the model's spread" if bars.spread else ""
        radius = f"those that the checkpoint keeps{scaled}"
    else:
        radius = (
            "the checkpoint keeps none, so the radius within which 90 % of the particles of "
            f"{bars.taken_from:,} validation windows came to lie"
        )
    return (
        f"90 % error bars of {e.model} on {e.preset}{of_seed}: {radius}; and what share {whose} in "
        f"{bars.tried_on:,} {e.split} windows. Radii in {e.unit.removesuffix('²')}."
    )
