"""Physical checks as tables no wider than 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from painet_cli.evaluation.physics.checks import PhysicsReport
from painet_cli.evaluation.physics.geometry import MotionFigures
from painet_cli.report.tables.layout import Columns, digits, lay_out, shown_steps

MOST_STEPS = 10
"""Steps that a table shows, evenly spread with the first and the last; all are in the JSON."""
MOST_MOBILE = 5
"""Residues that the table of RMSF shows."""
_DIGITS = 3


def physics_tables(report: PhysicsReport, title: str = "Physical checks") -> list[RenderableType]:
    """Lay out a report: what was found, figures a step, who moves most, and a footnote.

    Parameters
    ----------
    report
        The checks.
    title
        What the first lines say the checks are of.
    """
    found = Text(f"{title}\n", style="bold")
    found.append("\n".join(f"- {sentence}" for sentence in report.findings), style="not bold")
    return [
        found,
        Text(""),
        *lay_out("Shape a step", *_steps(report)),
        *lay_out("RMSF, largest first", *_mobile(report)),
        Text("\n".join(_footnotes(report))),
    ]


def _steps(report: PhysicsReport) -> tuple[Columns, Columns]:
    """Names and figures of the start, then of the prediction and the truth at each step."""
    rows: list[tuple[str, str, MotionFigures | None, int]] = [("0", "start", None, 0)]
    for step in shown_steps(report.steps, MOST_STEPS):
        rows.append((str(step + 1), "predicted", report.predicted, step))
        if report.truth:
            rows.append(("", "truth", report.truth, step))
    columns: Columns = {}
    if report.predicted.bonds:
        columns["bond error"] = [
            _number(m.bonds.mean[k] if m and m.bonds else None) for *_, m, k in rows
        ]
        columns["largest"] = [_share(m, k) for *_, m, k in rows]
        columns["worst bond"] = [m.worst_bonds[k] if m else "-" for *_, m, k in rows]
    if report.predicted.clashes:
        columns["clashes"] = [
            _number(m.clashes[k] if m and m.clashes else report.clashes_start) for *_, m, k in rows
        ]
    columns["Rg"] = [_number(m.gyration[k] if m else report.gyration_start) for *_, m, k in rows]
    columns["RMSD"] = [_number(m.rmsd[k] if m else None) for *_, m, k in rows]
    columns["in place"] = [_number(m.rmsd_in_place[k] if m else None) for *_, m, k in rows]
    names = {"t": [t for t, *_ in rows], "": [name for _, name, *_ in rows]}
    return names, columns


def _mobile(report: PhysicsReport) -> tuple[Columns, Columns]:
    predicted = report.predicted.rmsf
    most = np.argsort(-np.asarray(predicted), kind="stable")[:MOST_MOBILE].tolist()
    names = [f"mean of {len(predicted)}", *(report.rmsf_labels[k] for k in most)]
    columns = {"predicted": _rmsf_cells(predicted, most)}
    if report.truth:
        columns["truth"] = _rmsf_cells(report.truth.rmsf, most)
    return {report.rmsf_of.capitalize(): names}, columns


def _rmsf_cells(rmsf: Sequence[float], most: Sequence[int]) -> list[str]:
    return [_number(float(np.mean(rmsf))), *(_number(rmsf[k]) for k in most)]


def _number(value: float | None) -> str:
    return "-" if value is None else digits(value, _DIGITS)


def _share(motion: MotionFigures | None, step: int) -> str:
    if motion is None or motion.bonds is None:
        return "-"
    percent = 100 * motion.bonds.maximum_share[step]
    return f"{percent:.1f} %" if percent < 100 else f"{digits(percent, _DIGITS)} %"


def _footnotes(report: PhysicsReport) -> list[str]:
    lines = [
        f"{report.starts} start{'s' * (report.starts > 1)}; lengths in {report.unit}; "
        "means over starts.",
        "RMSD: to the start, superposed; in place: without superposition.",
        f"Rg: radius of gyration, {'by mass' if report.mass_weighted else 'all particles alike'}.",
        f"RMSF: about the mean of the start and the {_steps_text(report.steps)}, superposed on the "
        "start.",
    ]
    if report.predicted.bonds:
        lines.insert(
            1,
            "Bond error: mean |l - l0| against the start; largest: of |l - l0| / l0 over all bonds "
            "and starts, and whose it is.",
        )
    lines.append(f"Clashes: {report.clash_criterion}.")
    return lines


def _steps_text(steps: int) -> str:
    return f"{steps} step{'s' if steps > 1 else ''} after it"
