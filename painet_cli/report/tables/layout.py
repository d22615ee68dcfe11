"""Columns of words and numbers as tables, no wider than 80 columns."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

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


def shown_steps(steps: int, most: int) -> list[int]:
    """Up to `most` of the steps, evenly spread with the first and the last, counted from 0."""
    spaced = np.linspace(0, steps - 1, min(steps, most)).round().astype(int)
    return list(dict.fromkeys(spaced.tolist()))


def spread(mean: float, sd: float | None) -> str:
    """Write a mean and, of several seeds, its standard deviation: 0 below half of the last digit.

    Examples
    --------
    >>> spread(0.3036, 0.0012), spread(0.3036, 2e-7), spread(0.3036, None)
    ('0.3036 ± 0.0012', '0.3036 ± 0', '0.3036')
    """
    if sd is None:
        return digits(mean)
    last = 10.0 ** (math.floor(math.log10(abs(mean))) - 3) if math.isfinite(mean) and mean else 0.0
    return f"{digits(mean)} ± {digits(0.0 if sd < last / 2 else sd, 2)}"


def in_blocks(
    names: Columns, columns: Columns, *, between: int = 1, longest: int | None = LONGEST_NAME
) -> list[Columns]:
    """Split columns into tables that are no wider than a page, which all repeat the names.

    A column `X, more` stays beside the column `X`, where both find room on a page.

    Parameters
    ----------
    between
        Characters that a column takes beside its own, half of them at the page's edge once more.
    longest
        Longer cells are folded; None where they are not.
    """
    widths = {
        heading: _width(heading, cells, longest) + between
        for heading, cells in (names | columns).items()
    }
    groups: list[list[str]] = []
    for heading in columns:
        if groups and heading.startswith(f"{groups[-1][0]}, "):
            groups[-1].append(heading)
        else:
            groups.append([heading])
    room = WIDTH - between // 2 - sum(widths[heading] for heading in names)
    blocks: list[Columns] = [{}]
    for group in groups:
        parts = [group] if sum(widths[one] for one in group) <= room else [[one] for one in group]
        for part in parts:
            taken = sum(widths[one] for one in [*blocks[-1], *part])
            if taken > room and blocks[-1]:
                blocks.append({})
            blocks[-1] |= {heading: columns[heading] for heading in part}
    return blocks


def lay_out(title: str, names: Columns, columns: Columns) -> list[RenderableType]:
    """Lay columns out from left to right; where a table is full, the next repeats the names."""
    blocks = in_blocks(names, columns)
    titles = [title] + [f"{title} (continued)"] * (len(blocks) - 1)
    return [
        # a title of the table's own would be folded to its width
        Padding(Group(Text(heading, "bold"), _table(names, block)), (0, 0, 1, 0), expand=False)
        for heading, block in zip(titles, blocks, strict=True)
    ]


def plain_table(*, gap: int = 0) -> Table:
    """A table with a rule under its headings, and so much more room between columns."""
    return Table(box=box.SIMPLE_HEAD, padding=(0, gap, 0, 0), pad_edge=False, show_edge=False)


def _table(names: Columns, columns: Columns) -> Table:
    table = plain_table()
    for heading in names:
        table.add_column(heading, max_width=LONGEST_NAME, overflow="fold")
    for heading in columns:
        table.add_column(heading, justify="right", overflow="fold")
    for cells in zip(*names.values(), *columns.values(), strict=True):
        table.add_row(*cells)
    return table


def _width(heading: str, cells: Sequence[str], longest: int | None) -> int:
    width = max(map(len, (heading, *cells)))
    return width if longest is None else min(width, longest)
