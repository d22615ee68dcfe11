"""Rows of the motion benchmark as tables of 80 columns and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from painet_cli.benchmark.layout import markdown_table
from painet_cli.benchmark.motion.protocol import PAST, TIMES_MS
from painet_cli.benchmark.motion.rows import YARDSTICKS, MotionRow
from painet_cli.benchmark.tables.notes import UNFINISHED
from painet_cli.report.tables.layout import lay_out

TITLES = {"global_mm": "MPJPE, mm, global", "root_relative_mm": "MPJPE, mm, root-relative"}


def motion_tables(rows: Sequence[MotionRow]) -> list[RenderableType]:
    """Lay out global and root-relative errors, a row a model, and what they are of."""
    tables = [
        part
        for key, title in TITLES.items()
        for part in lay_out(title, {"": [row.model for row in rows]}, _columns(rows, key))
    ]
    return [*tables, Text("\n".join(motion_notes(rows)))]


def motion_markdown(rows: Sequence[MotionRow]) -> str:
    """The same as Markdown."""
    parts = []
    for key, title in TITLES.items():
        columns = {"": [row.model for row in rows], **_columns(rows, key)}
        parts.append("\n".join([f"{title}:", "", *markdown_table(columns)]))
    return "\n\n".join([*parts, *motion_notes(rows)]) + "\n"


def motion_notes(rows: Sequence[MotionRow]) -> list[str]:
    """What the figures are of, and which models lose to a yardstick."""
    first = rows[0]
    read = ", ".join(f"{time:.0f}" for time in first.times_ms)
    notes = [
        f"{first.dataset}: {first.windows} test windows, {PAST} past frames, errors read at the "
        f"nearest frames, {read} ms.",
        "The siMLPe-like network is trained here and belongs to this benchmark alone.",
        f"Means over seeds: {', '.join(f'{row.model} {row.seeds}' for row in rows)}.",
    ]
    for end, how in UNFINISHED.items():
        if names := [row.model for row in rows if end in row.stopped_by]:
            notes.append(f"{', '.join(names)}: {how}.")
    yardsticks = [row for row in rows if row.model in YARDSTICKS]
    for row in rows:
        if row in yardsticks:
            continue
        for key, title in (("global_mm", "globally"), ("root_relative_mm", "root-relative")):
            beaten_by = [
                (other.model, TIMES_MS[k])
                for k, mine in enumerate(getattr(row, key))
                for other in [min(yardsticks, key=lambda one: float(getattr(one, key)[k]))]
                if getattr(other, key)[k] < mine
            ]
            if beaten_by:
                said = ", ".join(f"{name} at {time} ms" for name, time in beaten_by)
                notes.append(f"{row.model} LOSES {title} to {said}.")
    return notes


def _columns(rows: Sequence[MotionRow], key: str) -> dict[str, list[str]]:
    return {
        f"{time} ms": [f"{getattr(row, key)[k]:.1f}" for row in rows]
        for k, time in enumerate(TIMES_MS)
    }
