"""How much there is to do is counted, not typed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from painet_cli.benchmark.campaign import extent, plan
from painet_cli.benchmark.campaign.page import update_page
from painet_cli.benchmark.campaign.plan import Part, parts
from painet_cli.config.presets import load_preset
from painet_cli.training.setup.build import dataset_of
from pretend_results import result

DEMO = Part("Table 9", 1.0, ("demo",), ("linear", "painet"), seeds={"default": 2})
BLOCK = "<!-- painet bench report: plan -->\n<!-- end -->\n"


@pytest.fixture(autouse=True)
def small(monkeypatch: MonkeyPatch) -> None:
    figure = replace(plan.ABLATIONS["reach"], presets=("demo",))
    chosen = (DEMO, Part("Figures", 1.0, figures=("reach",), seeds={"default": 1}))
    for module in (plan, extent):
        monkeypatch.setattr(module, "ABLATIONS", {"reach": figure})
        monkeypatch.setattr(module, "parts", lambda: chosen)


def test_a_cell_of_a_table_and_a_figure_is_one() -> None:
    assert extent.extent([]) == "The plan has 6 cells; 0 are trained, in 0 hours in all."


def test_what_the_plan_does_not_have_is_not_counted() -> None:
    wanted = result(1.0, "linear", preset="demo", seed=2)
    wanted.record["wall_s"] = 5400.0
    others = [
        result(1.0, "linear", preset="demo", seed=3),
        result(1.0, "linear", preset="demo", settings=["train.lr=1"]),
    ]
    assert "1 are trained, in 1.5 hours" in extent.extent([wanted, *others])


def test_a_cell_of_other_data_or_short_of_its_end_is_not_counted() -> None:
    wanted = [result(1.0, "linear", preset="demo", seed=seed) for seed in (1, 2)]
    other = result(1.0, "painet", preset="demo", dataset_sha256="1" * 64)
    stopped = result(1.0, "painet", preset="demo", seed=2, stopped_by="budget")
    assert "; 2 are trained" in extent.extent([*wanted, other, stopped])


def test_hours_of_a_training_that_was_stopped_are_those_of_all_its_starts() -> None:
    stopped = result(1.0, "linear", preset="demo")
    stopped.record.update(epochs=100, epoch_s=72.0, wall_s=3.0)
    assert "in 2 hours" in extent.extent([stopped])


def test_the_count_needs_no_data_and_is_that_of_the_plan(data_dir: Path, tmp_path: Path) -> None:
    assert f"has {len(plan.make_plan(tmp_path, data_dir, []))} cells" in extent.extent([])


def test_hours_are_told_where_the_data_are(data_dir: Path, tmp_path: Path) -> None:
    assert extent.hours_left([], tmp_path) == ""
    told = extent.hours_left([], data_dir)
    assert told.startswith("The others may take some")
    assert "not counted" not in told


def test_hours_stay_on_the_page_as_long_as_they_are_true(data_dir: Path, tmp_path: Path) -> None:
    page = tmp_path / "results.md"
    page.write_text(BLOCK, encoding="utf-8")
    update_page(page, [], data_dir=data_dir)
    told = page.read_text(encoding="utf-8")
    assert "The others may take" in told
    update_page(page, [])
    assert page.read_text(encoding="utf-8") == told, "without the data"
    sha256 = dataset_of(load_preset("demo"), data_dir).sha256
    update_page(page, [result(1.0, "linear", preset="demo", dataset_sha256=sha256)])
    assert "1 are trained" in page.read_text(encoding="utf-8")
    assert "The others" not in page.read_text(encoding="utf-8"), "it was of fewer trained cells"


def test_the_shipped_plan_is_counted_without_a_dataset(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.undo()
    assert len(parts()) > 2
    assert int(extent.extent([]).split()[3]) > 600
