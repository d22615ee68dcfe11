"""A benchmark's tables for a paper: booktabs, a table environment each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from painet_cli.benchmark.layout import grids
from painet_cli.benchmark.rows import Row
from painet_cli.report.tables.evaluation import Columns

_SPECIAL = re.compile(r"[&%$#_{}~^\\±†‡°²*]")
_WRITTEN = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "†": r"\textsuperscript{\dag}", "‡": r"\textsuperscript{\ddag}",
    "°": r"\textsuperscript{o}", "²": r"\textsuperscript{2}", "*": r"\textsuperscript{*}",
}  # fmt: skip


def bench_latex(rows: Sequence[Row], notes: Sequence[str]) -> str:
    r"""Rows as LaTeX tables, which need `\usepackage{booktabs}`.

    Parameters
    ----------
    notes
        Lines under the tables, as comments.
    """
    tables = [_table(title, columns) for title, columns in grids(rows)]
    comments = [f"% {note}" for note in notes]
    return "\n".join(["% needs \\usepackage{booktabs}", *comments, "", *tables])


def _table(title: str, columns: Columns) -> str:
    aligned = "".join("l" if name in ("Model", "Preset", "end") else "r" for name in columns)
    body = [_row(cells) for cells in zip(*columns.values(), strict=True)]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_text(title)}}}",
        rf"\begin{{tabular}}{{{aligned}}}",
        r"\toprule",
        _row(columns),
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join([*lines, ""])


def _row(cells: Sequence[str] | Columns) -> str:
    return " & ".join(map(_text, cells)) + r" \\"


def _text(plain: str) -> str:
    """The text with what LaTeX would read as a command written out."""
    return _SPECIAL.sub(lambda found: _WRITTEN.get(found[0], "\\" + found[0]), plain)
