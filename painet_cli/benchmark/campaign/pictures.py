"""Errors of all models on all presets of a table: a dot a seed, the paper's figure beside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from painet_cli.benchmark.cells import Result
from painet_cli.report.pictures.canvas import COLOURS, GHOST, INK, save, short_unit
from painet_cli.report.tables.paper import paper_figure

_COLUMNS = 4


def draw_table(results: Sequence[Result], title: str, path: Path) -> None:
    """Draw a panel a preset: models down, errors across, logarithmic.

    Raises
    ------
    RequestError
        The file cannot be written.
    """
    presets = list(dict.fromkeys(result.cell.preset_name for result in results))
    columns = min(len(presets), _COLUMNS)
    rows = -(-len(presets) // columns)
    models = len({result.cell.model for result in results})
    canvas = Figure(figsize=(3.4 * columns, rows * (0.26 * models + 0.9)), layout="constrained")
    grid = canvas.subplots(rows, columns, squeeze=False).ravel()
    for preset, axes in zip(presets, grid, strict=False):
        _panel(axes, [result for result in results if result.cell.preset_name == preset])
    for axes in grid[len(presets) :]:
        axes.set_visible(False)
    canvas.suptitle(title, fontsize=10, x=0.01, ha="left")
    save(canvas, path)


def _panel(axes: Axes, results: Sequence[Result]) -> None:
    models = list(dict.fromkeys(result.cell.model for result in results))[::-1]
    preset = results[0].cell.preset_name
    for place, model in enumerate(models):
        own = [result for result in results if result.cell.model == model]
        values = [result.evaluation["mse"] for result in own]
        axes.plot(values, [place] * len(values), "o", color=COLOURS[0], ms=4, alpha=0.8)
        printed = paper_figure(preset, model)
        if printed is not None:
            axes.plot([printed.mse], [place], "|", color=COLOURS[1], ms=12, mew=1.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(range(len(models)), models)
    axes.set_ylim(-0.6, len(models) - 0.4)
    axes.set_title(preset, fontsize=9, loc="left", color=INK)
    unit = short_unit(str(results[0].evaluation["unit"]))
    axes.set_xlabel(f"test MSE, {unit} (bar: the paper's)", fontsize=8)
    axes.grid(axis="x", which="both", color=GHOST, lw=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
