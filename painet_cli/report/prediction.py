"""From a file to a forecast and its folder: `painet.write_prediction`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import Field

from painet_cli.config.arguments import checked
from painet_cli.data.particles.names import Axis
from painet_cli.prediction.adapting.own_run import check_keeping
from painet_cli.prediction.adapting.wish import read_wish
from painet_cli.prediction.checkpoints import known_checkpoints
from painet_cli.prediction.loading import load_model
from painet_cli.prediction.momentum import check_conserve
from painet_cli.prediction.outputs.motion_style import motion_style
from painet_cli.prediction.pipeline import Begun
from painet_cli.report.prediction_folder import WrittenPrediction, save_prediction
from painet_cli.report.request import PredictionRequest, begin_prediction
from painet_cli.storage.atomic import check_writable
from painet_cli.training.device import resolve_device


@checked
def write_prediction(
    file: str | Path,
    steps: Annotated[int, Field(ge=1)],
    folder: str | Path,
    *,
    checkpoint: str | Path | None = None,
    topology: str | Path | None = None,
    select: str | None = None,
    start: str | int = "last",
    frame_time: str | None = None,
    adapt: str = "auto",
    save_run: str | Path | None = None,
    members: bool = False,
    flag_above: float | None = None,
    drop_extra: bool = False,
    format_name: str | None = None,
    up: Axis | None = None,
    physics: bool = False,
    unit: str | None = None,
    fps: str | float | None = None,
    with_past: bool = False,
    keep_bones: bool = False,
    distribution: bool = False,
    conserve: str | None = None,
    memory_budget: int | None = None,
    data_dir: str | Path = "data",
    run_dir: str | Path = "runs",
    device: str = "auto",
    force: bool = False,
    notice: Callable[[str], None] = lambda message: None,
) -> WrittenPrediction:
    """Predict how the system in a file moves on, and write it as files that other programs open.

    Molecules become a trajectory in the format of the file where that holds it, else DCD, with a
    PDB of names and bonds; motion capture becomes BVH, GLB, TRC and CSV. Beside them are
    `prediction.npz`, a page to play (`report.html`), a picture, and `summary.json` with errors and
    provenance.

    Parameters
    ----------
    file
        A structure, trajectory or recorded motion of any format that is read, or a prepared
        dataset.
    steps
        T, at least 1; past the trained horizon by rollout.
    folder
        Where it is written: all or nothing.
    checkpoint
        Run folder, file or shipped name; by default the run or shipped one that fits best.
    topology
        Names and bonds; of an AMC its ASF.
    select
        Particles, as MDAnalysis selects them, or `heavy`; by default all, heavy, backbone or CA,
        whatever a checkpoint fits.
    start
        Frames to start at: `last`, a number, `all` or `A:B:S`.
    frame_time
        Time between frames, `0.5fs`; by default the file's.
    adapt
        `auto` learns from the frames before the first start, where there are enough, and predicts
        with what is best on those held out; a time such as `5m` trains a network for so long
        besides; `never` takes the checkpoint.
    save_run
        Where the run folder of what was learned is kept; its frames become a dataset in `data_dir`.
    members
        Predict with the mean of all runs in the folder `checkpoint`, which differ in their seed.
    flag_above
        Say which starts are farther from what was seen than this share of the windows that were
        not trained on.
    drop_extra
        Leave out atoms that the topology does not have.
    format_name
        Format of the file, such as `LAMMPSDUMP`, whatever its name says.
    up
        Direction of height in motion capture; by default what the motion or its format says.
    physics
        Check bonds, clashes, size and how far things move.
    unit
        Of BVH and TRC files: `m` or `cm`; by default that of the file in BVH, metres in TRC.
    fps
        Frames a second of BVH, GLB and TRC files: a number, or `source` for the recording's; by
        default the steps as they are predicted.
    with_past
        Let the known frames before the start come first in those, at the recording's rate.
    keep_bones
        Move predicted joints so that every bone is as long as at the start.
    distribution
        Compare torsions, size and fluctuation, or bones and feet, with what happened, or with the
        frames up to the start.
    conserve
        `momentum` shifts and turns each step, so that it keeps the momentum and the angular
        momentum of its start.
    memory_budget
        Bytes that a pass is to fit in; by default what is free.
    data_dir, run_dir
        Where prepared datasets and runs are looked for.
    device
        `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
    force
        Replace a folder that is already there.
    notice
        Called with which checkpoint was taken, and what a long prediction will cost.

    Returns
    -------
    WrittenPrediction
        The forecast and its files.

    Raises
    ------
    RequestError
        The file cannot be read, nothing is selected, no checkpoint fits, there is no such start, or
        the folder is there already or cannot be written.
    PainetError
        The prediction runs away, or the disk is full.

    Examples
    --------
    >>> import tempfile, painet
    >>> data = tempfile.mkdtemp()
    >>> sample = painet.prepare("sample", data_dir=data)
    >>> done = painet.write_prediction(sample.folder, 5, f"{data}/predicted", checkpoint="sample")
    >>> done.summary["steps"], (done.folder / "report.html").is_file()
    (5, True)
    """
    kept = None if save_run is None else Path(save_run)
    request = PredictionRequest(
        steps,
        topology=None if topology is None else Path(topology),
        select=select,
        start=str(start),
        frame_time=frame_time,
        wish=read_wish(adapt, kept, Path(data_dir), force=force),
        flag_above=flag_above,
        drop_extra=drop_extra,
        format_name=format_name,
        up=up,
        memory_budget=memory_budget,
        data_dir=Path(data_dir),
        style=motion_style(unit, None if fps is None else str(fps), with_past=with_past),
        keep_bones=keep_bones,
        physics=physics,
        distribution=distribution,
        conserve=check_conserve(conserve),
    )
    return write_requested(
        Path(file),
        request,
        Path(folder),
        checkpoint=None if checkpoint is None else str(checkpoint),
        members=members,
        run_dir=Path(run_dir),
        device=device,
        force=force,
        notice=notice,
    )


def write_requested(
    file: Path,
    request: PredictionRequest,
    folder: Path,
    *,
    checkpoint: str | None,
    members: bool,
    run_dir: Path,
    device: str,
    force: bool,
    notice: Callable[[str], None],
) -> WrittenPrediction:
    """Predict as is asked for; the other parameters and errors are those of `write_prediction`."""
    check_writable(folder, force=force, place="output")
    check_keeping(request.wish)
    computer = resolve_device(device)
    known = known_checkpoints(checkpoint, run_dir, members=members)
    made = begin_prediction(file, request, known, lambda one: load_model(one, computer), notice)
    if isinstance(made, Begun):
        made = made.predict(notice, request.memory_budget)
    return save_prediction(made, file, folder, request, known, force=force)
