"""How the loss of trainings fell, as a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from painet_cli.errors import RequestError
from painet_cli.report.pictures.canvas import COLOURS, save, short_unit
from painet_cli.report.tables.layout import digits
from painet_cli.storage.archives import brief, numbers_in, read_bytes
from painet_cli.training.run_folder import METRICS


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
            records.append(numbers_in(line, ("epoch", "train_mse", "val_mse")))
        except ValueError as error:
            raise RequestError(f"{path}:{number}: no epoch ({brief(error)})") from error
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
    axes.yaxis.set_major_formatter(lambda value, _: digits(value))
    axes.yaxis.set_minor_formatter(lambda value, _: digits(value))
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
    label = f"{name}, best: {digits(best['val_mse'])} in epoch {best['epoch']}"
    axes.plot(
        best["epoch"], best["val_mse"], "o", ms=7, mfc="white", mec=colour, mew=1.6, label=label
    )


def _draw_line(
    axes: Axes, records: Sequence[Mapping[str, Any]], key: str, label: str, **style: Any
) -> None:
    epochs, values = [record["epoch"] for record in records], [record[key] for record in records]
    alone = "." if len(records) == 1 else None  # a line through one point is not seen
    axes.plot(epochs, values, marker=alone, label=label, **style)
