"""A benchmark's tables: seeds joined, the paper beside, the runner-up tested."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from painet_cli.benchmark.cells import Cell, Result
from painet_cli.benchmark.layout import bench_csv, bench_markdown, bench_tables
from painet_cli.benchmark.rows import Row, bench_rows
from painet_cli.benchmark.significance import p_words
from painet_cli.config.presets import load_preset


def result(
    model: str,
    mse: float,
    *,
    preset: str = "mocap-run-s2s",
    seed: int = 1,
    horizon: int = 1,
    stopped_by: str = "patience",
    label: str = "",
    as_published: bool = True,
) -> Result:
    """A result whose windows all lie a little around `mse`."""
    settings = [f"model.name={model}", f"train.seed={seed}"]
    spread = np.linspace(0.9, 1.1, 20)[:, None] * np.ones(horizon)
    record = {
        "epochs": 40,
        "stopped_by": stopped_by,
        "epoch_s": 0.5,
        "peak_memory_gb": 0.25,
        "memory_kind": "resident set above start",
        "parameters": 1234,
        "device": "cpu",
        "threads": 1,
    }
    evaluation = {
        "mse": mse,
        "horizon": horizon,
        "step_mse": [mse] * horizon,
        "unit": "ASF unit²",
        "windows": 20,
        "dataset": "mocap-run",
        "label": label,
        "as_published": as_published,
        "split_kind": "published",
        "leak": 0.25,
        "time_s": 0.1,
        "peak_memory_gb": 0.2,
    }
    cell = Cell(preset, load_preset(preset, settings), Path(preset) / f"{model}-{seed}")
    return Result(cell, record, evaluation, mse * spread)


def shown(rows: Sequence[Row], budget_min: float | None = None) -> str:
    console = Console(file=io.StringIO(), width=80, no_color=True)
    for renderable in bench_tables(rows, budget_min):
        console.print(renderable)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    return text


def test_seeds_are_joined_into_mean_and_deviation() -> None:
    (row,) = bench_rows([result("painet", 0.3), result("painet", 0.5, seed=2)])
    assert row.seeds == [1, 2]
    assert row.mse == pytest.approx(0.4)
    assert row.sd == pytest.approx(0.2 / 2**0.5)
    assert "0.4 ± 0.14" in shown([row])


def test_the_paper_stands_beside() -> None:
    (row,) = bench_rows([result("egnn", 0.4)])
    assert (row.table, row.paper_mse, row.paper_sd) == (1, 0.421, 0.078)
    text = shown([row])
    assert "Table 1: motion capture" in text
    assert "0.421 ± 0.078" in text


def test_a_preset_that_the_paper_does_not_have_has_no_paper_column() -> None:
    (row,) = bench_rows([result("egnn", 0.4, preset="demo", horizon=5)])
    text = shown([row])
    assert row.table is None
    assert "Not in the paper" in text
    assert ", paper" not in text


def test_painet_is_tested_against_the_best_other_and_gets_the_star() -> None:
    rows = bench_rows([result("painet", 0.3), result("egnn", 0.4), result("rf", 0.9)])
    rf, egnn, painet = rows
    assert (painet.best, painet.against, painet.star) == (True, "egnn", "*w")
    assert (egnn.against, egnn.star, rf.against) == ("painet", "", None)
    assert painet.p_value is not None
    assert painet.p_value < 0.05
    assert "0.3*" in shown(rows)


def test_where_another_is_better_the_star_is_its() -> None:
    egnn, painet = bench_rows([result("painet", 0.5), result("egnn", 0.4)])
    assert egnn.star
    assert not painet.star


def test_no_star_where_windows_speak_for_the_one_with_the_higher_mean() -> None:
    painet, egnn = result("painet", 0.4), result("egnn", 0.5)
    almost_all_lower = np.append(np.full(19, 0.3), 20 * 0.5 - 19 * 0.3)[:, None]
    rows = bench_rows([painet, replace(egnn, squared=almost_all_lower)])
    _, row = rows
    assert row.best and row.p_value is not None and row.p_value < 0.05
    assert row.windows_contradict and row.star == ""
    said = " ".join(shown(rows).split())
    assert f"painet against egnn, p {p_words(row.p_value)}↕ over windows" in said
    assert "↕: p speaks for the one with the higher mean" in said


def test_all_of_a_tie_are_the_lowest_and_none_without_a_number() -> None:
    assert [row.best for row in bench_rows([result("painet", 0.4), result("egnn", 0.4)])] == [
        True,
        True,
    ]
    lost = [result("painet", float("nan")), result("egnn", float("nan"))]
    assert not any(row.best for row in bench_rows(lost))


def test_no_star_for_a_difference_of_nothing() -> None:
    rows = bench_rows([result("painet", 0.4), result("egnn", 0.4)])
    assert not any(row.star for row in rows)
    assert "*" not in shown(rows)


def test_says_what_ended_by_the_budget_and_what_the_data_are() -> None:
    rows = bench_rows([result("painet", 0.3, stopped_by="budget", label="sGDML MD")])
    text = shown(rows, budget_min=2.5)
    assert "0.3†" in text
    assert "ended by the budget of 2.5 minutes a cell" in " ".join(text.split())
    assert "sGDML MD" in text
    assert "25 % of test windows overlap" in " ".join(text.split())


def test_says_where_windows_are_not_the_papers() -> None:
    text = shown(bench_rows([result("painet", 0.3, as_published=False)]))
    assert "[0.35 ± 0.027]" in text
    assert "not comparable" in text


def test_steps_of_adk_stand_above_the_papers() -> None:
    rows = bench_rows([result("painet", 1.5, preset="adk", horizon=5)])
    text = shown(rows)
    assert "painet, paper" in text
    assert "1.076" in text
    assert "predict s" in text


def test_markdown_csv_and_json_hold_the_same_figures() -> None:
    rows = bench_rows([result("painet", 0.3), result("egnn", 0.4), result("egnn", 0.5, seed=2)])
    markdown = bench_markdown(rows, None)
    assert "| painet | 0.3*w←        | 0.35 ± 0.027         |" in markdown
    read = list(csv.DictReader(io.StringIO(bench_csv(rows))))
    plain: list[dict[str, Any]] = json.loads(json.dumps([asdict(row) for row in rows]))
    for line, row in zip(read, plain, strict=True):
        assert line.keys() == row.keys()
        assert float(line["mse"]) == row["mse"]
        assert line["seeds"] == " ".join(map(str, row["seeds"]))


def test_nothing_but_a_single_model_is_compared() -> None:
    (row,) = bench_rows([result("painet", 0.3)])
    assert not row.best
    assert row.against is None


def test_the_star_says_whether_windows_or_seeds_tell_the_difference() -> None:
    even = [result("painet", 0.3, seed=seed) for seed in (1, 2, 3)]
    clear = [result("egnn", 0.4 + 0.01 * seed, seed=seed) for seed in (1, 2, 3)]
    _, painet = rows = bench_rows([*even, *clear])
    assert painet.star == "*ws"
    assert painet.p_seeds is not None and painet.p_seeds < 0.05
    said = " ".join(shown(rows).split())
    assert "0.3 ± 0*ws" in said
    assert "mocap-run-s2s: painet against egnn, p <0.001 over windows, 0.0" in said
    scattered = [result("egnn", mse, seed=seed) for seed, mse in ((1, 0.2), (2, 0.4), (3, 0.5))]
    _, painet = bench_rows([*even, *scattered])
    assert painet.p_seeds is not None and painet.p_seeds > 0.05
    assert painet.star == "*w"


def test_of_two_seeds_no_test_is_made() -> None:
    both = [
        result(model, mse, seed=s)
        for model, mse in (("painet", 0.3), ("egnn", 0.4))
        for s in (1, 2)
    ]
    assert {row.p_seeds for row in bench_rows(both)} == {None}


def test_p_values_have_the_digits_that_they_deserve() -> None:
    shown = [p_words(p) for p in (None, 1.2e-9, 0.00123, 0.0456, 0.3333, 1.0)]
    assert shown == ["-", "<0.001", "0.0012", "0.046", "0.33", "1.00"]
