"""`painet prepare md17` and `painet prepare md22`: npz files of one schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from painet_cli.cli.options import DATA_DIR, DataDir
from painet_cli.cli.prepare.common import (
    DeltaFrames,
    Force,
    FrameTime,
    Horizon,
    Source,
    Splitting,
    destination,
    report,
)
from painet_cli.cli.session import Session, with_session


def _molecules(ctx: typer.Context) -> list[str]:
    from painet_cli.data.sources.md17 import MD17
    from painet_cli.data.sources.md22 import MD22

    return list({"md17": MD17, "md22": MD22}[str(ctx.info_name)].molecules)


MoleculeName = Annotated[
    str,
    typer.Option("--molecule", metavar="NAME", help="Which one.", autocompletion=_molecules),
]
Hydrogens = Annotated[
    bool, typer.Option("--hydrogens", help="Keep hydrogen atoms; else heavy atoms alone.")
]
Superpose = Annotated[
    bool, typer.Option("--superpose", help="Shift and turn every frame onto the first.")
]
Label = Annotated[
    str | None,
    typer.Option("--label", metavar="TEXT", help="What tables call frames of another origin."),
]


def _command(name: str, about: str) -> Callable[..., None]:
    """Command that prepares a molecule of a collection."""

    @with_session
    def prepare(
        session: Session,
        molecule: MoleculeName,
        source: Source = None,
        split: Splitting = None,
        delta_frames: DeltaFrames = None,
        horizon: Horizon = 1,
        frame_time: FrameTime = None,
        hydrogens: Hydrogens = False,
        superpose: Superpose = False,
        label: Label = None,
        data_dir: DataDir = DATA_DIR,
        force: Force = False,
    ) -> None:
        from painet_cli.data.sources import recipes

        recipe = {"md17": recipes.md17, "md22": recipes.md22}[name]
        with destination(session, data_dir, f"preparing {name}-{molecule}", force=force) as to:
            dataset = recipe(
                to,
                molecule=molecule,
                source=source,
                split=None if split is None else split.value,
                delta_frames=delta_frames,
                horizon=horizon,
                frame_time=frame_time,
                hydrogens=hydrogens,
                superpose=superpose,
                label=label,
            )
        report(session, dataset)

    prepare.__name__, prepare.__doc__ = name, about
    return prepare


md17 = _command("md17", "MD17: a small molecule at 500 K, from the official npz or its like.")
md22 = _command("md22", "MD22: a molecule of 42 to 370 atoms, from the official npz or its like.")
