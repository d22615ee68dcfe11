"""Plots of an ablation, in the manner of the paper's Figures 4 to 6: error above, time below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from painet_cli.benchmark.ablation import ablation_named
from painet_cli.benchmark.ablation_rows import AblationRow, panels
from painet_cli.report.pictures.canvas import COLOURS, INK, save, short_unit
from painet_cli.report.tables.layout import digits

_ERROR, _TIME, _OTHER = COLOURS[0], COLOURS[1], "#9DB8C9"
_WIDEST = 4
"""Panels side by side in one row."""


def write_ablation_plots(rows: Sequence[AblationRow], folder: Path) -> list[Path]:
    """Draw one picture a figure into `folder`, `figure-4a.png` and so on; returns their paths.

    Raises
    ------
    RequestError
        A file cannot be written.
    """
    paths = []
    for name in dict.fromkeys(row.figure for row in rows):
        paths.append(folder / f"figure-{name}.png")
        _draw([row for row in rows if row.figure == name], paths[-1])
    return paths


def _draw(rows: Sequence[AblationRow], path: Path) -> None:
    """Errors and times of one figure: a pair of panels a preset."""
    ablation = ablation_named(rows[0].figure)
    groups = list(panels(rows))
    # what is varied need not be whole numbers: rates and names have bars
    count = ablation.counts if all(row.variant.isdecimal() for row in rows) else None
    if count is None:
        longest = max(len(inside) for _, _, inside in groups)
        canvas = Figure(figsize=(7.2, len(groups) * (0.42 * longest + 0.9)), layout="constrained")
        grid = list(canvas.subplots(len(groups), 2, squeeze=False, sharey="row"))
    else:
        canvas, grid = _columns(len(groups))
    for (_, preset, inside), (errors, times) in zip(groups, grid, strict=True):
        if count is None:
            _bars(errors, times, inside)
        else:
            _lines(errors, times, inside, count)
        errors.set_title(preset, fontsize=9, loc="left")
        for axes in (errors, times):
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=8)
    canvas.suptitle(ablation.title, fontsize=10, x=0.01, ha="left")
    save(canvas, path)


def _columns(presets: int) -> tuple[Figure, list[Sequence[Axes]]]:
    """A canvas of as many pairs of panels, one above the other; several lines of them if needed."""
    width = min(presets, _WIDEST)
    lines = -(-presets // width)
    canvas = Figure(figsize=(3.6 * width, 4.2 * lines), layout="constrained")
    pairs: list[Sequence[Axes]] = []
    for line in canvas.subfigures(lines, 1, squeeze=False).flat:
        pairs += list(line.subplots(2, width, squeeze=False, sharex="col").T)
    for axes in (one for pair in pairs[presets:] for one in pair):
        axes.set_visible(False)
    return canvas, pairs[:presets]


def _error_label(row: AblationRow) -> str:
    kind = "F-MSE" if row.horizon == 1 else "A-MSE"
    return f"test {kind} ({short_unit(row.unit)})"


def _bars(errors: Axes, times: Axes, rows: Sequence[AblationRow]) -> None:
    """A bar a variant, its figure beside it, seeds as dots; PAINET itself in the full colour."""
    places = range(len(rows))
    for axes, values, full in (
        (errors, [row.mse for row in rows], _ERROR),
        (times, [row.epoch_s for row in rows], _TIME),
    ):
        colours = [full if row.plain else _OTHER for row in rows]
        axes.barh(places, values, color=colours, height=0.66)
        furthest = [max(value, *row.seed_mse) if axes is errors else value
                    for value, row in zip(values, rows, strict=True)]  # fmt: skip
        for place, value, end in zip(places, values, furthest, strict=True):
            axes.annotate(
                digits(value, 3), (end, place), (4, 0), textcoords="offset points",
                va="center", fontsize=8, color=INK,
            )  # fmt: skip
        axes.set_xlim(0, 1.18 * max(furthest))
    for place, row in zip(places, rows, strict=True):
        if len(row.seed_mse) > 1:
            errors.plot(row.seed_mse, [place] * len(row.seed_mse), "o", ms=3.5, mfc="white",
                        mec=INK, mew=0.8)  # fmt: skip
    errors.set_yticks(places, [row.variant for row in rows])
    errors.invert_yaxis()
    errors.set_xlabel(_error_label(rows[0]), fontsize=8)
    times.set_xlabel(f"seconds an epoch ({rows[0].device})", fontsize=8)


def _lines(errors: Axes, times: Axes, rows: Sequence[AblationRow], count: str) -> None:
    """A line over the number of layers, its seeds as dots; PAINET itself as a ring."""
    numbers = [int(row.variant) for row in rows]
    errors.plot(numbers, [row.mse for row in rows], "-o", color=_ERROR, ms=4, lw=1.4)
    times.plot(numbers, [row.epoch_s for row in rows], "-s", color=_TIME, ms=4, lw=1.4)
    for number, row in zip(numbers, rows, strict=True):
        if len(row.seed_mse) > 1:
            errors.plot([number] * len(row.seed_mse), row.seed_mse, "o", ms=3, mfc="white",
                        mec=_ERROR, mew=0.8, zorder=0)  # fmt: skip
        if row.plain:
            errors.plot(number, row.mse, "o", ms=10, mfc="none", mec=INK, mew=1)
            errors.annotate("the preset", (number, row.mse), (0, 9), textcoords="offset points",
                            ha="center", fontsize=8, color=INK)  # fmt: skip
    errors.set_ylabel(_error_label(rows[0]), fontsize=8)
    times.set_ylabel("seconds an epoch", fontsize=8)
    times.set_ylim(bottom=0)
    times.set_xlabel(count, fontsize=8)
    times.xaxis.set_major_locator(MaxNLocator(integer=True))
    errors.margins(y=0.18)
