"""Draw docs/images/rooms.svg: the rooms, the imports between them and the way of the data.

python scripts/draw_rooms.py

The rooms come from the contract in pyproject.toml and the imports from the code itself; what each
room does and where the data pass stand below. tests/test_architecture.py reads the picture back.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "rooms.svg"
PACKAGE = "painet_cli"

DOES = {
    "cli": "parses, calls, renders",
    "benchmark": "models by datasets: cells, rows, plots",
    "report": "tables, pictures, the page",
    "evaluation": "metrics, physical checks, verify",
    "prediction": "a file and a checkpoint to positions",
    "training": "the loop, checkpoints, devices",
    "registry": "lists models, sources, presets",
    "models": "PAINET and seven others",
    "data": "from sources to batches",
    "storage": "files whole, locked, known",
    "config": "presets",
    "errors": "what to tell the user",
}


@dataclass(frozen=True)
class Station:
    """A thing the data become, in the room it lies in, at a height within its band."""

    name: str
    room: str
    code: str
    x: float


WAY = (
    Station("source", "data", "data.sources.registry:Source", 250),
    Station("dataset", "data", "data.dataset.dataset:Dataset", 340),
    Station("window", "data", "data.batches.windows:Windows", 430),
    Station("batch", "data", "data.batches.batch:Batch", 520),
    Station("model", "models", "models.base:DynamicsModel", 520),
    Station("prediction", "evaluation", "evaluation.metrics:predictions", 520),
    Station("metrics", "evaluation", "evaluation.evaluation:Evaluation", 410),
    Station("report", "report", "report.tables.evaluation:evaluation_table", 410),
)
STEPS = (  # the function that takes the data from each station to the next
    "data.sources.prepare:prepare_at",
    "data.batches.cut:windows_of",
    "data.batches.windows:Windows.batch",
    "models.base:DynamicsModel.forward",
    "evaluation.metrics:predictions",
    "evaluation.evaluate:evaluate_run",
    "report.tables.evaluation:evaluation_table",
)

# colours that stand on white paper and on black
BAND, STATION, INK, PALE, MUTED, WAY_COLOUR = (
    "#35607F", "#F2F5F7", "#1C2730", "#FFFFFF", "#7D8590", "#E69F00",
)  # fmt: skip
LEFT, TOP, WIDTH, HEIGHT, GAP = 20, 62, 560, 50, 12
MATRIX, CELL = 604, 25


def rooms() -> list[str]:
    """Names of the rooms, the highest first, as the contract of import-linter lists them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]
    lines = [layer.split(" | ") for layer in contract["layers"]]
    return [layer.removeprefix(f"{PACKAGE}.") for line in lines for layer in line]


def imports(names: list[str]) -> set[tuple[str, str]]:
    """Pairs of rooms of which the first imports something of the second."""
    graph = grimp.build_graph(PACKAGE)
    found = set()
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            pair = tuple(path.split(".")[1] for path in (module, other) if "." in path)
            if len(pair) == 2 and pair[0] != pair[1] and set(pair) <= set(names):
                found.add(pair)
    return found


def draw() -> str:
    """Write the picture as SVG."""
    names = rooms()
    top = {name: TOP + row * (HEIGHT + GAP) for row, name in enumerate(names)}
    width, height = MATRIX + CELL * (len(names) - 1) + 20, TOP + len(names) * (HEIGHT + GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13">',
        "<title>The rooms of painet and the way of the data</title>",
        f'<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="4.5" '
        f'markerHeight="4.5" orient="auto"><path d="M0 0 8 4 0 8z" fill="{WAY_COLOUR}"/>'
        "</marker></defs>",
        f'<text x="{LEFT}" y="22" fill="{MUTED}">'
        "a room may import those below it, never one above</text>",
        f'<text x="{LEFT}" y="42" fill="{WAY_COLOUR}" font-weight="600">the way of the data</text>',
        *_bands(names, top),
        *_matrix(names, top),
        *_way(top),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bands(names: list[str], top: dict[str, float]) -> Iterator[str]:
    for name in names:
        y = top[name]
        yield (
            f'<g data-room="{name}"><rect x="{LEFT}" y="{y}" width="{WIDTH}" height="{HEIGHT}" '
            f'rx="8" fill="{BAND}"/>'
            f'<text x="{LEFT + 16}" y="{y + 22}" fill="{PALE}" font-size="15" '
            f'font-weight="600">{name}</text>'
            f'<text x="{LEFT + 16}" y="{y + 39}" fill="{PALE}" font-size="11.5">'
            f"{DOES[name]}</text></g>"
        )


def _matrix(names: list[str], top: dict[str, float]) -> Iterator[str]:
    """Dots: the room of the row imports the room of the column."""
    columns = {name: MATRIX + CELL * (column + 0.5) for column, name in enumerate(names[1:])}
    yield f'<text x="{MATRIX}" y="22" fill="{MUTED}">imports that are there</text>'
    present = imports(names)
    for row, name in enumerate(names):
        y = top[name] + HEIGHT / 2
        for other in names[row + 1 :]:
            there = (name, other) in present
            yield (
                f'<circle cx="{columns[other]}" cy="{y}" r="{6 if there else 2}" fill="{MUTED}"'
                + (f' data-imports="{name} {other}"' if there else ' opacity="0.6"')
                + "/>"
            )
        if row:
            yield (
                f'<text x="{columns[name]}" y="{y}" fill="{MUTED}" font-size="11" '
                f'text-anchor="middle" dominant-baseline="central" '
                f'transform="rotate(-90 {columns[name]} {y})">{SHORT.get(name, name)}</text>'
            )


SHORT = {"evaluation": "evaluate", "prediction": "predict", "benchmark": "bench"}


def _way(top: dict[str, float]) -> Iterator[str]:
    half = 37
    middle = {one.name: top[one.room] + HEIGHT / 2 for one in WAY}
    for (one, other), code in zip(pairwise(WAY), STEPS, strict=True):
        if one.room == other.room:
            side = half if other.x > one.x else -half
            points = f"M{one.x + side} {middle[one.name]} H{other.x - side}"
        else:
            points = f"M{one.x} {middle[one.name] - 13} V{middle[other.name] + 13}"
        yield (
            f'<path d="{points}" fill="none" stroke="{WAY_COLOUR}" stroke-width="2.5" '
            f'marker-end="url(#head)" data-from="{one.name}" data-to="{other.name}" '
            f'data-by="{PACKAGE}.{code}"/>'
        )
    for one in WAY:
        y = middle[one.name]
        yield (
            f'<g data-station="{one.name}" data-code="{PACKAGE}.{one.code}">'
            f'<rect x="{one.x - half}" y="{y - 13}" width="{2 * half}" height="26" rx="13" '
            f'fill="{STATION}"/><text x="{one.x}" y="{y}" fill="{INK}" font-size="12" '
            f'text-anchor="middle" dominant-baseline="central">{one.name}</text></g>'
        )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
