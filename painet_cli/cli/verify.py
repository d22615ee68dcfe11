"""`painet verify`: whether files are still what painet wrote, and what they were made of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from painet_cli.cli.options import DATA_DIR, DataDir
from painet_cli.cli.session import Session, with_session
from painet_cli.errors import PainetError


@with_session
def verify(
    session: Session,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH", help="Datasets, runs, checkpoints, predictions or benchmarks."
        ),
    ],
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Hold files against their provenance: sha256, preset, dataset, versions, command.

    Exit status: 0 all is as written, 1 something differs, 2 not painet's.

    Example: `painet verify data/sample runs/demo/*`
    """
    from painet_cli.evaluation.verify.verify import verify as verified
    from painet_cli.report.tables.verification import verification_table

    found = []
    for path in paths:
        with session.console.status(f"verifying {path}"):
            found.append(verified(path, data_dir))
    failed = [(one, check) for one in found for check in one.failed]
    payload = {"verified": not failed, "paths": [one.plain() for one in found]}
    session.emit(payload, *(part for one in found for part in verification_table(one)))
    if failed:
        one, check = failed[0]
        raise PainetError(
            f"{one.path}: {check.what}: {check.said}",
            f"{len(failed)} of {sum(len(each.checks) for each in found)} checks found a difference",
        )
