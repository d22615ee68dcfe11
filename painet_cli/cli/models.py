"""`painet models`: what `--model` may be."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from painet_cli.cli.session import Session, with_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from painet_cli.models.facts import ModelFacts


@with_session
def models(session: Session) -> None:
    """List the models, own and of installed packages: symmetries, steps, parameters.

    Example: `painet models`
    """
    from painet_cli.models.facts import PRESET, list_models

    listed = list_models()
    notes = [f"{one.name}: {one.missing}" for one in listed if one.missing]
    session.answer(
        {"models": [asdict(one) for one in listed]},
        _table(listed),
        f"Parameters on the preset {PRESET}. Keeps: what of a motion a prediction shares.",
        *notes,
    )


def _table(listed: Sequence[ModelFacts]) -> Table:
    from painet_cli.report.tables.layout import plain_table

    table = plain_table(gap=1)
    for heading in ("Model", "Steps", "Keeps"):
        table.add_column(heading)
    table.add_column("Parameters", justify="right")
    table.add_column("From", overflow="fold")
    for one in listed:
        count = "closed form" if one.closed_form else f"{one.parameters or 0:,}"
        table.add_row(
            one.name,
            one.steps or "-",
            one.keeps or "-",
            "-" if one.missing else count,
            one.source,
        )
    return table
