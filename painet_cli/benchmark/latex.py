"""A benchmark's tables for a paper: booktabs, a table environment each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from painet_cli.benchmark.rows import Row
from painet_cli.benchmark.tables.grids import grids
from painet_cli.report.tables.layout import Columns

_SPECIAL = re.compile(r"[&%$#_{}~^\\±†‡°²*§←Å]")
_WORDS = ("Model", "Preset", "end", "epochs")
_NUMBER = re.compile(r"\[?-?[\d,]+")
_LONGEST = 24
_FOLDED = "p{3.5cm}"
_AT_MOST_A_LINE = r"\ifdim\width>\linewidth\linewidth\else\width\fi"
_WRITTEN = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "†": r"\textsuperscript{\dag}", "‡": r"\textsuperscript{\ddag}",
    "°": r"\textsuperscript{o}", "²": r"\textsuperscript{2}", "*": r"\textsuperscript{*}",
    "§": r"\textsuperscript{\S}", "←": r"$\leftarrow$", "Å": r"\AA{}",
}  # fmt: skip


def bench_latex(rows: Sequence[Row], notes: Sequence[str]) -> str:
    r"""Rows as LaTeX tables, which need booktabs and graphicx; none is wider than a line.

    Parameters
    ----------
    notes
        Lines under the tables, as comments.
    """
    tables = [_table(title, columns) for title, columns in grids(rows)]
    comments = [f"% {note}" for note in notes]
    return "\n".join(["% needs \\usepackage{booktabs,graphicx}", *comments, "", *tables])


def _table(title: str, columns: Columns) -> str:
    figures = {name: name not in _WORDS and _are_figures(cells) for name, cells in columns.items()}
    # a figure is two columns that meet at its decimal point
    aligned = "".join(
        "r@{}l" if figures[name] else _FOLDED if max(map(len, columns[name])) > _LONGEST else "l"
        for name in columns
    )
    headings = [
        rf"\multicolumn{{2}}{{c}}{{{_text(name)}}}" if figures[name] else _text(name)
        for name in columns
    ]
    parts = [
        [_at_point(cell) if figures[name] else _text(cell) for cell in cells]
        for name, cells in columns.items()
    ]
    body = [_row(cells) for cells in zip(*parts, strict=True)]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_text(title)}}}",
        rf"\resizebox{{{_AT_MOST_A_LINE}}}{{!}}{{\begin{{tabular}}{{{aligned}}}",
        r"\toprule",
        _row(headings),
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]
    return "\n".join([*lines, ""])


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _are_figures(cells: Sequence[str]) -> bool:
    return all(cell == "-" or _NUMBER.match(cell) for cell in cells)


def _at_point(cell: str) -> str:
    """A figure in two cells: what stands before its decimal point, and the rest."""
    number = _NUMBER.match(cell)
    end = number.end() if number else 0
    return f"{_text(cell[:end])} & {_text(cell[end:])}"


def _text(plain: str) -> str:
    """The text with what LaTeX would read as a command written out."""
    return _SPECIAL.sub(lambda found: _WRITTEN.get(found[0], "\\" + found[0]), plain)
