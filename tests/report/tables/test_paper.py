from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from painet_cli.config.presets import preset_names
from painet_cli.report.tables.paper import PaperFigure, paper_figure


def test_a_mocap_figure_has_time_and_memory() -> None:
    expected = PaperFigure(table=1, horizon=1, mse=0.0845, sd=0.0023, epoch_s=0.20, memory_gb=0.26)
    assert paper_figure("mocap-walk-s2s", "painet") == replace(
        expected, doubt="the trials of Walk may be numbered otherwise"
    )


def test_an_md17_figure_has_neither() -> None:
    expected = PaperFigure(table=3, horizon=8, mse=0.00324, sd=0.000119)
    assert paper_figure("md17-naphthalene-s2t", "painet") == expected


def test_adk_has_a_figure_a_step_and_the_cost_of_prediction() -> None:
    printed = paper_figure("adk", "gf-node")
    assert printed is not None
    assert printed.step_mse == (1.095, 1.642, 1.913, 2.047, 2.113)
    assert (printed.mse, printed.predict_s, printed.epoch_s) == (1.762, 27.71, None)


@pytest.mark.parametrize(("preset", "model"), [("demo", "painet"), ("mocap-walk-s2t", "linear")])
def test_what_was_not_printed_is_none(preset: str, model: str) -> None:
    assert paper_figure(preset, model) is None


def test_every_preset_of_the_paper_has_painets_figure() -> None:
    named = [name for name in preset_names() if name.startswith(("mocap", "md17", "adk"))]
    variants = ("-even", "-last", "-best", "-muon", "-every")
    of_the_paper = [name for name in named if not name.endswith(variants)]
    assert len(of_the_paper) == 21
    for preset in of_the_paper:
        assert paper_figure(preset, "painet") is not None, preset


def test_agrees_with_the_transcribed_tables(shared: Path) -> None:
    tables = yaml.safe_load((shared / "paper" / "tables.yaml").read_text(encoding="utf-8"))
    printed = {
        (f"mocap-{task.replace('_', '-')}", model): row["mse"]
        for task, rows in tables["table1_mocap"].items()
        for model, row in rows.items()
    } | {
        (f"md17-{molecule}-{task}", model): pair
        for task in ("s2s", "s2t")
        for molecule, rows in tables[f"table{2 + (task == 's2t')}_md17_{task}"].items()
        for model, pair in rows.items()
    }
    assert len(printed) == 24 + 64 + 32
    for (preset, model), (mse, sd) in printed.items():
        ours = paper_figure(preset, model)
        assert ours is not None
        assert (ours.mse, ours.sd) == (mse, sd)
