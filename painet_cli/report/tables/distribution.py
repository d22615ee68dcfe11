"""Distributions as tables no wider than 80 columns."""

from __future__ import annotations

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from painet_cli.evaluation.distributions.report import Distribution
from painet_cli.report.tables.layout import digits, lay_out, shown_steps

MOST_STEPS = 6
"""Steps that a table shows, evenly spread with the first and the last; all are in the JSON."""
_DIGITS = 3
_ROUNDING = 1e-4  # of figures that are nought but for rounding of positions


def distribution_tables(
    distribution: Distribution, title: str = "Distributions"
) -> list[RenderableType]:
    """Lay out figures of each set of frames, one of them at each step, and what they are."""
    rows = distribution.rows
    names = {"": [row.name for row in rows]}
    columns = {"kept": [f"{row.kept:,} of {row.frames:,}" for row in rows]} | {
        heading: [_number(row.figures[heading]) for row in rows] for heading in rows[0].figures
    }
    stepped = [row for row in rows if len(row.by_step) == distribution.steps]
    by_step = {
        f"step {k + 1}": [_number(row.by_step[k]) for row in stepped]
        for k in shown_steps(distribution.steps, MOST_STEPS)
    }
    return [
        Text(title, style="bold"),
        Text(""),
        *lay_out(
            f"{_count(distribution.starts, 'start')}, {_count(distribution.steps, 'step')}",
            names,
            columns,
        ),
        *lay_out(distribution.step_figure, {"": [row.name for row in stepped]}, by_step),
        Text("\n".join(distribution.notes)),
    ]


def _number(value: float | None) -> str:
    if value is None or not np.isfinite(value):
        return "-"
    return "0" if abs(value) < _ROUNDING else digits(value, _DIGITS)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
