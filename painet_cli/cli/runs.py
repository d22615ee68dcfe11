"""`painet runs`: what was trained, how it went, and what sets it apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from painet_cli.cli.options import RUN_DIR
from painet_cli.cli.session import Session, with_session


@with_session
def runs(
    session: Session,
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", envvar="PAINET_RUNS", help="Where to look, and below."),
    ] = RUN_DIR,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter", metavar="KEY=VALUE", help="Such as state=ended, tag=try, train.lr=0.001."
        ),
    ] = None,
    sort: Annotated[
        str,
        typer.Option("--sort", metavar="KEY", help="Such as val_mse; -val_mse: largest first."),
    ] = "run",
) -> None:
    """List runs: state, best validation error, seconds, and what differs from the preset.

    Example: `painet runs`
    """
    from painet_cli.evaluation.runs import chosen, list_runs
    from painet_cli.report.tables.runs import runs_table

    found = chosen(list_runs(folder), filters or [], sort)
    plain = [run.plain() for run in found]
    nothing = f"{folder}: no run passes the filters"
    session.answer({"runs": plain}, runs_table(found, folder) if found else nothing)
