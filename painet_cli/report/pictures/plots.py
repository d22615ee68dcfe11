"""Plots: how the loss fell, and where particles went against where they were predicted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import NDArray

from painet_cli.data.particles.names import Axis
from painet_cli.errors import PainetError, RequestError
from painet_cli.report.pictures.canvas import COLOURS, draw_scale, save, short_unit
from painet_cli.report.pictures.particles import look_of
from painet_cli.report.pictures.projection import principal_view, upright_view
from painet_cli.report.tables.evaluation import figure
from painet_cli.storage.archives import brief, read_bytes
from painet_cli.training.run import METRICS

MOST_SNAPSHOTS = 8
PANEL_INCHES = 1.6
"""Width of a snapshot."""
NARROWEST_INCHES = 3.2
"""Width of a picture that its legend fits in."""


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """Read the epochs of a run that is done, stopped or still going on.

    Raises
    ------
    RequestError
        The folder holds no metrics, or a line of them cannot be read.
    """
    path = run / METRICS
    if not path.is_file():
        raise RequestError(f"{path}: no metrics here", "give a folder that `painet train` wrote")
    records = []
    for number, line in enumerate(read_bytes(path).splitlines(keepends=True), 1):
        if not line.endswith(b"\n"):
            break  # being written
        try:
            records.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise RequestError(f"{path}:{number}: not JSON ({brief(error)})") from error
    return records


def loss_plot(curves: Mapping[str, Sequence[Mapping[str, Any]]], path: Path, *, unit: str) -> None:
    """Draw training and validation MSE against epochs, and mark each run's best epoch.

    Parameters
    ----------
    curves
        Records of `read_metrics` by the run's name.
    path
        Where the plot goes; its ending names the format.
    unit
        Unit of the MSE, for the axis.

    Raises
    ------
    RequestError
        There is no run, one has no epoch yet, or the file cannot be written.
    """
    unfinished = [name for name, records in curves.items() if not records]
    if unfinished or not curves:
        raise RequestError(f"{path}: no epoch to plot", ", ".join(unfinished))
    canvas = Figure(figsize=(6, 3.8), layout="constrained")
    axes = canvas.subplots()
    for index, (name, records) in enumerate(curves.items()):
        _draw_losses(axes, name, records, COLOURS[index % len(COLOURS)])
    axes.set(xlabel="epoch", ylabel=f"MSE ({short_unit(unit)})", yscale="log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.yaxis.set_major_formatter(lambda value, _: figure(value))
    axes.yaxis.set_minor_formatter(lambda value, _: figure(value))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, which="both", color="#E5E5E5", linewidth=0.5)
    axes.legend(frameon=False, fontsize=8)
    save(canvas, path)


def _draw_losses(axes: Axes, name: str, records: Sequence[Mapping[str, Any]], colour: str) -> None:
    evaluated = [record for record in records if record["val_mse"] is not None]
    _draw_line(axes, records, "train_mse", f"{name}, training", color=colour, alpha=0.4, lw=1)
    if not evaluated:
        return
    _draw_line(axes, evaluated, "val_mse", f"{name}, validation", color=colour, lw=1.6)
    best = min(evaluated, key=lambda record: record["val_mse"])
    label = f"{name}, best: {figure(best['val_mse'])} in epoch {best['epoch']}"
    axes.plot(
        best["epoch"], best["val_mse"], "o", ms=7, mfc="white", mec=colour, mew=1.6, label=label
    )


def _draw_line(
    axes: Axes, records: Sequence[Mapping[str, Any]], key: str, label: str, **style: Any
) -> None:
    epochs, values = [record["epoch"] for record in records], [record[key] for record in records]
    alone = "." if len(records) == 1 else None  # a line through one point is not seen
    axes.plot(epochs, values, marker=alone, label=label, **style)


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
    steps = np.unique(np.linspace(0, len(truth) - 1, MOST_SNAPSHOTS).round().astype(int))
    titles = titles or [f"t = {step + 1}" for step in range(len(truth))]
    mse = np.square(prediction - truth).mean(axis=(1, 2))
    if up_axis is None:
        view = principal_view(start)
    else:
        view = upright_view(np.concatenate([start, *truth]), up_axis)
    true, predicted = truth[steps] @ view.T, prediction[steps] @ view.T
    middle = (true.max(axis=1, keepdims=True) + true.min(axis=1, keepdims=True)) / 2
    true, predicted = true - middle, predicted - middle
    reach = _reach(true, predicted)
    scale = 72 * PANEL_INCHES / (2 * reach[0])
    look = look_of(start, bonds, type_names, types, points_per_unit=scale)

    canvas, panels = _panels(len(steps), reach)
    for column, step in enumerate(steps):
        above, below = panels[:, column]
        look.draw(above, true[column], look.true_colours)
        look.draw_ghost(below, true[column])
        look.draw(below, predicted[column], look.predicted_colours)
        above.set_title(titles[step], fontsize=9)
        below.set_xlabel(f"MSE {figure(float(mse[step]), 3)} {short_unit(unit)}²", fontsize=8)
    draw_scale(panels[0, 0], reach, short_unit(unit))
    legend = look.legend()
    ncols = len(legend) if len(steps) > 2 else 2
    canvas.legend(
        handles=legend, loc="outside lower center", ncols=ncols, fontsize=8, frameon=False
    )
    save(canvas, path)


def _panels(
    columns: int,
    reach: NDArray[np.float64],  # (2,)
) -> tuple[Figure, NDArray[np.object_]]:
    """Make a row of empty panels for the truth and one for the prediction, (2, columns)."""
    width = max(PANEL_INCHES * columns + 0.3, NARROWEST_INCHES)
    height = 2 * PANEL_INCHES * reach[1] / reach[0] + 0.9
    canvas = Figure(figsize=(width, height), layout="constrained")
    panels = canvas.subplots(2, columns, squeeze=False)
    for panel in panels.flat:
        panel.set(xlim=(-reach[0], reach[0]), ylim=(-reach[1], reach[1]), xticks=[], yticks=[])
        panel.set_aspect("equal")
        panel.spines[:].set_visible(False)
    panels[0, 0].set_ylabel("truth", fontsize=9)
    panels[1, 0].set_ylabel("prediction", fontsize=9)
    return canvas, panels


def _reach(
    true: NDArray[np.float64],  # (T, N, 3)
    predicted: NDArray[np.float64],  # (T, N, 3)
) -> NDArray[np.float64]:  # (2,)
    """Half the width and height of a panel; what is predicted far outside the truth is cut off."""
    widest = np.abs(true[..., :2]).max(axis=(0, 1), initial=1e-6)
    wanted = np.maximum(widest, np.abs(predicted[..., :2]).max(axis=(0, 1)))
    wanted = np.minimum(wanted, 1.5 * widest.max())
    reach: NDArray[np.float64] = np.maximum(wanted, 0.4 * wanted.max()) + 0.15 * wanted.max()
    return reach
