"""From a file to the folder of its prediction: trajectories, arrays, page, picture, summary."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from painet_cli.data.particles.names import Axis
from painet_cli.evaluation.distributions.report import Distribution
from painet_cli.evaluation.physics.checks import PhysicsReport, physical_checks
from painet_cli.prediction.adapting.own_run import check_keeping
from painet_cli.prediction.adapting.wish import read_wish
from painet_cli.prediction.checkpoints import Checkpoint, known_checkpoints
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.inputs.scaled import take_unit
from painet_cli.prediction.loading import load_model
from painet_cli.prediction.momentum import Momentum, check_conserve, keep_momentum
from painet_cli.prediction.outputs.motion_style import (
    MotionStyle,
    motion_style,
)
from painet_cli.prediction.outputs.rigid import with_kept_bones
from painet_cli.prediction.outputs.viewers import Written
from painet_cli.prediction.outputs.write import write_files
from painet_cli.prediction.pipeline import Begun, RecordingForecast
from painet_cli.report.page.data import ErrorBars
from painet_cli.report.page.write import write_page
from painet_cli.report.pictures.motion import draw_snapshots
from painet_cli.report.request import PredictionRequest, begin_prediction
from painet_cli.report.summary import provenance_of, summary_of
from painet_cli.report.tables.verdict import opening_sentences
from painet_cli.storage.atomic import check_writable, new_folder
from painet_cli.storage.provenance import KEY, finite, sealed
from painet_cli.training.device import resolve_device

SUMMARY = "summary.json"
PAGE = "report.html"
PICTURE = "snapshots.png"


@dataclass(frozen=True, eq=False)
class WrittenPrediction:
    """A prediction, and the folder that holds it.

    Attributes
    ----------
    folder
        Where it lies.
    made
        The forecast, and how it came about.
    physics
        What was found by physical checks, where they were asked for.
    distribution
        Distributions beside those of real frames, where they were asked for.
    momentum
        How far the prediction was from keeping the momentum of its start, where that was asked for.
    files
        What was written, those to open first at the front.
    summary
        Content of `summary.json`.
    """

    folder: Path
    made: RecordingForecast
    physics: PhysicsReport | None
    distribution: Distribution | None
    momentum: Momentum | None
    files: tuple[Written, ...]
    summary: dict[str, Any]


def write_prediction(
    file: str | Path,
    steps: int,
    folder: str | Path,
    *,
    checkpoint: str | None = None,
    topology: str | Path | None = None,
    select: str | None = None,
    start: str = "last",
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
    fps: str | None = None,
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
    folder = Path(folder)
    check_writable(folder, force=force, place="output")
    kept = None if save_run is None else Path(save_run)
    wish = read_wish(adapt, kept, Path(data_dir), force=force)
    check_keeping(wish)
    request = PredictionRequest(
        steps,
        topology=None if topology is None else Path(topology),
        select=select,
        start=start,
        frame_time=frame_time,
        wish=wish,
        flag_above=flag_above,
        drop_extra=drop_extra,
        format_name=format_name,
        up=up,
        memory_budget=memory_budget,
        data_dir=Path(data_dir),
        style=motion_style(unit, fps, with_past=with_past),
        keep_bones=keep_bones,
        physics=physics,
        distribution=distribution,
        conserve=check_conserve(conserve),
    )
    computer = resolve_device(device)
    known = known_checkpoints(checkpoint, Path(run_dir), members=members)
    begun = begin_prediction(
        Path(file),
        request,
        known,
        lambda one: load_model(one, computer),
        notice,
    )
    if isinstance(begun, Begun):
        begun = begun.predict(notice, memory_budget)
    return save_prediction(begun, Path(file), folder, request, known, force=force)


def save_prediction(
    made: RecordingForecast,
    file: Path,
    folder: Path,
    request: PredictionRequest,
    checkpoints: Sequence[Checkpoint],
    *,
    force: bool,
) -> WrittenPrediction:
    """Write a forecast's files, all or none; raises as `write_prediction` does.

    What needs frames before the starts reads the file again, which many forecasts cannot all hold
    open, in the unit that those `checkpoints` gave it.
    """
    momentum, alike, topology = None, None, request.topology
    if request.keep_bones:
        known = made.loaded.header.structure if made.loaded else None
        made = replace(made, forecast=with_kept_bones(made.forecast, known))
    if request.conserve or request.distribution:
        with request.opened(file) as recording:
            take_unit(recording, checkpoints)
            if request.conserve:
                made, momentum = keep_momentum(made, recording)
            if request.distribution:
                from painet_cli.evaluation.distributions.forecast import compare_forecast

                alike = compare_forecast(made, recording)
    checks = _physical_checks(made) if request.physics else None
    inputs = [path for path in (made.forecast.system.path, topology) if path is not None]
    with new_folder(folder, force=force) as staging:
        files = _files(made, checks, staging, request.style)
        content = summary_of(made, checks, folder, files)
        kept = request.wish.save_run
        content["saved_run"] = str(kept) if kept is not None and kept.is_dir() else None
        content["distribution"] = alike and alike.plain()
        content["momentum"] = momentum and momentum.plain()
        content[KEY] = provenance_of(made, inputs, files)
        summary = sealed(finite(content))
        (staging / SUMMARY).write_text(summary, encoding="utf-8")
    return WrittenPrediction(
        folder, made, checks, alike, momentum, tuple(files), json.loads(summary)
    )


def _physical_checks(made: RecordingForecast) -> PhysicsReport:
    forecast = made.forecast
    return physical_checks(
        forecast.start_positions,
        forecast.positions,
        forecast.system.particles,
        length_unit=forecast.system.length_unit,
        truth=forecast.truth,
        times_s=forecast.times_s,
        up_axis=forecast.system.up_axis,
    )


def _files(
    made: RecordingForecast, checks: PhysicsReport | None, staging: Path, style: MotionStyle
) -> list[Written]:
    """Page, picture and data files, in the order in which a reader opens them."""
    forecast, choice, verdict = made.forecast, made.choice, made.verdict
    unit = forecast.system.length_unit
    data = write_files(
        forecast.system,
        forecast.positions,
        forecast.times_s,
        forecast.starts,
        staging,
        truth=forecast.truth,
        radius=forecast.radius,
        style=style,
    )
    shown = forecast.at_origin()
    write_page(
        shown,
        staging / PAGE,
        title=f"{forecast.system.name}, predicted by {made.name}",
        verdict=opening_sentences(verdict, forecast.radius_90, unit),
        held_out=verdict,
        notes=[
            *([f"Checkpoint {choice.checkpoint.name}, {choice.reason}."] if choice else []),
            *forecast.warnings,
            *(checks.findings if checks else ()),
        ],
        bars=_bars(forecast),
    )
    draw_snapshots(shown, staging / PICTURE)
    return [
        Written(staging / PAGE, "the motion to play and turn", 0, [f"any browser: {PAGE}"]),
        Written(staging / PICTURE, "some steps side by side", 0, []),
        *data,
    ]


def _bars(forecast: Forecast) -> ErrorBars | None:
    """Radii of each particle, the mean over the starts."""
    if forecast.radius is None or forecast.radius_90 is None:
        return None
    return ErrorBars(forecast.radius_90, forecast.radius.mean(axis=0, dtype=np.float64))
