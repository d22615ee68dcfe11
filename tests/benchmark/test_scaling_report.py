"""The scaling benchmark's tables, exponents and pictures."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from painet_cli.benchmark.measurement import Measurement
from painet_cli.benchmark.scaling import Outcome, Point, Sweep, scaling_points
from painet_cli.benchmark.scaling_plots import write_scaling_plots
from painet_cli.benchmark.scaling_rows import (
    ScalingRow,
    exponents,
    scaling_markdown,
    scaling_rows,
    scaling_tables,
)

SWEEP = Sweep((100, 1_000, 10_000, 100_000), (1, 4, 16), particles=1_000, horizon=1)
FORMS = ("painet", "painet-dense", "egnn", "rf")


def outcome(point: Point) -> Outcome:
    """A floor that every call costs, and N T (N^2 T dense) beyond it; dense ends at 10,000."""
    dense = point.form == "painet-dense"
    if dense and point.particles > 10_000:
        return "not run: would need about 812 GB, and 20 GB are free"
    work = point.particles ** (2 if dense else 1) * point.horizon
    return Measurement(
        seconds=1e-6 * work, runs=3, first_s=1.0, peak_gb=1e-7 * work,
        memory_kind="resident set above start",
        activations="keep", edges=20 * point.particles, parameters=5,
        device="cpu", threads=1,
    )  # fmt: skip


@pytest.fixture
def rows() -> list[ScalingRow]:
    return scaling_rows({point: outcome(point) for point in scaling_points(FORMS, SWEEP)})


def shown(rows: list[ScalingRow]) -> str:
    console = Console(file=io.StringIO(), width=80, no_color=True)
    for renderable in scaling_tables(rows):
        console.print(renderable)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    return text


def test_exponents_are_those_of_the_sizes_from_a_thousand_up(rows: list[ScalingRow]) -> None:
    fitted = {(e.model, e.mode, e.axis, e.quantity): e for e in exponents(rows)}
    painet = fitted["painet", "inference", "N", "seconds"]
    assert painet.exponent == pytest.approx(1.0)
    assert (painet.smallest, painet.largest, painet.points) == (1_000, 100_000, 3)
    dense = fitted["painet-dense", "training step", "N", "peak_gb"]
    assert dense.exponent == pytest.approx(2.0)
    assert (dense.largest, dense.points) == (10_000, 2)
    assert fitted["painet", "inference", "T", "seconds"].exponent == pytest.approx(1.0)
    assert ("rf", "inference", "T", "seconds") not in fitted, "rf predicts one step"


def test_a_table_has_models_down_sizes_across_and_the_exponent_last(
    rows: list[ScalingRow],
) -> None:
    text = shown(rows)
    for title in (
        "Inference: time, s (T = 1)",
        "Inference: peak memory, GB (N = 1,000)",
        "Training step: time, s (N = 1,000)",
    ):
        assert title in text
    line = next(line for line in text.splitlines() if line.startswith("painet-dense"))
    assert line.split() == ["painet-dense", "0.01", "1", "100", "-", "2.00"]


def test_says_why_a_figure_is_not_there(rows: list[ScalingRow]) -> None:
    text = " ".join(shown(rows).split())
    assert "painet-dense, inference, N = 100,000: not run: would need about 812 GB" in text
    assert "processor time" in text
    assert "20 neighbours" in text


def test_an_axis_with_one_size_is_no_sweep() -> None:
    sweep = Sweep((100, 1_000), (1,), particles=1_000, horizon=1)
    points = scaling_points(["painet"], sweep, ["inference"])
    text = shown(scaling_rows({point: outcome(point) for point in points}))
    assert "(T = 1)" in text
    assert "(N = 1,000)" not in text


def test_a_single_point_has_its_table_and_no_picture(tmp_path: Path) -> None:
    sweep = Sweep((100,), (1,), particles=50, horizon=1)
    points = scaling_points(["painet"], sweep, ["training step"])
    rows = scaling_rows({point: outcome(point) for point in points})
    lines = [line.split() for line in shown(rows).splitlines()]
    assert ["painet", "1e-04", "-"] in lines, "100 particles"
    assert ["painet", "5e-05", "-"] in lines, "50 particles"
    assert write_scaling_plots(rows, tmp_path) == []


def test_a_picture_a_mode_and_the_tables_as_markdown(
    rows: list[ScalingRow], tmp_path: Path
) -> None:
    pictures = write_scaling_plots(rows, tmp_path)
    assert [path.name for path in pictures] == ["inference.png", "training-step.png"]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in pictures)
    markdown = scaling_markdown(rows, [path.name for path in pictures])
    assert "![inference.png](inference.png)" in markdown
    assert re.search(r"\| painet +\| 1e-04 +\| 0.001 +\| 0.01 +\| 0.1 +\| 1.00 +\|", markdown)
