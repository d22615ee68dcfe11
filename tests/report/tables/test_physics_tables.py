"""Physical checks as a reader sees them."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import numpy as np
from rich.console import Console

from painet_cli.data.particles.particles import Particles
from painet_cli.evaluation.physics.checks import PhysicsReport, physical_checks
from painet_cli.report.tables.physics import MOST_STEPS, physics_tables


def report(
    steps: int = 3, length: int = 4, *, truth: bool = True, unit: str = "angstrom", **who: Any
) -> PhysicsReport:
    """Checks of a chain of residues that shakes."""
    n = 2 * length
    fields: dict[str, Any] = {
        "names": ("N", "CA") * length,
        "types": (0,) * n,
        "type_names": ("any",),
        "bonds": tuple((k, k + 1) for k in range(n - 1)),
        "elements": ("N", "C") * length,
        "residues": ("ALA",) * n,
        "residue_ids": tuple(k // 2 + 1 for k in range(n)),
    }
    rng = np.random.default_rng(0)
    line = np.zeros((2, n, 3))
    line[:, :, 0] = 1.4 * np.arange(n)
    frames = line[:, None] + 0.05 * rng.normal(size=(2, steps, n, 3))
    return physical_checks(
        line,
        frames,
        Particles(**fields | who),
        length_unit=unit,
        truth=frames + 0.01 if truth else None,
    )


def rendered(one: PhysicsReport) -> str:
    console = Console(file=io.StringIO(), width=80, no_color=True)
    for renderable in physics_tables(one):
        console.print(renderable)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    return text


def unwrapped(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_what_was_found_comes_first() -> None:
    lines = rendered(report()).splitlines()
    assert lines[0] == "Physical checks"
    assert lines[1].startswith("- nothing broken: bonds within")


def test_truth_stands_beneath_each_step() -> None:
    seen = report()
    text = rendered(seen)
    assert re.search(r"^0 start .* 0 ", text, flags=re.MULTILINE)
    assert len(re.findall(r"^\d+ predicted", text, flags=re.MULTILINE)) == 3
    assert len(re.findall(r"^\s+truth", text, flags=re.MULTILINE)) == 3
    assert seen.predicted.worst_bonds[0] in text
    assert "truth" not in rendered(report(truth=False))


def test_a_long_prediction_shows_its_first_and_last_step() -> None:
    text = rendered(report(steps=100))
    shown = [int(step) for step in re.findall(r"^(\d+) +predicted", text, flags=re.MULTILINE)]
    assert len(shown) == MOST_STEPS
    assert (shown[0], shown[-1]) == (1, 100)


def test_those_that_move_most_are_named() -> None:
    seen = report(length=30)
    text = rendered(seen)
    most = seen.rmsf_labels[int(np.argmax(seen.predicted.rmsf))]
    assert "mean of 30" in text
    assert most in text


def test_the_footnote_says_what_the_figures_are() -> None:
    text = unwrapped(rendered(report()))
    assert "2 starts; lengths in angstrom" in text
    assert "1 start; lengths in" in unwrapped(rendered(replace(report(), starts=1)))
    assert "Rg: radius of gyration, by mass." in text
    assert "Clashes: pairs more than 2 bonds apart and closer than 0.6 of their" in text


def test_without_bonds_or_clashes_there_are_no_such_columns() -> None:
    text = rendered(report(unit="ASF unit", bonds=(), elements=()))
    assert "worst bond" not in text
    assert "clashes " not in text.partition("RMSF")[0].partition("Shape")[2]
    assert "not counted: no radii are known" in unwrapped(text)
    assert "all particles alike" in text


def test_long_names_fit() -> None:
    names = tuple(f"{'x' * 40}{k}" for k in range(8))
    rendered(report(names=names, residue_ids=(), residues=()))


def test_a_pipe_without_unicode_is_served() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    console = Console(file=stream, width=80)
    for renderable in physics_tables(report()):
        console.print(renderable)
    stream.flush()
