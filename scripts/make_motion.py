"""Make docs/images/motion.svg, the moving picture: what happened beside what was predicted.

python scripts/make_motion.py

`painet predict` predicts from every other frame of a stretch of the sample's test frames, 20 fs
ahead. Each moment of the picture is simulated on the left, and on the right as predicted 20 fs
before, over faint rings where the atoms really were.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.cli.app import main
from painet_cli.report.pictures.projection import principal_view

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "motion.svg"
FIRST, COUNT, EVERY = 16_400, 72, 2  # frames of 0.5 fs, all of the test stretch
FRAME_FS = 0.5
SECONDS = 6
SCALE, WIDTH, HEIGHT = 68, 320, 250  # pixels an angstrom, and of a panel
# colours that stand on white paper and on black
COLOURS = {"H": "#C9D1D9", "C": "#6E7781", "O": "#D55E00"}
RADII = {"H": 9, "C": 15, "O": 15}
MUTED = "#7D8590"
Points = NDArray[np.float64]  # (COUNT, N, 3)


def predict(folder: Path) -> tuple[Points, Points, list[str], NDArray[np.int64]]:
    """Positions 20 fs after each start, true and predicted; elements and bonds."""
    data, out = folder / "data", folder / "prediction"
    starts = f"{FIRST}:{FIRST + EVERY * COUNT}:{EVERY}"
    where = ["-o", str(out), "--checkpoint", "sample"]
    for words in (
        ["prepare", "sample", "--data-dir", str(data)],
        ["predict", str(data / "sample"), "-T", "5", "--start", starts, *where],
    ):
        if main(["--quiet", *words]):
            raise SystemExit(1)
    done = np.load(out / "prediction.npz")
    last = (done[name][:, -1].astype(float) for name in ("truth", "positions"))
    return *last, done["elements"].tolist(), done["bonds"]


def draw(truth: Points, predicted: Points, elements: list[str], bonds: NDArray[np.int64]) -> str:
    """Write both panels as SVG, every coordinate with its values over time."""
    view = principal_view(truth[0])
    middle = truth.mean(axis=1, keepdims=True)
    left, right = ((points - middle) @ view.T for points in (truth, predicted))
    last_fs = 20 + FRAME_FS * EVERY * (COUNT - 1)
    label = f'fill="{MUTED}" font-size="14" text-anchor="middle"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT + 50}" '
            'role="img" font-family="system-ui, sans-serif">',
            "<title>Ethanol, simulated and predicted</title>",
            f'<text x="{WIDTH / 2}" y="20" {label}>simulated</text>',
            f'<text x="{1.5 * WIDTH}" y="20" {label}>predicted 20 fs before</text>',
            *_molecule(left, elements, bonds, WIDTH / 2),
            '<g opacity="0.45">',
            *_rings(left, elements, 1.5 * WIDTH),
            "</g>",
            *_molecule(right, elements, bonds, 1.5 * WIDTH),
            *_clock(last_fs, label),
            "</svg>\n",
        ]
    )


def _molecule(
    points: Points, elements: list[str], bonds: NDArray[np.int64], x: float
) -> Iterator[str]:
    xs, ys = _seen(points, x)
    for one, other in bonds:
        ends = (("x1", xs[:, one]), ("y1", ys[:, one]), ("x2", xs[:, other]), ("y2", ys[:, other]))
        line = f'<line stroke="{MUTED}" stroke-width="6" stroke-linecap="round">'
        yield f"{line}{_over_time(ends)}</line>"
    for atom in points[..., 2].mean(axis=0).argsort():  # those nearer to the viewer on top
        element = elements[atom]
        yield (
            f'<circle r="{RADII[element]}" fill="{COLOURS[element]}" stroke="{MUTED}">'
            f"{_over_time((('cx', xs[:, atom]), ('cy', ys[:, atom])))}</circle>"
        )


def _rings(points: Points, elements: list[str], x: float) -> Iterator[str]:
    xs, ys = _seen(points, x)
    for atom, element in enumerate(elements):
        yield (
            f'<circle r="{RADII[element] + 3}" fill="none" stroke="{MUTED}" stroke-width="1.5">'
            f"{_over_time((('cx', xs[:, atom]), ('cy', ys[:, atom])))}</circle>"
        )


def _seen(points: Points, x: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return x + SCALE * points[..., 0], 22 + HEIGHT / 2 - SCALE * points[..., 1]


def _clock(last_fs: float, label: str) -> Iterator[str]:
    y, start, length = HEIGHT + 34, WIDTH - 120, 240
    yield f'<rect x="{start}" y="{y}" width="{length}" height="3" fill="{MUTED}" opacity="0.3"/>'
    yield (
        f'<rect x="{start}" y="{y}" width="0" height="3" fill="{MUTED}">'
        f"{_over_time((('width', np.linspace(0, length, COUNT)),))}</rect>"
    )
    yield f'<text x="{start - 30}" y="{y + 6}" {label}>20 fs</text>'
    yield f'<text x="{start + length + 30}" y="{y + 6}" {label}>{last_fs:.0f} fs</text>'


def _over_time(values: tuple[tuple[str, NDArray[np.float64]], ...]) -> str:
    return "".join(
        f'<animate attributeName="{name}" dur="{SECONDS}s" repeatCount="indefinite" '
        f'values="{";".join(f"{value:.0f}" for value in series)}"/>'
        for name, series in values
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        PICTURE.write_text(draw(*predict(Path(temporary))), encoding="utf-8")
