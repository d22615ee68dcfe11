"""A line a file: what predicted it, how far off it was, and whether it holds together."""

from __future__ import annotations

from rich.console import RenderableType

from painet_cli.errors import PainetError
from painet_cli.report.many_predictions import Outcomes
from painet_cli.report.tables.layout import digits, plain_table

_NAME = 24


def outcomes_table(found: Outcomes) -> list[RenderableType]:
    """Lay out many predictions."""
    table = plain_table(gap=1)
    table.add_column("file", overflow="fold", max_width=_NAME)
    table.add_column("predicted by", overflow="fold", max_width=_NAME)
    for heading in ("particles", "MSE"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("beside its start", overflow="fold")
    for file, one in zip(found.files, found.outcomes, strict=True):
        if isinstance(one, PainetError):
            table.add_row(file.name, "-", "-", "-", "not predicted")
            continue
        mse, sanity = one["mse_against_input"], one["sanity"]
        table.add_row(
            file.name,
            one["predicted_by"],
            f"{one['particles']:,}",
            "-" if mse is None else digits(mse),
            sanity["verdict"] if sanity else "-",
        )
    made = len(found.files) - len(found.failed)
    return [table, f"\n{made:,} of {len(found.files):,} files predicted"]
