"""Tables of a prediction: the files written, errors a step, and the checkpoints there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import fmean

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from painet_cli.data.units import time_text
from painet_cli.prediction.checkpoints import Checkpoint
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.outputs.viewers import Written
from painet_cli.report.pictures.canvas import short_unit
from painet_cli.report.tables.dataset import size_text
from painet_cli.report.tables.layout import digits, lay_out, plain_table

_MOST_STEPS = 10
"""Steps that have a column; of more, evenly spaced ones, the first and the last among them."""


def files_table(written: Sequence[Written]) -> Table:
    """Lay out the files of a prediction, names without their folder."""
    table = plain_table()
    table.add_column("file", overflow="fold")
    table.add_column("frames", justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    for first, *others in _alike(written):
        more = f" (and {len(others)} more, from other starts)" if others else ""
        frames = f"{first.frames:,}" if first.frames else "-"
        table.add_row(first.path.name, frames, f"{first.what}{more}")
    return table


def opening(written: Sequence[Written]) -> list[str]:
    """Commands that open the files, of those that differ in their start alone the first's."""
    commands = [command for first, *_ in _alike(written) for command in first.open_with]
    return list(dict.fromkeys(commands))


def _alike(written: Sequence[Written]) -> list[list[Written]]:
    """Files that differ in their start alone, together."""
    groups: dict[str, list[Written]] = {}
    for one in written:
        groups.setdefault(re.sub(r"_from_\d+", "", one.path.name), []).append(one)
    return list(groups.values())


def error_tables(forecast: Forecast) -> list[RenderableType]:
    """Lay out MSE a step beside `nothing moves` and `straight on`, where the truth is known."""
    errors = forecast.step_mse()
    if errors is None:
        return []
    laid = forecast.superposed_step_mse() or {}
    rows = errors | {f"{name}, superposed": row for name, row in laid.items()}
    columns = {"mean": [digits(fmean(row)) for row in rows.values()]} | {
        f"step {k + 1}": [digits(row[k]) for row in rows.values()]
        for k in _shown_steps(len(forecast.times_s))
    }
    count = len(forecast.starts)
    title = f"MSE a step in {forecast.system.length_unit}², {count:,} start{'s' * (count > 1)}"
    return lay_out(title, {"": list(rows)}, columns)


def sanity_tables(forecast: Forecast) -> list[RenderableType]:
    """Lay out bonds and displacements a step beside the start, under what they say in a word."""
    sanity = forecast.sanity
    if sanity is None:
        return []
    rows = {
        "shortest bond": sanity.shortest,
        "longest bond": sanity.longest,
        f"moved, {forecast.system.length_unit} (RMS)": sanity.moved,
    }
    known = {name: row for name, row in rows.items() if row}
    columns = {
        f"step {k + 1}": [digits(row[k]) for row in known.values()]
        for k in _shown_steps(len(forecast.times_s))
    }
    shares = "; bonds as shares of their length there" if sanity.longest else ""
    return lay_out(f"Beside the start: {sanity.verdict}{shares}", {"": list(known)}, columns)


def _shown_steps(steps: int) -> list[int]:
    """Steps that have a column, the first and the last among them."""
    every = max(1, -(-(steps - 1) // (_MOST_STEPS - 1)))
    return sorted({*range(0, steps, every), steps - 1})


def checkpoints_table(checkpoints: Sequence[Checkpoint]) -> list[RenderableType]:
    """Lay out checkpoints, a line each, and beneath it their systems and the limits they state."""
    table = plain_table(gap=1)
    table.add_column("name", overflow="fold")
    for heading in ("T", "step", "MSE", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("licence", overflow="fold")
    for one in checkpoints:
        plain, mse = one.plain(), one.test_mse
        table.add_row(
            one.name,
            str(one.horizon),
            str(one.frame_times) if one.step_s is None else time_text(one.step_s),
            "-" if mse is None else f"{digits(mse, 3)} {short_unit(plain['unit'])}",
            size_text(plain["bytes"]),
            plain["licence"] or "-",
        )
    systems = [Text(f"{one.name}: {one.plain()['system']}") for one in checkpoints]
    alike: dict[str, list[str]] = {}
    for one in checkpoints:
        if one.card.limits:
            alike.setdefault(" ".join(one.card.limits), []).append(one.name)
    said = [Text(f"{', '.join(names)}: {limits}") for limits, names in alike.items()]
    return [table, Text(), *systems, *([Text(), *said] if said else [])]
