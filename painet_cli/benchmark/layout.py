"""A benchmark's rows for a terminal, as Markdown and as comma-separated values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from painet_cli.benchmark.rows import OURS, Row
from painet_cli.benchmark.significance import LEVEL, p_words
from painet_cli.report.tables.comma_separated import as_csv
from painet_cli.report.tables.layout import Columns, digits, lay_out
from painet_cli.report.tables.paper import BestPrinted, best_printed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_TITLES = {
    1: "Table 1: motion capture",
    2: "Table 2: MD17, one step",
    3: "Table 3: MD17, several steps",
    4: "Table 4: AdK, trained on one step",
    None: "Not in the paper",
}
_PRESETS_A_TABLE = 4


def bench_tables(rows: Sequence[Row], budget_min: float | None) -> list[RenderableType]:
    """Rows for a terminal: errors and costs of each of the paper's tables, and a footnote."""
    parts: list[RenderableType] = []
    for title, columns in grids(rows):
        names, values = _split(columns)
        parts += lay_out(title, names, values)
    return [*parts, Text("\n".join(footnotes(rows, budget_min)))]


def bench_markdown(rows: Sequence[Row], budget_min: float | None) -> str:
    """Rows as GitHub shows them."""
    lines: list[str] = []
    for title, columns in grids(rows):
        lines += [f"**{title}**", "", *markdown_table(columns), ""]
    notes = [f"- {note}" for note in footnotes(rows, budget_min)]
    return "\n".join([*lines, *notes, ""])


def markdown_table(columns: Columns) -> list[str]:
    """Lines of a table as GitHub shows it."""
    return [
        f"| {' | '.join(columns)} |",
        f"|{' --- |' * len(columns)}",
        *(f"| {' | '.join(cells)} |" for cells in zip(*columns.values(), strict=True)),
    ]


def bench_csv(rows: Sequence[DataclassInstance]) -> str:
    """Rows of one kind as comma-separated values; lists are joined by spaces."""
    return as_csv([asdict(row) for row in rows])


def grids(rows: Sequence[Row]) -> Iterator[tuple[str, Columns]]:
    """Titles and columns: errors a preset, errors a step, and costs, of every table."""
    for table, title in _TITLES.items():
        inside = [row for row in rows if row.table == table]
        if not inside:
            continue
        for part in _parts(inside):
            yield f"{title}: MSE", _errors(part)
        if any(row.paper_step_mse for row in inside):
            yield f"{title}: MSE a step", _steps(inside)
        if any(best_printed(row.preset) for row in inside):
            yield f"{title}: best", _best(inside)
        yield f"{title}: cost", _costs(inside)


def _parts(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows of a few presets at a time, as many as a page is wide."""
    presets = list(dict.fromkeys(row.preset for row in rows))
    for first in range(0, len(presets), _PRESETS_A_TABLE):
        inside = presets[first : first + _PRESETS_A_TABLE]
        yield [row for row in rows if row.preset in inside]


def _errors(rows: Sequence[Row]) -> Columns:
    """Models down, presets across, the paper's figure beside ours."""
    models = list(dict.fromkeys(row.model for row in rows))
    cells = {(row.preset, row.model): row for row in rows}
    columns: Columns = {"Model": models}
    for preset in dict.fromkeys(row.preset for row in rows):
        own = [cells.get((preset, model)) for model in models]
        columns[preset] = [_mse(row) if row else "-" for row in own]
        if any(row and row.paper_mse is not None for row in own):
            columns[f"{preset}, paper"] = [_printed(row) for row in own]
    return _with_yardsticks(columns, rows)


def _with_yardsticks(columns: Columns, rows: Sequence[Row]) -> Columns:
    """Below the models, in brackets, what needs no network."""
    of_preset = {row.preset: row.yardsticks for row in rows if row.yardsticks}
    names = list(dict.fromkeys(name for found in of_preset.values() for name in found))
    more = {
        heading: [f"({name})" for name in names]
        if heading == "Model"
        else [
            digits(found[name]) if name in found else "-"
            for found in (of_preset.get(heading, {}),)
            for name in names
        ]
        for heading in columns
    }
    return {heading: [*cells, *more[heading]] for heading, cells in columns.items()}


def _mse(row: Row) -> str:
    ended = "†" if "budget" in row.stopped_by else "°" if "epochs" in row.stopped_by else ""
    return f"{spread(row.mse, row.sd)}{row.star}{'§' if row.loses else ''}{ended}"


def _printed(row: Row | None) -> str:
    if row is None or row.paper_mse is None:
        return "-"
    return spread(row.paper_mse, row.paper_sd) + ("" if row.compares else "‡")


def spread(mse: float, sd: float | None) -> str:
    """Write a mean and, of several seeds, its standard deviation."""
    return digits(mse) if sd is None else f"{digits(mse)} ± {digits(sd, 2)}"


def _best(rows: Sequence[Row]) -> Columns:
    """The best model of every preset beside the lowest figure that any paper prints."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.preset, []).append(row)
    best = {
        name: min(inside, key=lambda row: math.inf if math.isnan(row.mse) else row.mse)
        for name, inside in groups.items()
    }
    printed = {name: best_printed(name) for name in groups}
    return {
        "Preset": list(groups),
        "here": [f"{best[name].model} {_mse(best[name])}" for name in groups],
        "best printed": [
            f"{one.model} {digits(one.mse)}" if one else "-" for one in printed.values()
        ],
        "by": [one.source if one else "-" for one in printed.values()],
        "setting": [_setting(one, best[name]) if one else "-" for name, one in printed.items()],
    }


def _setting(printed: BestPrinted, row: Row) -> str:
    """How a printed figure came about, where that differs from a row's."""
    frames = "other frames" if row.label else ""
    return "; ".join(filter(None, (frames, printed.note))) or "as here"


def _steps(rows: Sequence[Row]) -> Columns:
    lines = [
        (name, preset, steps)
        for row in rows
        for name, preset, steps in (
            (row.model, row.preset, row.step_mse),
            (f"{row.model}, paper", row.preset, row.paper_step_mse),
        )
        if steps
    ]
    count = max(len(steps) for _, _, steps in lines)
    return {
        "Model": [name for name, _, _ in lines],
        "Preset": [preset for _, preset, _ in lines],
        **{
            f"t={step + 1}": [digits(s[step]) if step < len(s) else "-" for _, _, s in lines]
            for step in range(count)
        },
    }


def _costs(rows: Sequence[Row]) -> Columns:
    """Time and memory, of training and, where the paper printed it, of prediction."""

    def column(values: Iterable[float | None]) -> list[str]:
        return ["-" if value is None else digits(value, 3) for value in values]

    columns = {
        "Model": [row.model for row in rows],
        "Preset": [row.preset for row in rows],
        "s/epoch": column(row.epoch_s for row in rows),
    }
    paper_gb = column(row.paper_memory_gb for row in rows)
    if any(row.paper_predict_s for row in rows):
        columns["predict s"] = column(row.predict_s for row in rows)
        columns["paper s"] = column(row.paper_predict_s for row in rows)
        columns["predict GB"] = column(row.predict_memory_gb for row in rows)
        columns["paper GB"] = paper_gb
    else:
        if any(row.paper_epoch_s for row in rows):
            columns["paper s"] = column(row.paper_epoch_s for row in rows)
        columns["GB"] = column(row.peak_memory_gb for row in rows)
        if any(row.paper_memory_gb for row in rows):
            columns["paper GB"] = paper_gb
    return {
        **columns,
        "parameters": [f"{row.parameters:,}" for row in rows],
        "epochs": [" ".join(map(str, row.epochs)) for row in rows],
        "end": [" ".join(dict.fromkeys(row.stopped_by)) for row in rows],
    }


def _split(columns: Columns) -> tuple[Columns, Columns]:
    """Columns that name a row, and the others."""
    names: Columns = {key: columns[key] for key in ("Model", "Preset") if key in columns}
    return names, {key: cells for key, cells in columns.items() if key not in names}


def footnotes(rows: Sequence[Row], budget_min: float | None) -> list[str]:
    """What the tables' figures are of, and what their marks mean; each once."""
    lines = ["MSE: mean over windows, particles and coordinates; F-MSE at T = 1, else A-MSE."]
    for row in rows:
        data = f"{row.dataset} ({row.label})" if row.label else row.dataset
        lines.append(
            f"{row.preset}: {data}, T = {row.horizon}, {row.windows} test windows, {row.unit}; "
            f"{row.split_kind} split, {100 * row.leak:.3g} % of test windows overlap training."
        )
        lines.append(
            f"GB: {row.memory_kind}. Measured on {row.device}, {row.threads} threads; "
            "the paper's on one NVIDIA H20."
        )
        if len(row.seeds) > 1:
            lines.append("±: sample standard deviation over seeds.")
        if row.model == OURS and row.against is not None:
            lines.append(
                f"{row.preset}: {OURS} against {row.against}, p {p_words(row.p_value)} over "
                f"windows, {p_words(row.p_seeds)} over seeds."
            )
        if row.star:
            lines.append(
                f"*: best, and p < {LEVEL} between {OURS} and the best other model; w: over test "
                "windows (Wilcoxon signed-rank test; they overlap in time, so that p is "
                "optimistic), s: over seeds (paired t-test on logarithms, three seeds or more)."
            )
        if row.paper_mse is not None and not row.compares:
            other = "frames" if row.label else "windows"
            lines.append(
                f"‡: {row.preset} was run on other {other} than the paper's; not comparable."
            )
        if row.yardsticks:
            lines.append("(in brackets): yardsticks, which need no network, on the same windows.")
        if row.loses:
            lines.append("§: loses to a yardstick.")
        if "budget" in row.stopped_by:
            lines.append(
                "†: training ended by the budget"
                + (f" of {budget_min:g} minutes a cell" if budget_min is not None else "")
                + ", not by patience or its last epoch."
            )
        if "epochs" in row.stopped_by:
            lines.append("°: its last epoch ended a training that was still at its full rate.")
    return list(dict.fromkeys(lines))
