"""`painet prepare trajectory`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from painet_cli.cli.options import DATA_DIR, DataDir
from painet_cli.cli.prepare.common import (
    DeltaFrames,
    Force,
    FrameTime,
    Horizon,
    Splitting,
    destination,
    report,
)
from painet_cli.cli.session import Session, with_session

if TYPE_CHECKING:
    from painet_cli.data.dataset.dataset import Dataset

Topology = Annotated[
    Path, typer.Option("--topology", metavar="FILE", help="Names and bonds: PDB, PSF, PRMTOP, GRO.")
]
Trajectories = Annotated[
    list[Path] | None,
    typer.Option("--trajectory", metavar="FILE", help="Frames; again for every further replica."),
]
Start = Annotated[int, typer.Option("--start", min=0, help="First frame of every file.")]
Stop = Annotated[
    int | None, typer.Option("--stop", min=1, help="Frame of every file to stop before.")
]
Stride = Annotated[int, typer.Option("--stride", min=1, help="Take every so many frames.")]
Unwrap = Annotated[
    bool, typer.Option("--unwrap", help="Make molecules whole, let them leave the periodic box.")
]
Center = Annotated[bool, typer.Option("--center", help="Put every frame's centroid at 0.")]
Superpose = Annotated[
    bool, typer.Option("--superpose", help="Shift and turn every frame onto the first.")
]
BondLength = Annotated[
    float | None,
    typer.Option("--bond-length", help="Join atoms at most so many angstrom apart in frame 0."),
]
DropExtra = Annotated[
    bool, typer.Option("--drop-extra", help="Leave out atoms beyond those of the topology.")
]


@with_session
def trajectory(
    session: Session,
    topology: Topology,
    name: Annotated[str, typer.Option("--name", help="Name of the dataset.")],
    trajectories: Trajectories = None,
    select: Annotated[
        str, typer.Option("--select", help="Atoms, in MDAnalysis' selection language.")
    ] = "all",
    start: Start = 0,
    stop: Stop = None,
    stride: Stride = 1,
    unwrap: Unwrap = False,
    center: Center = False,
    superpose: Superpose = False,
    bond_length: BondLength = None,
    drop_extra: DropExtra = False,
    frame_time: FrameTime = None,
    delta_frames: DeltaFrames = None,
    horizon: Horizon = 1,
    split: Splitting = None,
    data_dir: DataDir = DATA_DIR,
    force: Force = False,
) -> None:
    """Your own molecules: any topology and trajectories that MDAnalysis reads."""
    from painet_cli.data.sources import recipes

    with destination(session, data_dir, "reading", force=force) as to:
        dataset = recipes.trajectory(
            to,
            topology=topology,
            name=name,
            trajectories=trajectories or (),
            select=select,
            start=start,
            stop=stop,
            stride=stride,
            unwrap=unwrap,
            center=center,
            superpose=superpose,
            bond_length=bond_length,
            drop_extra=drop_extra,
            frame_time=frame_time,
            delta_frames=delta_frames,
            horizon=horizon,
            split=None if split is None else split.value,
        )
    report(session, dataset)
    next_step(session, dataset, "trajectory", horizon)


def next_step(session: Session, dataset: Dataset, preset: str, horizon: int) -> None:
    """Say how to train on what was prepared."""
    manifest = dataset.manifest
    if not manifest.particles.bonds:
        session.console.print(
            "no bonds: train with a preset that has data.cutoff, or give --bond-length",
            soft_wrap=True,
        )
    session.console.print(
        f"painet train --preset {preset} --set data.dataset={manifest.name} "
        f"--set data.delta_frames={manifest.split.delta_frames} --set data.horizon={horizon}",
        soft_wrap=True,
    )
