"""A picture of a dataset: where windows start, and where particles go until they end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import Manifest
from painet_cli.data.units import time_text
from painet_cli.errors import RequestError
from painet_cli.report.pictures.canvas import (
    COLOURS,
    GHOST,
    INK,
    draw_legend,
    draw_scale,
    half_panel,
    panel_grid,
    save,
    short_unit,
)
from painet_cli.report.pictures.particles import Look, look_of, marker
from painet_cli.report.pictures.projection import principal_view, upright_view

MOST_WINDOWS = 4
MOST_POINTS = 60
"""Frames that a particle's path is drawn through."""
MOST_PATHS = 400
"""Of more particles, the paths of evenly spaced ones are drawn."""
PANEL_INCHES = 2.2


@dataclass(frozen=True, eq=False)
class _Scene:
    """One window as seen, centred in its panel; (frames, N, 3)."""

    title: str
    path: NDArray[np.float64]


def dataset_picture(dataset: Dataset, path: Path) -> None:
    """Draw up to four test windows: their first frame, their last, and the paths between.

    Molecules are seen along the axis in which the first frame is thinnest, systems with a height
    from the side. Windows without test are taken from the training part.

    Parameters
    ----------
    path
        Where the picture goes; its ending names the format (png, pdf, svg).

    Raises
    ------
    RequestError
        The dataset has no window, or the file cannot be written.
    """
    dataset = _first_tested(dataset)
    manifest = dataset.manifest
    starts = manifest.split.test or manifest.split.val or manifest.split.train
    if not starts:
        raise RequestError(f"{dataset.folder}: no window to draw")
    spread = np.linspace(0, len(starts) - 1, min(MOST_WINDOWS, len(starts))).round().astype(int)
    scenes = [_scene(dataset, starts[index]) for index in spread]
    reach = half_panel(np.concatenate([scene.path.reshape(-1, 3) for scene in scenes]))
    particles = manifest.particles
    look = look_of(
        scenes[0].path[0],
        particles.bonds,
        particles.type_names,
        particles.types,
        points_per_unit=72 * PANEL_INCHES / (2 * float(reach[0])),
    )
    canvas, panels = panel_grid([""], len(scenes), reach, PANEL_INCHES)
    for panel, scene in zip(panels[0], scenes, strict=True):
        panel.set_title(scene.title, fontsize=8)
        _draw_paths(panel, scene.path)
        look.draw_ghost(panel, scene.path[-1])
        look.draw(panel, scene.path[0], look.predicted_colours)
    draw_scale(panels[0, 0], reach, short_unit(manifest.units.length))
    draw_legend(canvas, _legend(look, manifest), len(scenes))
    save(canvas, path)


def _first_tested(dataset: Dataset) -> Dataset:
    """Of several systems, the first that has a test window, or else any window."""
    systems = [dataset.only(number) for number in range(len(dataset.manifest.each_system))]
    tested = [one for one in systems if one.manifest.split.test]
    return [*tested, *(one for one in systems if one.manifest.split.train), *systems][0]


def _scene(dataset: Dataset, start: int) -> _Scene:
    manifest = dataset.manifest
    delta = manifest.split.delta_frames
    steps = np.unique(np.linspace(0, delta, min(MOST_POINTS, delta + 1)).round().astype(int))
    positions = dataset.frames[start + steps].astype(np.float64)
    if manifest.up_axis is None:
        view = principal_view(positions[0])
    else:
        view = upright_view(positions.reshape(-1, 3), manifest.up_axis)
    seen = positions @ view.T
    low, high = seen.min(axis=(0, 1)), seen.max(axis=(0, 1))
    segment = manifest.segments[int(manifest.segment_at(start))]
    return _Scene(f"{segment.name}, frame {start - segment.start:,}", seen - (low + high) / 2)


def _draw_paths(
    panel: Axes,
    path: NDArray[np.float64],  # (frames, N, 3)
) -> None:
    chosen = np.unique(np.linspace(0, path.shape[1] - 1, MOST_PATHS).round().astype(int))
    lines = path[:, chosen, :2].swapaxes(0, 1)
    panel.add_collection(
        LineCollection(list(lines), colors=COLOURS[5], linewidths=0.7, alpha=0.8, zorder=1.7)
    )


def _legend(look: Look, manifest: Manifest) -> list[Line2D]:
    """Say what colours, rings and lines mean."""
    types = look.types or {"start of a window": str(look.predicted_colours[0])}
    window = time_text(manifest.split.delta_frames * manifest.units.frame_time_s)
    return [
        *(marker(name, colour, INK) for name, colour in types.items()),
        marker(f"{window} later", "white", GHOST),
        Line2D([], [], label="path", color=COLOURS[5], lw=1),
    ]
