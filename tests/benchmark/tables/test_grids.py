"""Columns of a benchmark's tables: one order, marks of what compares, no wider than a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from painet_cli.benchmark.cells import Result
from painet_cli.benchmark.layout import bench_csv, bench_markdown
from painet_cli.benchmark.rows import MODELS, bench_rows
from painet_cli.benchmark.tables.grids import best_rows, grids, shortened
from painet_cli.benchmark.tables.notes import footnotes
from painet_cli.evaluation.yardsticks import GAUSSIAN_KERNEL
from painet_cli.report.tables.layout import Columns
from pretend_results import planned, result

MOLECULES = ("aspirin", "benzene", "ethanol", "malonaldehyde", "naphthalene", "uracil")
MD17 = [f"md17-{name}-s2s" for name in MOLECULES]


def tables(results: Sequence[Result], ending: str) -> Iterator[Columns]:
    for title, columns in grids(bench_rows(results)):
        if f": {ending}" in title:
            yield columns


def with_yardsticks(one: Result, **errors: float) -> Result:
    one.evaluation["yardsticks"] = {name.replace("_", " "): [mse] for name, mse in errors.items()}
    return one


def test_models_have_one_order_in_all_parts_of_a_table_and_in_csv() -> None:
    here = {MD17[0]: ("painet", "linear"), MD17[-1]: ("rf", "linear"), MD17[2]: ("kepler", "egno")}
    results = [
        result(0.1, "painet" if model == "kepler" else model, preset=preset, seed=2)
        for preset in MD17
        for model in here.get(preset, ())
    ]
    parts = [columns["Model"] for columns in tables(results, "MSE,")]
    assert parts == [["linear", "rf", "egno", "painet"]]
    first = [line.split(",")[2] for line in bench_csv(bench_rows(results)).splitlines()[1:]]
    assert first == ["linear", "painet", "egno", "painet", "linear", "rf"]
    assert MODELS.index("kernel") == 1


def test_a_model_that_was_not_trained_on_a_preset_has_a_dash_there() -> None:
    results = [planned(0.1, "rf"), planned(0.2, "egnn", preset="mocap-walk-s2s")]
    (columns,) = tables(results, "MSE,")
    assert columns["Model"] == ["rf", "egnn"]
    assert columns["run"] == ["0.1", "-"]
    assert columns["walk"] == ["-", "0.2"]


def test_the_papers_figures_are_marked_by_what_they_are_beside_ours() -> None:
    mocap = ("mocap-run-s2s", "mocap-walk-s2s")
    results = [result(0.3, "egnn", preset=preset) for preset in (*mocap, MD17[0])]
    results[-1].evaluation["label"] = "sGDML MD"
    found = {key: cells for part in tables(results, "MSE,") for key, cells in part.items()}
    assert found["run, paper"] == ["0.421 ± 0.078"], "the same windows"
    assert found["walk, paper"] == ["0.26 ± 0.043‡"], "maybe other trials"
    assert found[f"{MD17[0]}, paper"] == ["[0.102 ± 0.0016]"], "other frames"
    said = " ".join(bench_markdown(bench_rows(results), None).split())
    assert "The paper's figures of mocap-run-s2s: of the same windows." in said
    assert "of mocap-walk-s2s: ‡, the trials of Walk may be numbered otherwise" in said
    assert f"of {MD17[0]}: in [ ], of other frames: not comparable." in said


def test_yardsticks_have_a_table_of_their_own_whose_best_is_marked() -> None:
    one = with_yardsticks(planned(0.3), nothing_moves=2.0, straight_on=0.5)
    (columns,) = tables([one], "MSE of yardsticks")
    assert columns == {
        "Yardstick": ["nothing moves", "straight on"],
        "mocap-run-s2s": ["2", "0.5←"],
    }


def test_the_yardstick_and_the_model_have_names_of_their_own() -> None:
    older = with_yardsticks(planned(0.3, "kernel"), kernel=0.2)
    (columns,) = tables([older], "MSE of yardsticks")
    assert columns["Yardstick"] == [GAUSSIAN_KERNEL], "as it was called before"
    text = " ".join(bench_markdown(bench_rows([older]), None).split())
    assert "kernel is a model, Gaussian kernel a yardstick" in text
    assert "| kernel | 0.3§ " in text


def test_who_printed_the_lowest_figure_is_said_once_for_all_presets() -> None:
    results = [result(0.3, preset=preset) for preset in MD17[:3]]
    (columns,) = tables(results, "best")
    assert columns["by"] == ["(c)"] * 3
    text = bench_markdown(bench_rows(results), None)
    assert text.count("(c): Thompson et al. 2026 (arXiv 2510.05482)") == 1


def test_a_source_has_one_letter_in_all_tables() -> None:
    results = [result(0.3, preset=preset) for preset in (MD17[0], "mocap-run-s2s")]
    rows = bench_rows(results)
    used = {cells["by"][0] for part in (results, results[:1]) for cells in tables(part, "best")}
    assert used == {"(a)", "(c)"}
    notes = [note[:3] for note in footnotes(rows, None) if note.startswith("(")]
    assert notes == ["(a)", "(c)"]


def test_costs_say_how_many_epochs_and_what_ended_them() -> None:
    results = [planned(0.3, seed=1), planned(0.4, seed=2)]
    results[1].record["epochs"] = 60
    (columns,) = tables(results, "cost")
    assert columns["epochs and end"] == ["40-60 patience"]


def test_costs_say_how_many_seeds_a_figure_is_the_mean_of() -> None:
    results = [planned(0.3, seed=1), planned(0.4, seed=2), planned(0.3, "painet")]
    (columns,) = tables(results, "cost")
    assert columns["seeds"] == ["2", "1"]


@pytest.mark.parametrize("presets", [MD17, MD17[:1], ["mocap-run-s2s", "mocap-walk-s2t"]])
def test_a_page_is_no_wider_than_80_columns(presets: list[str]) -> None:
    results = [
        with_yardsticks(result(mse, model, preset=preset, seed=seed), straight_on=12345.6)
        for preset in presets
        for model in ("linear", "painet")
        for seed, mse in ((1, 0.30361), (2, 0.31234))
    ]
    for one in results:
        one.evaluation["label"] = "sGDML MD, superposed"
    lines = bench_markdown(bench_rows(results), None).splitlines()
    assert max(map(len, lines)) <= 80
    titles = [line for line in lines if line.startswith("**")]
    assert len(titles) == len(set(titles))


def test_a_papers_column_stays_beside_its_preset() -> None:
    text = bench_markdown(bench_rows([result(0.1, "rf", preset=one) for one in MD17]), None)
    for line in text.splitlines():
        headings = [word.strip() for word in line.strip("|").split("|")]
        for left, right in pairwise(headings):
            assert not right.endswith(", paper") or right == f"{left}, paper"


def test_names_lose_what_they_share_and_never_all() -> None:
    assert shortened(["a-b", "a-b-c"]) == ({"a-b": "b", "a-b-c": "b-c"}, "a-*")
    assert shortened(["a-b", "c-d"])[1] == ""
    assert shortened(["a-x-b", "a-b"])[0] == {"a-x-b": "x-b", "a-b": "b"}


@pytest.mark.parametrize(
    ("ended", "shown"), [("patience", "0.3"), ("epochs", "0.3°"), ("budget", "0.3†")]
)
def test_an_error_is_marked_by_what_ended_its_training(ended: str, shown: str) -> None:
    one = result(0.3, stopped_by=ended, settings=["train.schedule={kind: constant}"])
    (columns,) = tables([one], "MSE,")
    assert columns["mocap-run-s2s"] == [shown]
    said = " ".join(footnotes(bench_rows([one]), 5.0))
    assert ("°: its last epoch" in said) == (ended == "epochs")
    assert ("†: training ended by the budget of 5 minutes" in said) == (ended == "budget")


def test_costs_are_those_of_training_with_the_largest_memory_of_the_seeds() -> None:
    results = [planned(0.3, seed=1), planned(0.4, seed=2)]
    for one, seconds, gigabytes in zip(results, (0.5, 1.5), (0.25, 0.75), strict=True):
        one.record.update(epoch_s=seconds, peak_memory_gb=gigabytes)
    (columns,) = tables(results, "cost")
    assert (columns["s/epoch"], columns["GB"]) == (["1"], ["0.75"])
    assert columns["parameters"] == ["1,234"]


def test_a_training_that_came_to_no_numbers_is_never_the_best() -> None:
    results = [planned(float("nan"), "linear"), planned(0.4, "rf"), planned(0.3, "mpnn")]
    rows = bench_rows(results)
    for order in (rows, rows[::-1], [*rows[1:], rows[0]]):
        assert best_rows(order)["mocap-run-s2s"].model == "mpnn"
    (columns,) = tables(results, "best")
    assert columns["here"] == ["mpnn 0.3"]


def test_a_unit_stands_in_the_title_where_all_have_it() -> None:
    results = [planned(0.1), planned(0.2, preset="mocap-walk-s2s")]
    assert any("MSE, ASF unit²" in title for title, _ in grids(bench_rows(results)))
    results[1].evaluation["unit"] = "metre²"
    assert not any("unit²" in title for title, _ in grids(bench_rows(results)))


def test_a_step_that_a_preset_does_not_predict_has_a_dash() -> None:
    one = result(1.5, "painet", preset="adk")
    one.evaluation.update(horizon=5, step_mse=[1.5] * 5)
    rows = bench_rows([one])
    longer = replace(rows[0], model="egno", step_mse=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    (columns,) = (cells for title, cells in grids([*rows, longer]) if "MSE a step" in title)
    shown = [columns[f"t={step}"] for step in (1, 2, 6)]
    of_model = dict(zip(columns["Model"], zip(*shown, strict=True), strict=True))
    assert of_model["painet"] == ("1.5", "1.5", "-")
    assert of_model["egno"] == ("1", "2", "6")
