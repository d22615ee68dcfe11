"""Errors of all models on all presets of a table: a dot a seed, the paper's figure beside.

A hollow dot is a training that was still learning when its budget or its last epoch ended it; the
dashed line is the best prediction that needs no network.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from painet_cli.benchmark.cells import Result
from painet_cli.benchmark.rows import bench_rows, in_order
from painet_cli.report.pictures.canvas import COLOURS, GHOST, INK, save, short_unit

_COLUMNS = 4
_UNENDED = ("budget", "epochs")
_MARKS = "a dot a seed, hollow where it was still learning; dashed: best yardstick"
_MOST_TICKS = 4
_LEAST_SPAN = 2.5
_LETTERS = 44
"""Of a heading that fit above a panel."""
_STEPS = (
    (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9),
    (1, 1.5, 2, 3, 4, 5, 6, 8),
    (1, 2, 5),
    (1, 3),
    (1,),
)
"""Places of ticks in a decade, from those of a narrow axis to those of a wide one."""


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
    models = in_order(result.cell.model for result in results)
    heading = textwrap.wrap(f"{title} ({_MARKS})", _LETTERS * columns)
    height = rows * (0.26 * len(models) + 0.9) + 0.17 * (len(heading) - 1)
    size = (3.4 * columns, height)
    canvas = Figure(figsize=size, layout="constrained")
    grid = canvas.subplots(rows, columns, squeeze=False).ravel()
    for preset, axes in zip(presets, grid, strict=False):
        _panel(axes, [one for one in results if one.cell.preset_name == preset], models[::-1])
    for axes in grid[len(presets) :]:
        axes.set_visible(False)
    canvas.suptitle("\n".join(heading), fontsize=10, x=0.01, ha="left")
    save(canvas, path)


def _panel(axes: Axes, results: Sequence[Result], models: Sequence[str]) -> None:
    rows = {row.model: row for row in bench_rows(results)}
    for place, model in enumerate(models):
        for result in results:
            if result.cell.model == model:
                fill = "none" if result.end in _UNENDED else COLOURS[0]
                axes.plot(
                    result.evaluation["mse"], place, "o",
                    ms=4, alpha=0.8, color=COLOURS[0], markerfacecolor=fill,
                )  # fmt: skip
        row = rows.get(model)
        if row and row.paper_mse is not None and row.compares:
            axes.plot(row.paper_mse, place, "|", color=COLOURS[1], ms=12, mew=1.5)
    yardsticks = [mse for row in rows.values() for mse in row.yardsticks.values()]
    if yardsticks:
        axes.axvline(min(yardsticks), color=INK, lw=0.8, ls="--")
    axes.set_xscale("log")
    axes.set_xlim(*wide_enough(*axes.get_xlim()))
    axes.set_xticks(ticks(*axes.get_xlim()))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(models)), models)
    axes.set_ylim(-0.6, len(models) - 0.4)
    axes.set_title(results[0].cell.preset_name, fontsize=9, loc="left", color=INK)
    unit = short_unit(str(results[0].evaluation["unit"]))
    first = next(iter(rows.values()))
    doubt = ", in kind" if first.paper_doubt else ""
    beside = f"bar: the paper's{doubt}" if first.compares else "the paper's: other frames"
    axes.set_xlabel(f"test MSE, {unit} ({beside})", fontsize=8)
    axes.grid(axis="x", color=GHOST, lw=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def wide_enough(low: float, high: float) -> tuple[float, float]:
    """Ends of a logarithmic axis on which errors that hardly differ do not look far apart."""
    wider = max(1.0, _LEAST_SPAN * low / high) ** 0.5
    return low / wider, high * wider


def ticks(low: float, high: float) -> list[float]:
    """A few round numbers between two positive ones, as evenly spread on a logarithmic axis."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for steps in _STEPS:
        found = [
            value
            for decade in decades
            for step in steps
            if low <= (value := float(f"{step}e{decade}")) <= high
        ]
        if len(found) <= _MOST_TICKS:
            break
    return found[:: -(-len(found) // _MOST_TICKS)] if found else []
