"""Time and memory against N and T as pictures, in the manner of the paper's Figure 7."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from painet_cli.benchmark.measurement import MODES, Mode
from painet_cli.benchmark.rows import OURS
from painet_cli.benchmark.scaling import forms
from painet_cli.benchmark.scaling_rows import (
    QUANTITIES,
    ScalingRow,
    curves,
    exponents,
    panels,
    thread_count,
)
from painet_cli.report.pictures.canvas import COLOURS, save

_MARKERS = "osv^D<>PX"
_LINE_POINTS = 9.5  # from one label to the next
_FEW_TICKS = 100  # a smaller range of values has ticks at 2 and 5 too
_PANEL_INCHES = 2.6  # height of a panel, about
_AXIS_LABELS = {"N": "particles N", "T": "steps T"}


def look(model: str) -> tuple[str, str]:
    """Colour and marker of a form, by its place among all; grey where it is there no longer."""
    known = list(forms())
    if model not in known:
        return "#808080", "x"
    place = known.index(model)
    return COLOURS[place % len(COLOURS)], _MARKERS[place % len(_MARKERS)]


def write_scaling_plots(rows: Sequence[ScalingRow], folder: Path) -> list[Path]:
    """Draw time above memory, against N and against T: a picture a mode; returns their paths.

    Raises
    ------
    RequestError
        A file cannot be written.
    """
    paths = []
    for mode in MODES:
        if any(curves(rows, *panel) for panel in panels(rows) if panel[0] == mode):
            paths.append(folder / f"{mode.replace(' ', '-')}.png")
            save(_picture(rows, mode), paths[-1])
    return paths


def _picture(rows: Sequence[ScalingRow], mode: Mode) -> Figure:
    axes_of = [
        axis
        for kind, axis, quantity in panels(rows)
        if (kind, quantity) == (mode, "seconds") and curves(rows, mode, axis, quantity)
    ]
    canvas = Figure(figsize=(5.2 * len(axes_of), 6.6), layout="constrained")
    grid = canvas.subplots(len(QUANTITIES), len(axes_of), squeeze=False, sharex="col")
    fitted = {(e.model, e.axis, e.quantity): e.exponent for e in exponents(rows) if e.mode == mode}
    for line, (quantity, label) in zip(grid, QUANTITIES.items(), strict=True):
        for panel, axis in zip(line, axes_of, strict=True):
            found = curves(rows, mode, axis, quantity)
            names = {
                model: model + (f"  {fitted[key]:.2f}" if (key := (model, axis, quantity)) in fitted
                                else "")
                for model in found
            }  # fmt: skip
            _draw(panel, found, names)
            panel.set_ylabel(label, fontsize=9)
            if quantity == list(QUANTITIES)[-1]:
                panel.set_xlabel(_AXIS_LABELS[axis], fontsize=9)
    first = next(row for row in rows if row.mode == mode and row.seconds is not None)
    held = [
        f"T = {row.horizon}" if axis == "N" else f"N = {row.particles:,}"
        for axis in axes_of
        for row in [next(row for row in rows if row.axis == axis)]
    ]
    where = first.device if first.device != "cpu" else f"a CPU with {thread_count(first.threads)}"
    canvas.suptitle(
        f"{mode.capitalize()} on {where}: against "
        + " and ".join(f"{axis} ({what})" for axis, what in zip(axes_of, held, strict=True))
        + ".\nBeside each model its fitted exponent; dotted: in proportion to the size",
        fontsize=9, x=0.01, ha="left",
    )  # fmt: skip
    return canvas


def _draw(
    panel: Axes,
    found: dict[str, tuple[list[int], list[float]]],
    names: dict[str, str],
) -> None:
    """Lines on logarithmic axes, each named at its end, and a dotted one of exponent one."""
    panel.set(xscale="log", yscale="log")
    ends: list[tuple[str, float, float]] = []
    for model, (sizes, values) in found.items():
        colour, marker = look(model)
        shown = [(size, value) for size, value in zip(sizes, values, strict=True) if value > 0]
        if not shown:
            continue
        ours = model == OURS
        panel.plot(
            *zip(*shown, strict=True), color=colour, marker=marker, ms=5 if ours else 3.5,
            lw=2.4 if ours else 1.2, zorder=3 if ours else 2,
        )  # fmt: skip
        ends.append((model, *shown[-1]))
    if not ends:
        return
    _guide(panel)
    _name_ends(panel, ends, names)
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(visible=True, which="major", color="#E5E5E5", linewidth=0.5)
    panel.tick_params(labelsize=8)
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    panel.set_xticks(sorted({size for sizes, _ in found.values() for size in sizes}))
    panel.xaxis.set_minor_formatter(NullFormatter())
    low, high = panel.get_ylim()
    if high / low < _FEW_TICKS:
        panel.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        panel.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
        panel.tick_params(which="minor", labelsize=8)
    else:
        panel.yaxis.set_minor_formatter(NullFormatter())


def _guide(panel: Axes) -> None:
    """A dotted line along which cost doubles where the size does, through the panel's corner."""
    (left, right), (low, high) = panel.get_xlim(), panel.get_ylim()
    end = min(right, left * high / low)
    panel.plot([left, end], [low, low * end / left], ":", color="#999999", lw=1, zorder=1)
    panel.set(xlim=(left, right), ylim=(low, high))


def _name_ends(
    panel: Axes, ends: Sequence[tuple[str, float, float]], names: dict[str, str]
) -> None:
    """Names right of the panel, as near to the ends of their lines as they do not overlap."""
    height = 72 * _PANEL_INCHES
    low, high = np.log(panel.get_ylim())
    last = max(size for _, size, _ in ends)
    ideal = {
        model: (np.log(value) - low) / (high - low) * height
        for model, size, value in ends
        if size == last
    }
    places = _spread(ideal, height)
    for model, size, value in ends:
        colour, _ = look(model)
        style: dict[str, Any] = {
            "color": colour, "va": "center", "fontsize": 8,
            "fontweight": "bold" if model == OURS else "normal",
        }  # fmt: skip
        if model not in places:  # it ends before the others
            panel.annotate(names[model], (size, value), (6, 3), textcoords="offset points", **style)
            continue
        leader = {"arrowstyle": "-", "color": colour, "lw": 0.5, "alpha": 0.6, "relpos": (0, 0.5)}
        panel.annotate(
            names[model], (size, value), (1.02, places[model] / height), xycoords="data",
            textcoords="axes fraction", arrowprops={**leader, "shrinkA": 0, "shrinkB": 2}, **style,
        )  # fmt: skip


def _spread(ideal: dict[str, float], height: float) -> dict[str, float]:
    """Places of labels near their ideal ones, a line apart, none above `height`."""
    names = sorted(ideal, key=lambda name: ideal[name])
    places: dict[str, float] = {}
    floor = -np.inf
    for name in names:
        floor = places[name] = max(ideal[name], floor)
        floor += _LINE_POINTS
    ceiling = height
    for name in reversed(names):
        ceiling = places[name] = min(places[name], ceiling)
        ceiling -= _LINE_POINTS
    return places
