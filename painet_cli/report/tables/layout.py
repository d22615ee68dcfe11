"""Columns of words and numbers as tables, no wider than 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table

WIDTH = 80
LONGEST_NAME = 24
"""Longer names of models and presets are folded."""

Columns = dict[str, list[str]]
"""Cells of each column by heading, a cell a row."""


def digits(value: float, most: int = 4) -> str:
    """Write a number with `most` significant digits, in scientific notation below 0.001."""
    if value == 0 or not abs(value) < 1e-3:
        return f"{value:.{most}g}"
    mantissa, _, exponent = f"{value:.{most - 1}e}".partition("e")
    return f"{float(mantissa):g}e{exponent}"


def lay_out(title: str, names: Columns, columns: Columns) -> list[RenderableType]:
    """Lay columns out from left to right; where a table is full, the next repeats the names."""
    taken = sum(_width(heading, cells) + 1 for heading, cells in names.items())
    blocks: list[Columns] = [{}]
    left = WIDTH - taken
    for heading, cells in columns.items():
        width = _width(heading, cells) + 1
        if width > left and blocks[-1]:
            blocks.append({})
            left = WIDTH - taken
        blocks[-1][heading] = cells
        left -= width
    titles = [title] + [f"{title} (continued)"] * (len(blocks) - 1)
    return [
        Padding(_table(heading, names, block), (0, 0, 1, 0), expand=False)
        for heading, block in zip(titles, blocks, strict=True)
    ]


def _table(title: str, names: Columns, columns: Columns) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
        show_edge=False,
    )
    for heading in names:
        table.add_column(heading, max_width=LONGEST_NAME, overflow="fold")
    for heading in columns:
        table.add_column(heading, justify="right", overflow="fold")
    for cells in zip(*names.values(), *columns.values(), strict=True):
        table.add_row(*cells)
    return table


def _width(heading: str, cells: Sequence[str]) -> int:
    return min(max(map(len, (heading, *cells))), LONGEST_NAME)
