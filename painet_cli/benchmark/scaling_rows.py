"""What came of the scaling benchmark: a row a point, fitted exponents, and tables of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import RenderableType

from painet_cli.benchmark.layout import grid_markdown, grid_tables
from painet_cli.benchmark.measurement import MODES, Measurement, Mode
from painet_cli.benchmark.scaling import AXES, Axis, Outcome, Point
from painet_cli.report.tables.layout import Columns, digits

QUANTITIES: Mapping[str, str] = {"seconds": "time, s", "peak_gb": "peak memory, GB"}
"""What is measured, by its field of a row."""
FIT_FROM: Mapping[Axis, int] = {"N": 1_000, "T": 4}
"""Smaller sizes, where what every call costs weighs more, are left out of the fits."""


@dataclass(frozen=True)
class ScalingRow:
    """One model on one system in one mode along one axis; a row of `bench.json`."""

    model: str
    mode: str
    """`inference` or `training step`."""
    axis: str
    """`N` or `T`: what is varied."""
    particles: int
    horizon: int
    edges: int | None
    parameters: int | None
    seconds: float | None
    """Median of the runs; None where there is no figure, and `left_out` says why."""
    runs: int | None
    first_s: float | None
    """The first run, in which what depends on the graph alone is made and kept."""
    peak_gb: float | None
    memory_kind: str
    activations: str
    """How the model traded memory for time, where it has the choice."""
    device: str
    threads: int | None
    left_out: str

    @property
    def size(self) -> int:
        """What the axis counts."""
        return self.particles if self.axis == "N" else self.horizon


@dataclass(frozen=True)
class Exponent:
    """Exponent p of quantity = c size^p, fitted by least squares in logarithms."""

    model: str
    mode: str
    axis: str
    quantity: str
    """`seconds` or `peak_gb`."""
    exponent: float
    smallest: int
    largest: int
    """The range of the fit."""
    points: int


def scaling_rows(found: Mapping[Point, Outcome]) -> list[ScalingRow]:
    """Rows of the points, in their order."""
    return [_row(point, outcome) for point, outcome in found.items()]


def _row(point: Point, outcome: Outcome) -> ScalingRow:
    if isinstance(outcome, Measurement):
        known: dict[str, Any] = {**asdict(outcome), "left_out": ""}
    else:
        known = dict.fromkeys(("seconds", "runs", "first_s", "peak_gb", "edges", "parameters"))
        known |= {
            "memory_kind": "",
            "activations": "",
            "device": "",
            "threads": None,
            "left_out": outcome,
        }
    return ScalingRow(
        model=point.form,
        mode=point.mode,
        axis=point.axis,
        particles=point.particles,
        horizon=point.horizon,
        **known,
    )


def curves(
    rows: Sequence[ScalingRow], mode: Mode, axis: Axis, quantity: str
) -> dict[str, tuple[list[int], list[float]]]:
    """Sizes and figures of every model that has any, ascending."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for row in rows:
        value = getattr(row, quantity)
        if (row.mode, row.axis) == (mode, axis) and value is not None:
            sizes, values = found.setdefault(row.model, ([], []))
            sizes.append(row.size)
            values.append(value)
    return found


def exponents(rows: Sequence[ScalingRow]) -> list[Exponent]:
    """Exponents of all curves with two points or more in the range of the fit."""
    fitted = []
    for mode, axis, quantity in panels(rows):
        for model, (sizes, values) in curves(rows, mode, axis, quantity).items():
            used = [
                (size, value)
                for size, value in zip(sizes, values, strict=True)
                if size >= FIT_FROM[axis] and value > 0
            ]
            exponent = fitted_exponent([size for size, _ in used], [value for _, value in used])
            if exponent is not None:
                first, last = used[0][0], used[-1][0]
                fitted.append(
                    Exponent(model, mode, axis, quantity, exponent, first, last, len(used))
                )
    return fitted


def panels(rows: Sequence[ScalingRow]) -> Iterator[tuple[Mode, Axis, str]]:
    """Mode, axis and quantity of every plot: those of which more sizes are asked for."""
    for mode in MODES:
        for axis in AXES:
            if len(_systems(rows, mode, axis)) > 1:
                for quantity in QUANTITIES:
                    yield mode, axis, quantity


def _systems(rows: Sequence[ScalingRow], mode: Mode, axis: Axis) -> set[tuple[int, int]]:
    """(N, T) of the points along an axis."""
    inside = [row for row in rows if (row.mode, row.axis) == (mode, axis)]
    return {(row.particles, row.horizon) for row in inside}


def _tabled(rows: Sequence[ScalingRow]) -> Iterator[tuple[Mode, Axis, str]]:
    """Mode, axis and quantity of every table: a point that stands in no other has one too."""
    for mode in MODES:
        along = {axis: _systems(rows, mode, axis) for axis in AXES}
        told: set[tuple[int, int]] = set()
        for axis in sorted(AXES, key=lambda one: len(along[one]) < 2):
            if len(along[axis]) > 1 or not along[axis] <= told:
                told |= along[axis]
                for quantity in QUANTITIES:
                    yield mode, axis, quantity


def scaling_tables(rows: Sequence[ScalingRow]) -> list[RenderableType]:
    """Rows for a terminal: a table of time and one of memory a mode and axis, and footnotes."""
    return grid_tables(grids(rows), footnotes(rows))


def scaling_markdown(rows: Sequence[ScalingRow], pictures: Sequence[str]) -> str:
    """Rows as GitHub shows them, with the pictures, which lie beside."""
    shown = [f"![{name}]({name})\n" for name in pictures]
    notes = [f"- {note}" for note in footnotes(rows)]
    return "\n".join([*shown, *grid_markdown(grids(rows)), *notes, ""])


def grids(rows: Sequence[ScalingRow]) -> Iterator[tuple[str, Columns]]:
    """Titles and columns: models down, sizes across, the exponent last."""
    fitted = {(e.model, e.mode, e.axis, e.quantity): e.exponent for e in exponents(rows)}
    for mode, axis, quantity in _tabled(rows):
        inside = [row for row in rows if (row.mode, row.axis) == (mode, axis)]
        cells = {(row.model, row.size): getattr(row, quantity) for row in inside}
        models = list(dict.fromkeys(row.model for row in inside))
        columns: Columns = {"Model": models}
        for size in sorted({row.size for row in inside}):
            columns[f"{axis}={size:,}"] = [_cell(cells.get((model, size))) for model in models]
        columns["exponent"] = [
            _exponent(fitted.get((model, mode, axis, quantity))) for model in models
        ]
        held = f"T = {inside[0].horizon}" if axis == "N" else f"N = {inside[0].particles:,}"
        yield f"{mode.capitalize()}: {QUANTITIES[quantity]} ({held})", columns


def _cell(value: float | None) -> str:
    return "-" if value is None else digits(value, 3)


def _exponent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def footnotes(rows: Sequence[ScalingRow]) -> list[str]:
    """Say what the figures are of, and why some are not there."""
    measured = [row for row in rows if row.seconds is not None]
    lines = [
        "Untrained models on one synthetic protein backbone of N atoms, 20 neighbours each on "
        "average; training step: forward, backward and Adam's step.",
        f"Exponent: least squares in logarithms, from N = {FIT_FROM['N']:,} and T = "
        f"{FIT_FROM['T']} up.",
    ]
    for row in measured:
        clock = "processor time" if row.device == "cpu" else "time until the GPU is idle"
        lines.append(
            f"Time: median {clock}; memory: {row.memory_kind}. Measured on {row.device}"
            + (f", {thread_count(row.threads)}." if row.device == "cpu" else ".")
        )
    lines += [
        f"{row.model}, {row.mode}, {row.axis} = {row.size:,}: with {row.activations!r} activations."
        for row in measured
        if row.activations not in ("", "keep")
    ]
    told: set[tuple[str, str, str]] = set()
    for row in rows:
        kind = (row.model, row.mode, row.axis)
        if row.left_out and kind not in told:  # larger ones are left out for the same reason
            told.add(kind)
            lines.append(f"{row.model}, {row.mode}, {row.axis} = {row.size:,}: {row.left_out}.")
    return list(dict.fromkeys(lines))


def thread_count(threads: int | None) -> str:
    """Write how many threads."""
    return "1 thread" if threads == 1 else f"{threads} threads"


def fitted_exponent(sizes: Sequence[int], values: Sequence[float]) -> float | None:
    """Exponent p of value = c size^p, by least squares in logarithms; None for fewer than two."""
    usable = [(size, value) for size, value in zip(sizes, values, strict=True) if value > 0]
    if len({size for size, _ in usable}) < 2:
        return None
    x, y = np.log(np.array(usable, dtype=np.float64)).T
    return float(np.polyfit(x, y, 1)[0])
