"""`painet prepare adk`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from painet_cli.cli.options import DATA_DIR, DataDir
from painet_cli.cli.prepare.common import (
    DeltaFrames,
    Force,
    FrameTime,
    Horizon,
    SplitKind,
    Splitting,
    destination,
    report,
)
from painet_cli.cli.prepare.trajectory import (
    Center,
    DropExtra,
    Start,
    Stop,
    Stride,
    Superpose,
    Trajectories,
    Unwrap,
    next_step,
)
from painet_cli.cli.session import Session, with_session


@with_session
def adk(
    session: Session,
    topology: Annotated[
        Path | None, typer.Option("--topology", metavar="FILE", help="PSF; else the official one.")
    ] = None,
    trajectories: Trajectories = None,
    name: Annotated[str, typer.Option("--name", help="Name of the dataset.")] = "adk",
    start: Start = 0,
    stop: Stop = None,
    stride: Stride = 1,
    unwrap: Unwrap = False,
    center: Center = False,
    superpose: Superpose = False,
    drop_extra: DropExtra = False,
    frame_time: FrameTime = None,
    delta_frames: DeltaFrames = None,
    horizon: Horizon = 1,
    split: Splitting = SplitKind.published,
    data_dir: DataDir = DATA_DIR,
    force: Force = False,
) -> None:
    """Adenylate kinase's backbone: the benchmark's equilibrium run, or runs of your own."""
    from painet_cli.data.sources import recipes

    with destination(session, data_dir, "looking for the official files", force=force) as to:
        dataset = recipes.adk(
            to,
            topology=topology,
            trajectories=trajectories or (),
            name=name,
            start=start,
            stop=stop,
            stride=stride,
            unwrap=unwrap,
            center=center,
            superpose=superpose,
            drop_extra=drop_extra,
            frame_time=frame_time,
            delta_frames=delta_frames,
            horizon=horizon,
            split=(split or SplitKind.published).value,
        )
    report(session, dataset)
    next_step(session, dataset, "adk", horizon)
