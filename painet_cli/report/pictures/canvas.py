"""What all pictures share: colours, panels of one size, and a file that is whole or not there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import NDArray

from painet_cli.errors import RequestError
from painet_cli.storage.atomic import new_file

DPI = 200
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Six of Okabe and Ito's colours, told apart by colour-blind readers too."""
INK = "#333333"
GHOST = "#A6A6A6"
NARROWEST_INCHES = 3.2
"""Width of a picture that its legend fits in."""
CUT = 1.5
"""What is drawn further out than this, as a share of the first's reach, is cut off."""


def save(figure: Figure, path: Path) -> None:
    """Write a figure in one step, in the format that the file's ending names (png, pdf, svg).

    Raises
    ------
    RequestError
        The ending names no format, or the file cannot be written.
    """
    kind = path.suffix.lstrip(".").lower()
    for text in figure.findobj(Text):  # a name with $ is no formula; ticks, written later, are
        if "$" in text.get_text():
            text.set_parse_math(False)
    with new_file(path) as staging:
        try:
            figure.savefig(staging, dpi=DPI, format=kind, facecolor="white")
        except ValueError as error:  # how matplotlib refuses a format
            raise RequestError(
                f"{path}: cannot be written ({error})", "name a .png file"
            ) from error


def short_unit(unit: str) -> str:
    """Write a unit as on an axis: Å for angstrom."""
    return unit.replace("angstrom", "Å")


def draw_scale(
    panel: Axes,
    reach: NDArray[np.float64],  # (2,), half the panel's width and height
    unit: str,
) -> None:
    """Draw a bar of 1, 2 or 5 times a power of ten, about a quarter of the panel wide."""
    wanted = 0.5 * reach[0]
    power = 10.0 ** math.floor(math.log10(wanted))
    length = max(digit * power for digit in (1, 2, 5) if digit * power <= wanted)
    left, bottom = -0.95 * reach[0], -0.97 * reach[1]
    panel.plot([left, left + length], [bottom, bottom], color=INK, lw=1.5, solid_capstyle="butt")
    panel.annotate(
        f"{length:g} {unit}", (left, bottom), (0, -9), textcoords="offset points", fontsize=7
    )


def half_panel(
    first: NDArray[np.float64],  # (..., 3)
    second: NDArray[np.float64] | None = None,  # (..., 3)
) -> NDArray[np.float64]:  # (2,)
    """Half the width and height of a panel for positions that are centred in it.

    What the second holds far outside the first is cut off: one that went astray would shrink all.
    """
    widest = np.abs(first[..., :2]).reshape(-1, 2).max(axis=0, initial=1e-6)
    wanted = widest
    if second is not None:
        wanted = np.maximum(widest, np.abs(second[..., :2]).reshape(-1, 2).max(axis=0))
        wanted = np.minimum(wanted, CUT * widest.max())
    reach: NDArray[np.float64] = np.maximum(wanted, 0.4 * wanted.max()) + 0.15 * wanted.max()
    return reach


def panel_grid(
    rows: Sequence[str], columns: int, reach: NDArray[np.float64], panel_inches: float
) -> tuple[Figure, NDArray[np.object_]]:
    """Make empty panels of one size, (rows, columns), and name the rows."""
    width = max(panel_inches * columns + 0.3, NARROWEST_INCHES)
    height = len(rows) * panel_inches * float(reach[1] / reach[0]) + 1.0
    canvas = Figure(figsize=(width, height), layout="constrained")
    panels = canvas.subplots(len(rows), columns, squeeze=False)
    for panel in panels.flat:
        panel.set(xlim=(-reach[0], reach[0]), ylim=(-reach[1], reach[1]), xticks=[], yticks=[])
        panel.set_aspect("equal")
        panel.spines[:].set_visible(False)
    for row, name in enumerate(rows):
        panels[row, 0].set_ylabel(name, fontsize=9)
    return canvas, panels


def draw_legend(canvas: Figure, entries: Sequence[Line2D], columns: int) -> None:
    """Write a legend below the panels, on one line where they are wide enough."""
    canvas.legend(
        handles=entries,
        loc="outside lower center",
        ncols=len(entries) if columns > 2 else 2,
        fontsize=8,
        frameon=False,
    )
