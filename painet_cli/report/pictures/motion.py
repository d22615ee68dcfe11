"""Motion in a row of snapshots, truth above prediction, as the paper's Figures 2 and 8 to 11."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.particles import Particles, subset
from painet_cli.data.units import time_text
from painet_cli.errors import PainetError
from painet_cli.prediction.forecast import Forecast
from painet_cli.report.pictures.canvas import (
    GHOST,
    draw_legend,
    draw_scale,
    half_panel,
    panel_grid,
    save,
    short_unit,
)
from painet_cli.report.pictures.colouring import colouring
from painet_cli.report.pictures.particles import Look, look_of, marker
from painet_cli.report.pictures.projection import principal_view, upright_view
from painet_cli.report.tables.layout import digits

PANEL_INCHES = 1.9
TALLEST_INCHES = 2.8
"""Height of a snapshot; a standing figure's panel is narrower instead."""
_SNAPSHOTS = 5
"""Most steps of a forecast that are drawn."""
MOST_COLUMNS = 8
"""Times that a test window is drawn at, in narrower panels."""
_COLUMN_INCHES = 1.6
MANY = 300
"""Particles beyond which only truth and prediction have colours of their own."""

MOST_DRAWN = 5000
"""Particles of a snapshot; of more, so many evenly spaced ones are drawn."""

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Scene:
    """What is drawn, a column a time; (T, N, 3)."""

    begin: Points  # (N, 3)
    behind: Points
    """The truth; the start again where it is not known."""
    predicted: Points
    rows: list[str]
    notes: list[str]
    titles: list[str]
    up_axis: Axis | None

    def seen(self) -> _Seen:
        """All from one side, each column centred on what is behind."""
        if self.up_axis is None:
            view = principal_view(self.begin)
        else:
            view = upright_view(np.concatenate([self.begin, *self.behind]), self.up_axis)
        behind = self.behind @ view.T
        low, high = behind.min(axis=1, keepdims=True), behind.max(axis=1, keepdims=True)
        middle = (low + high) / 2
        behind, predicted = behind - middle, self.predicted @ view.T - middle
        return _Seen(behind, predicted, half_panel(behind, predicted))


@dataclass(frozen=True, eq=False)
class _Seen:
    """A scene from the side it is seen from; x and y lie in the panel."""

    behind: Points
    predicted: Points
    reach: Points  # (2,)


def _points(seen: _Seen, width: float) -> float:
    """Points of the paper a unit of length, in panels of so many inches."""
    return 72 * width / (2 * float(seen.reach[0]))


def _draw(
    scene: _Scene,
    seen: _Seen,
    look: Look,
    legend: Sequence[Line2D],
    width: float,
    unit: str,
    path: Path,
) -> None:
    columns = len(scene.predicted)
    canvas, panels = panel_grid(scene.rows, columns, seen.reach, width)
    for column, note in enumerate(scene.notes):
        above, below = panels[0, column], panels[-1, column]
        if above is not below:
            look.draw(above, seen.behind[column], look.true_colours)
        look.draw_ghost(below, seen.behind[column])
        look.draw(below, seen.predicted[column], look.predicted_colours)
        below.set_xlabel(note, fontsize=8, labelpad=10)  # clear of the scale bar
        if scene.titles:
            above.set_title(scene.titles[column], fontsize=9)
    draw_scale(panels[0, 0], seen.reach, unit)
    draw_legend(canvas, legend, columns)
    save(canvas, path)


def draw_snapshots(forecast: Forecast, path: Path) -> None:
    """Draw evenly spaced steps from a forecast's first start, truth above prediction.

    The last step is among them, and all are seen from the same side. Under each stands its time and
    MSE. Where the truth is not known there is one row, over the start's faint rings, with the RMS
    distance from the start. Systems with a height are drawn upright, others along the axis in which
    their start is thinnest.

    Parameters
    ----------
    path
        Where the picture goes; its ending names the format.

    Raises
    ------
    PainetError
        A position is NaN or infinite.
    RequestError
        The file cannot be written.
    """
    horizon = len(forecast.times_s)
    chosen = np.linspace(horizon - 1, 0, min(_SNAPSHOTS, horizon)).round().astype(int)
    steps: list[int] = np.unique(chosen).tolist()
    begin = forecast.start_positions[0].astype(np.float64)
    predicted = forecast.positions[0, steps].astype(np.float64)
    truth = None if forecast.truth is None else forecast.truth[0, steps].astype(np.float64)
    behind = np.broadcast_to(begin, predicted.shape) if truth is None else truth
    if not (np.isfinite(predicted).all() and np.isfinite(behind).all()):
        raise PainetError(f"{path}: not drawn, a position is NaN or infinite")

    notes, particles = _notes(forecast, steps, predicted, behind), forecast.system.particles
    if len(begin) > MOST_DRAWN:  # more would be a blot, and take minutes
        some = np.linspace(0, len(begin) - 1, MOST_DRAWN).round().astype(np.int64)
        begin, particles = begin[some], subset(particles, some)
        behind, predicted = behind[:, some], predicted[:, some]
    scene = _Scene(
        begin,
        behind,
        predicted,
        ["prediction"] if truth is None else ["truth", "prediction"],
        notes,
        [],
        forecast.system.up_axis,
    )
    seen = scene.seen()
    width = min(PANEL_INCHES, TALLEST_INCHES * float(seen.reach[0] / seen.reach[1]))
    look = _look(particles, begin, points_per_unit=_points(seen, width))
    legend = _legend(look, truth_known=truth is not None)
    _draw(scene, seen, look, legend, width, short_unit(forecast.system.length_unit), path)


def motion_picture(
    truth: NDArray[np.floating],  # (T, N, 3)
    prediction: NDArray[np.floating],  # (T, N, 3)
    start: NDArray[np.floating],  # (N, 3)
    bonds: Sequence[tuple[int, int]],
    path: Path,
    *,
    unit: str,
    type_names: Sequence[str] = (),
    types: Sequence[int] = (),
    titles: Sequence[str] = (),
    up_axis: Axis | None = None,
) -> None:
    """Draw true and predicted positions, a column a time, in the manner of the paper's Figure 2.

    All are seen from the same side: along the least principal axis of the start, or upright where
    `up_axis` is given. Each column is centred on its true positions. Of more than 8 times, 8 evenly
    spaced ones are drawn.

    Parameters
    ----------
    truth, prediction, start
        Positions in `unit`.
    bonds
        Pairs of particle indices.
    path
        Where the picture goes; its ending names the format.
    unit
        Length unit, for the scale bar and the MSE under each column.
    type_names, types
        Names of the particle types, and each particle's index among them. Up to 6 types get a
        colour each, elements their customary one; otherwise all particles look the same.
    titles
        One a time, above its column; `t = 1`, ... by default.
    up_axis
        Direction of height, where the system has one.

    Raises
    ------
    ValueError
        The shapes do not belong together.
    PainetError
        A position is NaN or infinite.
    RequestError
        The file cannot be written.
    """
    if truth.ndim != 3 or truth.shape != prediction.shape or truth.shape[1:] != start.shape:
        raise ValueError(f"truth {truth.shape}, prediction {prediction.shape}, start {start.shape}")
    if not all(np.isfinite(positions).all() for positions in (truth, prediction, start)):
        raise PainetError(f"{path}: not drawn, a position is NaN or infinite")
    steps = np.unique(np.linspace(0, len(truth) - 1, MOST_COLUMNS).round().astype(int))
    above = titles or [f"t = {step + 1}" for step in range(len(truth))]
    mse = np.square(prediction - truth).mean(axis=(1, 2))
    scene = _Scene(
        start.astype(np.float64),
        truth[steps].astype(np.float64),
        prediction[steps].astype(np.float64),
        ["truth", "prediction"],
        [f"MSE {digits(float(mse[step]), 3)} {short_unit(unit)}²" for step in steps],
        [above[step] for step in steps],
        up_axis,
    )
    seen = scene.seen()
    width = _COLUMN_INCHES
    look = look_of(start, bonds, type_names, types, points_per_unit=_points(seen, width))
    _draw(scene, seen, look, look.legend(), width, short_unit(unit), path)


def _look(particles: Particles, begin: Points, points_per_unit: float) -> Look:
    look = look_of(begin, particles.bonds, (), (), points_per_unit=points_per_unit)
    kinds = colouring(particles)
    if len(kinds.names) == 1 or len(begin) > MANY:
        return look
    colours = np.array(kinds.light)[kinds.of_particle]
    return replace(
        look,
        diameters=look.diameters * np.array(kinds.sizes)[kinds.of_particle],
        true_colours=colours,
        predicted_colours=colours,
        types=dict(zip(kinds.names, kinds.light, strict=True)),
    )


def _notes(
    forecast: Forecast, steps: Sequence[int], predicted: Points, behind: Points
) -> list[str]:
    """Error, or distance from the start, and time of every snapshot."""
    unit = short_unit(forecast.system.length_unit)
    squares = np.square(predicted - behind)
    if forecast.truth is None:
        values = np.sqrt(squares.sum(axis=2).mean(axis=1))
        texts = [f"moved {digits(value, 3)} {unit}" for value in values.tolist()]
    else:
        texts = [f"MSE {digits(mse, 3)} {unit}²" for mse in squares.mean(axis=(1, 2)).tolist()]
    times = forecast.times_s[list(steps)].tolist()
    return [f"{text}\n(+{time_text(time)})" for text, time in zip(texts, times, strict=True)]


def _legend(look: Look, *, truth_known: bool) -> list[Line2D]:
    entries = look.legend()
    if truth_known:
        return entries
    entries = [entry for entry in entries[:-1] if entry.get_label() != "truth"]
    return [*entries, marker("start", "white", GHOST)]
