"""`painet prepare nbody`."""

from __future__ import annotations

from typing import Annotated

import typer

from painet_cli.cli.options import DATA_DIR, DataDir
from painet_cli.cli.prepare.common import DeltaFrames, Force, destination, report
from painet_cli.cli.session import Session, with_session


@with_session
def nbody(
    session: Session,
    particles: Annotated[
        int, typer.Option("--particles", min=2, max=100, help="Particles of a system.")
    ] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the simulations.")] = 1,
    delta_frames: DeltaFrames = None,
    data_dir: DataDir = DATA_DIR,
    force: Force = False,
) -> None:
    """Charged particles, simulated here: the benchmark of the EGNN line, nothing to download."""
    from painet_cli.data.sources import recipes

    with destination(session, data_dir, "simulating", force=force) as to:
        dataset = recipes.nbody(to, particles=particles, seed=seed, delta_frames=delta_frames)
    report(session, dataset)
