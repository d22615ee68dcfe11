"""`painet prepare`: raw sources to prepared datasets, one file a source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from painet_cli.cli.options import DATA_DIR
from painet_cli.cli.prepare.adk import adk
from painet_cli.cli.prepare.mocap import mocap
from painet_cli.cli.prepare.molecules import md17, md22
from painet_cli.cli.prepare.nbody import nbody
from painet_cli.cli.prepare.plugin import SourceGroup
from painet_cli.cli.prepare.sample import sample
from painet_cli.cli.prepare.trajectory import trajectory
from painet_cli.cli.session import Session, with_session
from painet_cli.errors import RequestError

app = typer.Typer(
    help="Prepare a dataset from its raw source.", no_args_is_help=True, cls=SourceGroup
)
for source in (mocap, md17, md22, adk, trajectory, nbody, sample):
    app.command()(source)


@app.callback(invoke_without_command=True)
@with_session
def prepare(
    session: Session,
    listed: Annotated[
        bool, typer.Option("--list", help="Show every source, and what of it is here.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="With --list: folder of prepared datasets.")
    ] = None,
) -> None:
    """Prepare a dataset from its raw source."""
    if session.subcommand is not None:
        if listed or data_dir is not None:
            option = "--list stands alone" if listed else "--data-dir belongs to the source"
            raise RequestError(
                f"painet prepare {session.subcommand}: {option}",
                f"`painet prepare --list`, or `painet prepare {session.subcommand} --data-dir DIR`",
            )
        return
    if not listed:
        raise RequestError(
            "painet prepare: no source given", "`painet prepare --list` shows every source"
        )
    import os

    from painet_cli.cli.prepare.listing import list_sources

    list_sources(session, data_dir or Path(os.environ.get("PAINET_DATA", DATA_DIR)))
