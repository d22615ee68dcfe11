"""The scaling benchmark as a page: every figure to point at, offline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from plotly.offline import get_plotlyjs

from painet_cli.benchmark.measurement import Mode
from painet_cli.benchmark.scaling import Axis
from painet_cli.benchmark.scaling_plots import look
from painet_cli.benchmark.scaling_rows import (
    QUANTITIES,
    ScalingRow,
    curves,
    exponents,
    footnotes,
    grids,
    panels,
)
from painet_cli.report.tables.evaluation import Columns
from painet_cli.storage.atomic import write_text

_X = {"N": "particles N", "T": "steps T"}
_SYMBOLS = {
    "o": "circle", "s": "square", "^": "triangle-up", "v": "triangle-down", "D": "diamond",
    "P": "cross", "<": "triangle-left", ">": "triangle-right", "x": "x",
}  # fmt: skip
"""Plotly's names of matplotlib's markers."""


def write_scaling_page(rows: Sequence[ScalingRow], path: Path) -> None:
    """Write one HTML file with plots and tables of all rows; it asks nothing of any server.

    Raises
    ------
    RequestError
        The file cannot be written.
    """
    charts = [
        chart
        for mode, axis, quantity in panels(rows)
        if (chart := _chart(rows, mode, axis, quantity))
    ]
    models = len({row.model for row in rows})
    data = json.dumps(charts, allow_nan=False, separators=(",", ":"))
    page = Template(_asset("scaling.html")).substitute(
        title="Time and memory against particles and steps",
        summary=f"{models} models, {sum(row.seconds is not None for row in rows)} measurements; "
        "beside each model in a plot stands its fitted exponent",
        charts="".join(
            f'<div class="card"><h2 id="{chart["id"]}-title">{escape(chart["title"])}</h2>'
            f'<div id="{chart["id"]}" class="plot" role="img" '
            f'aria-labelledby="{chart["id"]}-title"></div></div>'
            for chart in charts
        ),
        tables="".join(_table(title, columns) for title, columns in grids(rows)),
        notes="".join(f"<li>{escape(note)}</li>" for note in footnotes(rows)),
        css=_asset("page.css"),
        plotly=get_plotlyjs(),
        data=data.replace("<", "\\u003c"),
    )
    write_text(path, page)


def _asset(name: str) -> str:
    return files("painet_cli.report").joinpath("page", name).read_text(encoding="utf-8")


def _chart(
    rows: Sequence[ScalingRow], mode: Mode, axis: Axis, quantity: str
) -> dict[str, Any] | None:
    """One plot as data: its lines, with the fitted exponent in each one's name."""
    found = curves(rows, mode, axis, quantity)
    if not found:
        return None
    fitted = {
        e.model: f"  {e.exponent:.2f}"
        for e in exponents(rows)
        if (e.mode, e.axis, e.quantity) == (mode, axis, quantity)
    }
    traces = []
    for model, (sizes, values) in found.items():
        colour, marker = look(model)
        traces.append(
            {
                "x": sizes,
                "y": values,
                "name": model + fitted.get(model, ""),
                "mode": "lines+markers",
                "line": {"color": colour, "width": 3 if model == "painet" else 1.5},
                "marker": {"symbol": _SYMBOLS[marker], "size": 7},
                "hovertemplate": f"{model}<br>{axis} = %{{x:,}}<br>%{{y:.3g}}<extra></extra>",
            }
        )
    return {
        "id": f"{mode}-{axis}-{quantity}".replace(" ", "-"),
        "title": f"{mode.capitalize()}: {QUANTITIES[quantity]}, against {axis}",
        "axis": axis,
        "x": _X[axis],
        "y": QUANTITIES[quantity],
        "ticks": sorted({size for sizes, _ in found.values() for size in sizes}),
        "traces": traces,
    }


def _table(title: str, columns: Columns) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(
        "<tr>"
        + f'<th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in others)
        + "</tr>"
        for first, *others in zip(*columns.values(), strict=True)
    )
    return (
        f'<section class="card"><h2>{escape(title)}</h2><div class="scroll" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></section>"
    )
