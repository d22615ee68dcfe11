"""`painet prepare sample`."""

from __future__ import annotations

from painet_cli.cli.options import DATA_DIR, DataDir
from painet_cli.cli.prepare.common import Force, destination, report
from painet_cli.cli.session import Session, with_session


@with_session
def sample(session: Session, data_dir: DataDir = DATA_DIR, force: Force = False) -> None:
    """The small trajectory in the package: ethanol at MD17's conditions."""
    from painet_cli.data.sources import recipes

    with destination(session, data_dir, "writing the sample", force=force) as to:
        dataset = recipes.sample(to)
    report(session, dataset)
