"""How the particles of a system look in a flat picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from painet_cli.report.pictures.canvas import COLOURS, GHOST, INK

ELEMENTS = {"H": "#F7F7F7", "C": "#4D4D4D", "N": "#0072B2", "O": "#D55E00", "S": "#E69F00"}
SMALLER = {"H": 0.7}
"""Diameter of a type, as a share of the others'."""


@dataclass(frozen=True, eq=False)
class Look:
    """Colours, sizes and bonds of N particles.

    Attributes
    ----------
    bonds
        (B, 2), pairs of particle indices.
    diameters
        (N,), in points.
    true_colours, predicted_colours
        (N,), the same where colours tell types apart.
    types
        Colour of each type, where colours tell types apart.
    """

    bonds: NDArray[np.int64]
    diameters: NDArray[np.float64]
    true_colours: NDArray[np.str_]
    predicted_colours: NDArray[np.str_]
    types: dict[str, str]

    def draw(
        self,
        panel: Axes,
        positions: NDArray[np.float64],  # (N, 3)
        colours: NDArray[np.str_],  # (N,)
    ) -> None:
        """Draw particles and bonds, those nearer to the viewer (third coordinate) on top."""
        self._draw_bonds(panel, positions, INK if self.types else str(colours[0]), zorder=2)
        order = positions[:, 2].argsort()
        panel.scatter(
            positions[order, 0],
            positions[order, 1],
            s=self.diameters[order] ** 2,
            c=colours[order],
            edgecolors=INK,
            linewidths=0.6 * self._stroke,
            zorder=3,
        )

    def draw_ghost(self, panel: Axes, positions: NDArray[np.float64]) -> None:
        """Draw particles, (N, 3), as rings that still show around what is drawn over them."""
        self._draw_bonds(panel, positions, GHOST, zorder=1)
        panel.scatter(
            positions[:, 0],
            positions[:, 1],
            s=(1.4 * self.diameters) ** 2,
            facecolors="white",
            edgecolors=GHOST,
            linewidths=self._stroke,
            zorder=1.5,
        )

    def legend(self) -> list[Line2D]:
        """Say what the colours and rings mean."""
        meanings = self.types or {
            "truth": str(self.true_colours[0]),
            "prediction": str(self.predicted_colours[0]),
        }
        ghost = marker("truth behind prediction", "white", GHOST)
        return [*(marker(name, colour, INK) for name, colour in meanings.items()), ghost]

    @property
    def _stroke(self) -> float:
        return float(np.clip(self.diameters.max() / 7, 0.4, 1.2))

    def _draw_bonds(
        self, panel: Axes, positions: NDArray[np.float64], colour: str, zorder: float
    ) -> None:
        ends = positions[self.bonds, :2]
        parted = np.full((len(ends), 1, 2), np.nan)  # one line, with gaps
        x, y = np.concatenate([ends, parted], axis=1).reshape(-1, 2).T
        width = 1.5 * self._stroke
        panel.plot(x, y, color=colour, lw=width, zorder=zorder, solid_capstyle="butt")


def look_of(
    start: NDArray[np.floating],  # (N, 3)
    bonds: Sequence[tuple[int, int]],
    type_names: Sequence[str],
    types: Sequence[int],
    *,
    points_per_unit: float,
) -> Look:
    """Choose colours by type where there are few types, and sizes that leave the bonds visible."""
    pairs = np.array(bonds, dtype=np.int64).reshape(-1, 2)
    lengths = np.linalg.norm(start[pairs[:, 0]] - start[pairs[:, 1]], axis=-1)
    spacing = np.median(lengths) if len(lengths) else 0.2 * np.ptp(start, axis=0).max()
    diameters = np.full(len(start), np.clip(0.5 * spacing * points_per_unit, 1.5, 10))
    if len(types) == 0 or len(type_names) > len(COLOURS):
        true, predicted = (np.full(len(start), colour) for colour in ("#7F7F7F", COLOURS[0]))
        return Look(pairs, diameters, true, predicted, types={})
    elements = set(type_names) <= set(ELEMENTS)
    palette = [ELEMENTS[name] for name in type_names] if elements else COLOURS[: len(type_names)]
    of_type = np.array(types)
    diameters *= np.array([SMALLER.get(name, 1.0) for name in type_names])[of_type]
    colours = np.array(palette)[of_type]
    return Look(pairs, diameters, colours, colours, dict(zip(type_names, palette, strict=True)))


def marker(label: str, face: str, edge: str) -> Line2D:
    """Make a legend's dot."""
    return Line2D([], [], ls="", marker="o", markersize=6, label=label, mfc=face, mec=edge, mew=0.8)
