"""A benchmark's rows for a terminal, as Markdown and as comma-separated values."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from painet_cli.benchmark.rows import Row
from painet_cli.benchmark.tables.grids import NAMES, grids
from painet_cli.benchmark.tables.notes import footnotes
from painet_cli.report.tables.comma_separated import as_csv
from painet_cli.report.tables.layout import WIDTH, Columns, in_blocks, lay_out

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_BETWEEN = len(" | ")


def bench_tables(
    rows: Sequence[Row], budget_min: float | None, changes: Sequence[str] = ()
) -> list[RenderableType]:
    """Rows for a terminal: errors and costs of each of the paper's tables, and a footnote."""
    parts: list[RenderableType] = []
    for title, columns in grids(rows):
        parts += lay_out(title, *_split(columns))
    return [*parts, Text("\n".join(footnotes(rows, budget_min, changes)))]


def bench_markdown(
    rows: Sequence[Row], budget_min: float | None, changes: Sequence[str] = ()
) -> str:
    """Rows as GitHub shows them, in tables and notes that are no wider than a page."""
    return "\n".join([*markdown_grids(rows), *bullets(footnotes(rows, budget_min, changes)), ""])


def markdown_grids(rows: Sequence[Row]) -> list[str]:
    """Lines of the tables alone, each title once."""
    lines: list[str] = []
    last = ""
    for title, columns in grids(rows):
        lines += ["**{}**".format(title.replace("*", r"\*")), ""] if title != last else []
        lines += markdown_blocks(columns)
        last = title
    return lines


def bullets(sentences: Iterable[str]) -> list[str]:
    """A list in Markdown, no wider than a page."""
    return [
        textwrap.fill(
            sentence,
            WIDTH,
            initial_indent="- ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for sentence in sentences
    ]


def markdown_blocks(columns: Columns) -> list[str]:
    """Lines of as many tables as columns that name a row are repeated in, where one is too wide."""
    names, values = _split(columns)
    blocks = in_blocks(names, values, between=_BETWEEN, longest=None)
    return [line for block in blocks for line in (*markdown_table(names | block), "")]


def markdown_table(columns: Columns) -> list[str]:
    """Lines of a table as GitHub shows it, whose cells are as wide as their column."""
    widths = {heading: max(map(len, (heading, *cells))) for heading, cells in columns.items()}

    def line(cells: Sequence[str]) -> str:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths.values(), strict=True)]
        return f"| {' | '.join(padded)} |"

    return [
        line(list(columns)),
        line(["-" * width for width in widths.values()]),
        *(line(cells) for cells in zip(*columns.values(), strict=True)),
    ]


def grid_tables(made: Iterable[tuple[str, Columns]], notes: Iterable[str]) -> list[RenderableType]:
    """Titles and columns for a terminal, the first column repeated where a page ends, and notes."""
    parts: list[RenderableType] = []
    for title, columns in made:
        (name, cells), *others = columns.items()
        parts += lay_out(title, {name: cells}, dict(others))
    return [*parts, Text("\n".join(notes))]


def grid_markdown(made: Iterable[tuple[str, Columns]]) -> list[str]:
    """Lines of the same as GitHub shows it."""
    return [
        line
        for title, columns in made
        for line in (f"**{title}**", "", *markdown_table(columns), "")
    ]


def bench_csv(rows: Sequence[DataclassInstance]) -> str:
    """Rows of one kind as comma-separated values; lists are joined by spaces."""
    return as_csv([asdict(row) for row in rows])


def _split(columns: Columns) -> tuple[Columns, Columns]:
    """Columns that name a row, and the others."""
    names: Columns = {key: cells for key, cells in columns.items() if key in NAMES}
    return names, {key: cells for key, cells in columns.items() if key not in names}
