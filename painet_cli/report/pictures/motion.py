"""Snapshots of a forecast in the manner of the paper's Figures 2 and 8 to 11."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from painet_cli.data.units import time_text
from painet_cli.errors import PainetError
from painet_cli.prediction.forecast import Forecast
from painet_cli.report.pictures.canvas import GHOST, draw_scale, save, short_unit
from painet_cli.report.pictures.colouring import colouring
from painet_cli.report.pictures.particles import Look, look_of, marker
from painet_cli.report.pictures.projection import principal_view, upright_view
from painet_cli.report.tables.evaluation import figure

PANEL_INCHES = 1.9
NARROWEST_INCHES = 3.2
"""Width of a picture that its legend fits in."""
TALLEST_INCHES = 2.8
"""Height of a snapshot; a standing figure's panel is narrower instead."""
MANY = 300
"""Particles beyond which only truth and prediction have colours of their own."""
CUT = 1.5
"""What is predicted further out than this, as a share of the truth's reach, is cut off."""

Points = NDArray[np.float64]


def draw_snapshots(forecast: Forecast, path: Path, *, start: int = 0, columns: int = 5) -> None:
    """Draw evenly spaced steps of a forecast, truth above prediction, all from the same side.

    Under each stands its time and MSE. Where the truth is not known there is one row, over the
    start's faint rings, with the RMS distance from the start. Systems with a height are drawn
    upright, others along the axis in which their start is thinnest.

    Parameters
    ----------
    path
        Where the picture goes; its ending names the format.
    start
        Which of the forecast's starts, an index into `starts`.
    columns
        Most snapshots to draw; the last step is always among them.

    Raises
    ------
    IndexError
        There is no such start.
    PainetError
        A position is NaN or infinite.
    RequestError
        The file cannot be written.
    """
    if not 0 <= start < len(forecast.starts):
        raise IndexError(f"start {start} of {len(forecast.starts)}")
    horizon = len(forecast.times_s)
    chosen = np.linspace(horizon - 1, 0, min(columns, horizon)).round().astype(int)
    steps: list[int] = np.unique(chosen).tolist()
    begin = forecast.start_positions[start].astype(np.float64)
    predicted = forecast.positions[start, steps].astype(np.float64)
    truth = None if forecast.truth is None else forecast.truth[start, steps].astype(np.float64)
    behind = np.broadcast_to(begin, predicted.shape) if truth is None else truth
    if not (np.isfinite(predicted).all() and np.isfinite(behind).all()):
        raise PainetError(f"{path}: not drawn, a position is NaN or infinite")

    view = _view(begin, behind, forecast)
    middle = _middle(behind @ view.T)
    behind_seen, predicted_seen = behind @ view.T - middle, predicted @ view.T - middle
    reach = _reach(behind_seen, predicted_seen)
    width = min(PANEL_INCHES, TALLEST_INCHES * float(reach[0] / reach[1]))
    look = _look(forecast, begin, points_per_unit=72 * width / (2 * float(reach[0])))
    rows = ["prediction"] if truth is None else ["truth", "prediction"]
    canvas, panels = _panels(rows, len(steps), reach, width)
    notes = _notes(forecast, steps, predicted, behind)
    for column, note in enumerate(notes):
        below = panels[-1, column]
        if truth is not None:
            look.draw(panels[0, column], behind_seen[column], look.true_colours)
        look.draw_ghost(below, behind_seen[column])
        look.draw(below, predicted_seen[column], look.predicted_colours)
        below.set_xlabel(note, fontsize=8, labelpad=10)  # clear of the scale bar
    draw_scale(panels[0, 0], reach, short_unit(forecast.system.length_unit))
    legend = _legend(look, truth_known=truth is not None)
    canvas.legend(
        handles=legend,
        loc="outside lower center",
        ncols=len(legend) if len(steps) > 2 else 2,
        fontsize=8,
        frameon=False,
    )
    save(canvas, path)


def _view(begin: Points, behind: Points, forecast: Forecast) -> Points:
    up_axis = forecast.system.up_axis
    if up_axis is None:
        return principal_view(begin)
    return upright_view(np.concatenate([begin, *behind]), up_axis)


def _middle(seen: Points) -> Points:  # (T, N, 3) -> (T, 1, 3)
    low, high = seen.min(axis=1, keepdims=True), seen.max(axis=1, keepdims=True)
    middle: Points = (low + high) / 2
    return middle


def _reach(behind: Points, predicted: Points) -> Points:
    """Half the width and height of a panel, (2,)."""
    widest = np.abs(behind[..., :2]).max(axis=(0, 1), initial=1e-6)
    wanted = np.maximum(widest, np.abs(predicted[..., :2]).max(axis=(0, 1)))
    wanted = np.minimum(wanted, CUT * widest.max())
    reach: Points = np.maximum(wanted, 0.4 * wanted.max()) + 0.12 * wanted.max()
    return reach


def _look(forecast: Forecast, begin: Points, points_per_unit: float) -> Look:
    particles = forecast.system.particles
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


def _panels(
    rows: Sequence[str], columns: int, reach: Points, panel_inches: float
) -> tuple[Figure, NDArray[np.object_]]:
    width = max(panel_inches * columns + 0.3, NARROWEST_INCHES)
    height = len(rows) * panel_inches * float(reach[1] / reach[0]) + 1.0
    canvas = Figure(figsize=(width, height), layout="constrained")
    panels = canvas.subplots(len(rows), columns, squeeze=False)
    for panel in panels.flat:
        _prepare(panel, reach)
    for row, name in enumerate(rows):
        panels[row, 0].set_ylabel(name, fontsize=9)
    return canvas, panels


def _prepare(panel: Axes, reach: Points) -> None:
    panel.set(xlim=(-reach[0], reach[0]), ylim=(-reach[1], reach[1]), xticks=[], yticks=[])
    panel.set_aspect("equal")
    panel.spines[:].set_visible(False)


def _notes(
    forecast: Forecast, steps: Sequence[int], predicted: Points, behind: Points
) -> list[str]:
    """Error, or distance from the start, and time of every snapshot."""
    unit = short_unit(forecast.system.length_unit)
    squares = np.square(predicted - behind)
    if forecast.truth is None:
        values = np.sqrt(squares.sum(axis=2).mean(axis=1))
        texts = [f"moved {figure(value, 3)} {unit}" for value in values.tolist()]
    else:
        texts = [f"MSE {figure(mse, 3)} {unit}²" for mse in squares.mean(axis=(1, 2)).tolist()]
    return [f"{text}\n({_time(forecast, step)})" for text, step in zip(texts, steps, strict=True)]


def _time(forecast: Forecast, step: int) -> str:
    value = float(forecast.times_s[step])
    known = np.isfinite(value) and value > 0
    return f"+{time_text(value)}" if known else f"step {step + 1}"


def _legend(look: Look, *, truth_known: bool) -> list[Line2D]:
    entries = look.legend()
    if truth_known:
        return entries
    entries = [entry for entry in entries[:-1] if entry.get_label() != "truth"]
    return [*entries, marker("start", "white", GHOST)]
