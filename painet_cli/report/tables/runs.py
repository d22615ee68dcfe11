"""Table of runs, no wider than the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from painet_cli.config.differences import as_words
from painet_cli.evaluation.runs import Run
from painet_cli.report.tables.layout import digits, plain_table

_NAME = 32
"""Longer paths are folded."""


def runs_table(runs: Sequence[Run], folder: Path) -> Table:
    """A row a run: where it is, how it went, and what differs from its preset.

    Parameters
    ----------
    folder
        The runs' paths are shown from here on.
    """
    table = plain_table(gap=1)
    named = any(run.name or run.tags for run in runs)
    paths = [
        str(run.run.relative_to(folder)) if run.run != folder else run.run.name for run in runs
    ]
    short = max(map(len, paths)) <= _NAME
    table.add_column("Run", overflow="fold", no_wrap=short)
    if named:
        table.add_column("Name", overflow="fold")
    table.add_column("State", no_wrap=True)
    for heading in ("Epochs", "Val MSE", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Changed", overflow="fold")
    several = len({run.seed for run in runs}) > 1
    for run, path in zip(runs, paths, strict=True):
        table.add_row(
            path,
            *([_called(run)] if named else []),
            run.state,
            str(run.epochs),
            "-" if run.val_mse is None else digits(run.val_mse),
            f"{run.seconds:.0f}" if run.seconds >= 10 else digits(run.seconds, 2),
            as_words(run.changes | ({"train.seed": run.seed} if several else {})),
        )
    return table


def _called(run: Run) -> str:
    return " ".join([run.name, *(f"#{tag}" for tag in run.tags)]).strip()
