"""The plan: which cells, in which order, and which are done already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from painet_cli.benchmark.campaign import plan
from painet_cli.benchmark.campaign.plan import Part, choose, make_plan, parts
from painet_cli.benchmark.cells import Result
from painet_cli.benchmark.rows import in_order
from painet_cli.config.model_table import OWN
from painet_cli.config.models import MODEL_CONFIGS
from painet_cli.config.presets import load_preset, preset_names
from painet_cli.errors import RequestError
from painet_cli.report.tables.paper import paper_rows
from painet_cli.training.run_folder import METRICS
from painet_cli.training.setup.build import dataset_of
from pretend_results import result

DEMO = Part("Table 9", 1.0, ("demo",), ("painet", "linear"), seeds={"default": 2})

Planning = Callable[..., None]


@pytest.fixture
def planned(monkeypatch: MonkeyPatch) -> Planning:
    def use(*chosen: Part) -> None:
        monkeypatch.setattr(plan, "parts", lambda: chosen)

    return use


def names(folder: Path, data_dir: Path, *kept: Result) -> list[str]:
    return [str(one.cell) for one in make_plan(folder, data_dir, kept)]


def test_the_plan_has_every_row_of_the_papers_tables_and_more() -> None:
    pairs = {
        (preset, model) for part in parts() for preset in part.presets for model in part.models
    }
    assert pairs >= {(preset, model) for preset, rows in paper_rows().items() for model in rows}
    assert {preset for preset, _ in pairs} <= set(preset_names())
    assert {model for _, model in pairs} >= {
        name for name in OWN if not MODEL_CONFIGS[name].of_runs
    }
    for part in parts():
        for preset in part.presets:
            for model in set(part.models) & set(OWN):
                load_preset(preset, [f"model.name={model}", *part.settings_of(model)])
        assert part.seeds_of("painet") >= 3


def test_first_seeds_of_quick_models_come_first(
    planned: Planning, data_dir: Path, tmp_path: Path
) -> None:
    planned(DEMO)
    assert names(tmp_path, data_dir) == [
        "demo linear seed 1", "demo linear seed 2", "demo painet seed 1", "demo painet seed 2",
    ]  # fmt: skip


def test_a_plan_of_few_seeds_has_the_first_ones(
    planned: Planning, data_dir: Path, tmp_path: Path
) -> None:
    planned(DEMO)
    plan_of_one = make_plan(tmp_path, data_dir, [], seeds=1)
    assert [str(one.cell) for one in plan_of_one] == ["demo linear seed 1", "demo painet seed 1"]


def test_a_table_with_a_turn_is_trained_once_before_anything_is_trained_again(
    planned: Planning, data_dir: Path, tmp_path: Path
) -> None:
    later = replace(DEMO, name="Table 8", models=("egnn",), seeds={"default": 2}, turn=2)
    first = replace(DEMO, models=("gf-node",), turn=1)
    planned(replace(DEMO, models=("linear", "rf")), later, first)
    assert names(tmp_path, data_dir)[:3] == [
        "demo gf-node seed 1", "demo egnn seed 1", "demo linear seed 1",
    ]  # fmt: skip


def test_a_cell_that_failed_waits_until_the_others_are_done(
    planned: Planning, data_dir: Path, tmp_path: Path
) -> None:
    planned(DEMO)
    first, *others = names(tmp_path, data_dir)
    folder = make_plan(tmp_path, data_dir, [])[0].cell.folder
    folder.mkdir(parents=True)
    (folder / "error.log").write_text("the training loss is inf", encoding="utf-8")
    assert names(tmp_path, data_dir) == [*others, first]


def test_the_plan_trains_the_tables_of_one_step_once_before_more_seeds() -> None:
    turns = [(part.turn, part.name, *part.presets[:1]) for part in parts()]
    assert sorted(turns)[:3] == [
        (1, "Table 1", "mocap-run-s2s"), (2, "Table 1", "mocap-run-s2t"),
        (2, "Table 2", "md17-aspirin-s2s"),
    ]  # fmt: skip


def test_motion_capture_is_trained_as_its_presets_for_muon_are() -> None:
    rows = {preset: part for part in parts() for preset in part.presets}
    for name in (name for name in preset_names() if name.endswith("-muon")):
        row = name.removesuffix("-muon")
        planned = load_preset(row, rows[row].settings_of("painet"))
        assert planned.train == load_preset(name).train


def hours(folder: Path, data_dir: Path, *kept: Result) -> dict[str, float]:
    return {str(one.cell): one.hours for one in make_plan(folder, data_dir, kept)}


def test_what_a_cell_takes_is_learned_from_its_like(
    planned: Planning, data_dir: Path, tmp_path: Path
) -> None:
    planned(DEMO)
    long = result(1.0, "linear", preset="demo", seed=9)
    long.record.update(epochs=10**6, epoch_s=0.5)
    assert names(tmp_path, data_dir, long)[0] == "demo painet seed 1"
    quick = result(1.0, "linear", preset="demo", seed=9)
    quick.record.update(epochs=36, epoch_s=1e-4)
    assert hours(tmp_path, data_dir, quick)["demo linear seed 1"] == pytest.approx(1e-6)


def test_an_epoch_of_a_busy_machine_counts_no_more_than_a_guess(
    planned: Planning, data_dir: Path, tmp_path: Path
) -> None:
    planned(DEMO)
    guessed = hours(tmp_path, data_dir)["demo linear seed 1"]
    busy = result(1.0, "linear", preset="demo", seed=9)
    busy.record.update(epochs=busy.cell.preset.train.epochs, epoch_s=1e3)
    assert hours(tmp_path, data_dir, busy)["demo linear seed 1"] == pytest.approx(guessed)


def test_hours_count_the_windows_that_a_preset_trains_on(
    planned: Planning, data_dir: Path, tmp_path: Path
) -> None:
    split = replace(DEMO, models=("linear",), seeds={"default": 1})
    planned(split, replace(split, name="Table 8", settings={"train.windows": "every"}))
    made = sorted(make_plan(tmp_path, data_dir, []), key=lambda one: one.part)
    every, few = [len(dataset_of(one.cell.preset, data_dir).starts("train")) for one in made]
    assert every > few
    assert made[0].hours / made[1].hours == pytest.approx(every / few)


def test_epochs_that_are_trained_are_no_hours_that_are_left(
    planned: Planning, data_dir: Path, tmp_path: Path
) -> None:
    planned(replace(DEMO, models=("linear",), seeds={"default": 1}))
    (one,) = make_plan(tmp_path, data_dir, [])
    assert one.hours_left == one.hours
    one.cell.folder.mkdir(parents=True)
    epochs = one.cell.preset.train.epochs
    (one.cell.folder / METRICS).write_text("{}\n" * (epochs // 4), encoding="utf-8")
    (begun,) = make_plan(tmp_path, data_dir, [])
    assert begun.hours == one.hours
    assert begun.hours_left == pytest.approx(one.hours * (1 - epochs // 4 / epochs))


def test_a_closed_form_has_one_epoch(planned: Planning, data_dir: Path, tmp_path: Path) -> None:
    planned(replace(DEMO, models=("kernel",), seeds={"default": 1}))
    assert hours(tmp_path, data_dir)["demo kernel seed 1"] < 0.1


def test_the_kernel_of_motion_capture_is_that_of_the_presets_that_are_best() -> None:
    for part in parts():
        for preset in (one for one in part.presets if "kernel" in part.models and "mocap" in one):
            chosen = load_preset(preset, ["model.name=kernel", *part.settings_of("kernel")])
            best = load_preset(f"{preset.removesuffix('-every')}-best")
            assert chosen.model == best.model
            assert chosen.train.augment == best.train.augment


def test_models_stand_in_the_order_of_the_tables() -> None:
    for part in parts():
        assert list(part.models) == in_order(part.models)


def test_a_cell_that_was_recorded_is_done_on_any_machine(
    planned: Planning, data_dir: Path, tmp_path: Path
) -> None:
    planned(DEMO)
    sha256 = dataset_of(load_preset("demo"), data_dir).sha256
    kept = result(1.0, "linear", preset="demo", seed=2, dataset_sha256=sha256)
    other = result(1.0, "linear", preset="demo", seed=1, dataset_sha256="1" * 64)
    done = {str(one.cell): one.done for one in make_plan(tmp_path, data_dir, [kept, other])}
    assert done["demo linear seed 2"]
    assert not done["demo linear seed 1"], "it was trained on other data"


def test_what_a_budget_ended_goes_on_where_there_is_more_time(
    planned: Planning, data_dir: Path, tmp_path: Path
) -> None:
    planned(replace(DEMO, models=("linear",), seeds={"default": 1}))
    sha256 = dataset_of(load_preset("demo"), data_dir).sha256
    kept = result(1.0, "linear", preset="demo", dataset_sha256=sha256, stopped_by="budget")
    kept.record["seconds"] = 60.0
    for budget_s, done in ((None, False), (120.0, False), (60.0, True)):
        (one,) = make_plan(tmp_path, data_dir, [kept], budget_s=budget_s)
        assert one.done is done


def test_a_model_that_is_not_installed_and_data_that_are_not_there_are_left_out(
    planned: Planning, data_dir: Path, tmp_path: Path
) -> None:
    planned(replace(DEMO, presets=("demo", "adk"), models=("linear", "kepler")))
    assert names(tmp_path, data_dir) == ["demo linear seed 1", "demo linear seed 2"]
    assert plan.missing_datasets(data_dir) == {"adk": ["adk"]}


def test_a_window_longer_than_the_datasets_is_cut_to_it(
    planned: Planning, data_dir: Path, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    planned(replace(DEMO, models=("linear",), own={"linear": {"data.horizon": 2}}))
    longest = dataset_of(load_preset("demo"), data_dir).manifest.split.delta_frames
    monkeypatch.setattr(
        plan, "_shipped", lambda name: load_preset(name, [f"data.delta_frames={longest + 9}"])
    )
    (cell, _) = (one.cell for one in make_plan(tmp_path, data_dir, []))
    assert (cell.preset.data.delta_frames, cell.preset.data.horizon) == (longest, 2)


def test_variants_of_an_ablation_carry_their_label(
    planned: Planning, tmp_path: Path, data_dir: Path, monkeypatch: MonkeyPatch
) -> None:
    figure = replace(plan.ABLATIONS["reach"], presets=("demo",))
    monkeypatch.setattr(plan, "ABLATIONS", {"reach": figure})
    planned(Part("Figures", 1.0, figures=("reach",)))
    labels = {one.cell.label for one in make_plan(tmp_path, data_dir, [])}
    assert labels == {"", "model.reach=neighbours", "model.pairwise=none"}


@pytest.mark.parametrize(
    ("presets", "models", "said"),
    [
        (["mocap"], None, "--presets: the plan has no mocap"),
        (["md71-*"], None, "--presets: the plan has no md71"),
        (None, ["kepler"], "no kepler"),
        (["mocap-run-s2t"], ["rf", "mpnn"], "no rf or mpnn on mocap-run-s2t"),
    ],
    ids=str,
)
def test_what_the_plan_does_not_have_is_refused(
    presets: list[str] | None, models: list[str] | None, said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        choose(presets, models)


def test_presets_and_models_are_chosen_by_patterns_too() -> None:
    assert choose(["mocap-run-s2?", "adk"], ["egn*"]) == (
        ["mocap-run-s2s", "mocap-run-s2t", "adk"],
        ["egnn", "egno"],
    )
    assert choose(None, None) == (None, None)
