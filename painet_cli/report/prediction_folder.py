"""From a forecast to its folder: trajectories, arrays, page, picture, summary; all or none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from painet_cli.evaluation.distributions.report import Distribution
from painet_cli.evaluation.physics.checks import PhysicsReport, physical_checks
from painet_cli.evaluation.verify.verify import SUMMARY
from painet_cli.prediction.checkpoints import Checkpoint
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.inputs.scaled import take_unit
from painet_cli.prediction.momentum import Momentum, keep_momentum
from painet_cli.prediction.outputs.motion_style import MotionStyle
from painet_cli.prediction.outputs.rigid import with_kept_bones
from painet_cli.prediction.outputs.viewers import Written
from painet_cli.prediction.outputs.write import write_files
from painet_cli.prediction.pipeline import RecordingForecast
from painet_cli.report.page.data import ErrorBars
from painet_cli.report.page.write import write_page
from painet_cli.report.pictures.motion import draw_snapshots
from painet_cli.report.request import PredictionRequest
from painet_cli.report.summary import provenance_of, summary_of
from painet_cli.report.tables.verdict import opening_sentences
from painet_cli.storage.atomic import new_folder
from painet_cli.storage.provenance import KEY, finite, sealed

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
