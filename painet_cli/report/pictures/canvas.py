"""What all pictures share: colours, and a file that is whole or not there."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from painet_cli.errors import RequestError
from painet_cli.storage.atomic import new_file

DPI = 200
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Six of Okabe and Ito's colours, told apart by colour-blind readers too."""
INK = "#333333"
GHOST = "#A6A6A6"


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
