"""`painet prepare mocap`."""

from __future__ import annotations

from typing import Annotated

import typer

from painet_cli.cli.options import DATA_DIR, DataDir
from painet_cli.cli.prepare.common import Force, Source, destination, report
from painet_cli.cli.session import Session, with_session


@with_session
def mocap(
    session: Session,
    subject: Annotated[int, typer.Option("--subject", help="35 (walk) or 9 (run).")],
    source: Source = None,
    data_dir: DataDir = DATA_DIR,
    force: Force = False,
) -> None:
    """CMU motion capture: subject 35 walking or subject 9 running."""
    from painet_cli.data.sources import recipes

    with destination(session, data_dir, f"reading subject {subject}", force=force) as to:
        dataset = recipes.mocap(to, subject=subject, source=source)
    report(session, dataset)
