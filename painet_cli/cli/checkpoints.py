"""`painet checkpoints`: what can be predicted with."""

from __future__ import annotations

from painet_cli.cli.options import RUN_DIR, RunDir
from painet_cli.cli.session import Session, with_session


@with_session
def checkpoints(session: Session, run_dir: RunDir = RUN_DIR) -> None:
    """List the checkpoints that come with painet, and those of your runs.

    Example: `painet checkpoints`
    """
    from painet_cli.prediction.checkpoints import shipped, trained_runs
    from painet_cli.report.tables.forecast import checkpoints_table

    listed = [*shipped(), *trained_runs(run_dir)]
    nothing = f"no checkpoint: none shipped, and no run in {run_dir}"
    session.answer(
        {"checkpoints": [one.plain() for one in listed]},
        *(checkpoints_table(listed) if listed else [nothing]),
    )
