"""The shipped presets are the experiments of the paper's Table 6."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from painet_cli.config.models import PainetConfig
from painet_cli.config.presets import load_preset, preset_folder, preset_names
from painet_cli.data.batches.offsets import target_offsets

# name: T, batch, lr, weight decay, layers, hidden, heads
TABLE_6 = {
    "mocap-walk-s2s": (1, 12, 1e-4, 1e-15, 7, 128, 4),
    "mocap-walk-s2t": (5, 12, 5e-4, 1e-15, 7, 128, 3),
    "mocap-run-s2s": (1, 12, 5e-4, 1e-15, 7, 128, 2),
    "mocap-run-s2t": (5, 12, 5e-4, 1e-15, 7, 128, 4),
    "md17-aspirin-s2s": (1, 100, 5e-4, 1e-15, 7, 64, 4),
    "md17-benzene-s2s": (1, 100, 5e-4, 1e-15, 5, 64, 2),
    "md17-ethanol-s2s": (1, 100, 5e-4, 1e-15, 7, 64, 4),
    "md17-malonaldehyde-s2s": (1, 100, 1e-4, 1e-15, 8, 64, 4),
    "md17-naphthalene-s2s": (1, 100, 5e-4, 1e-15, 6, 64, 2),
    "md17-salicylic-s2s": (1, 100, 5e-4, 1e-15, 8, 64, 3),
    "md17-toluene-s2s": (1, 100, 5e-4, 1e-15, 7, 64, 2),
    "md17-uracil-s2s": (1, 100, 1e-4, 1e-15, 7, 64, 4),
    "md17-aspirin-s2t": (8, 100, 5e-4, 1e-15, 7, 64, 4),
    "md17-benzene-s2t": (8, 100, 5e-4, 1e-15, 5, 64, 2),
    "md17-ethanol-s2t": (8, 100, 5e-4, 1e-15, 7, 64, 4),
    "md17-malonaldehyde-s2t": (8, 100, 1e-4, 1e-15, 8, 64, 4),
    "md17-naphthalene-s2t": (8, 100, 5e-4, 1e-15, 6, 64, 2),
    "md17-salicylic-s2t": (8, 100, 5e-4, 1e-15, 8, 64, 3),
    "md17-toluene-s2t": (8, 100, 5e-4, 1e-15, 7, 64, 2),
    "md17-uracil-s2t": (8, 100, 1e-4, 1e-15, 7, 64, 4),
    "adk": (5, 4, 5e-4, 1e-10, 4, 32, 2),
}
MD22 = ("Ac-Ala3-NHMe", "DHA", "stachyose", "AT-AT", "AT-AT-CG-CG", "buckyball-catcher")
MD22_PRESETS = {f"md22-{molecule}-s2s" for molecule in (*MD22, "double-walled_nanotube")}
EVEN = [f"{name}-even" for name in TABLE_6 if name.startswith("md17") and name.endswith("s2t")]
LAST = ["mocap-run-s2s-last", "mocap-walk-s2s-last"]
COLUMNS = ("T", "batch", "lr", "weight_decay", "layers", "hidden", "heads")


MOCAP = [name for name in TABLE_6 if name.startswith("mocap")]
BEST = {"demo-best", *(f"{name}-best" for name in MOCAP)}
MUON = [f"{name}-muon" for name in MOCAP]
EVERY = ["mocap-run-s2s-every", "mocap-walk-s2s-every"]


@pytest.mark.parametrize("name", TABLE_6)
def test_preset_has_the_values_of_table_6(name: str) -> None:
    preset = load_preset(name)
    assert isinstance(preset.model, PainetConfig)
    assert TABLE_6[name] == (
        preset.evaluation.horizon or preset.data.horizon,
        preset.train.batch_size,
        preset.train.lr,
        preset.train.weight_decay,
        preset.model.layers,
        preset.model.hidden,
        preset.model.heads,
    )
    assert preset.train.patience == 50


def test_table_6_here_is_the_paper_s(shared: Path) -> None:
    tables = yaml.safe_load((shared / "paper" / "tables.yaml").read_text(encoding="utf-8"))
    printed = tables["table6_hyperparameters"]
    assert {name: tuple(row[c] for c in COLUMNS) for name, row in printed.items()} == TABLE_6


def test_every_experiment_and_the_demo_ship() -> None:
    others = {"demo", "motion", "nbody-s2s", "trajectory"}
    assert set(preset_names()) == {
        *(*TABLE_6, *EVEN, *LAST, *EVERY, *MD22_PRESETS, *BEST, *MUON, *others)
    }


def test_the_best_of_a_row_reads_the_windows_of_that_row() -> None:
    for name in BEST:
        assert load_preset(name).data == load_preset(name.removesuffix("-best")).data


@pytest.mark.parametrize("name", MUON)
def test_muon_trains_the_model_of_a_row_on_its_windows(name: str) -> None:
    ours, row = load_preset(name), load_preset(name.removesuffix("-muon"))
    assert (ours.data, ours.features, ours.model) == (row.data, row.features, row.model)


@pytest.mark.parametrize("name", EVERY)
def test_every_window_trains_the_same_model_on_more_windows(name: str) -> None:
    ours, row = load_preset(name), load_preset(name.replace("-every", "-muon"))
    assert (ours.data, ours.features, ours.model) == (row.data, row.features, row.model)
    assert (ours.train.windows, row.train.windows) == ("every", "split")


@pytest.mark.parametrize("name", preset_names())
def test_preset_is_described_and_reads_back(name: str, tmp_path: Path) -> None:
    preset = load_preset(name)
    assert preset.description
    assert "\n" not in preset.description
    copy = tmp_path / "copy.yaml"
    copy.write_text(preset.to_yaml(), encoding="utf-8")
    assert load_preset(str(copy)) == preset


@pytest.mark.parametrize("name", sorted(TABLE_6))
def test_preset_reads_the_dataset_it_is_named_after(name: str) -> None:
    preset = load_preset(name)
    assert preset.data.dataset == name.removesuffix("-s2s").removesuffix("-s2t")
    tail = name.startswith("mocap") or name.endswith("s2t")
    assert preset.data.sampling == ("tail" if tail else "uniform")


@pytest.mark.parametrize("name", EVEN)
def test_egno_s_rule_for_md17_differs_in_where_the_targets_lie(name: str) -> None:
    ours = load_preset(name.removesuffix("-even"), ["data.sampling=uniform"])
    assert load_preset(name).data == ours.data
    assert target_offsets(ours.data).tolist() == [375 * k for k in range(1, 9)]


@pytest.mark.parametrize("name", LAST)
def test_egno_s_one_step_trains_on_five_and_reports_the_last(name: str) -> None:
    five = load_preset(name.replace("-s2s-last", "-s2t"), ["data.report=last"])
    assert load_preset(name).data == five.data
    assert load_preset(name).train == five.train


def test_adk_trains_on_one_step_and_is_tested_on_five() -> None:
    preset = load_preset("adk")
    assert (preset.data.horizon, preset.evaluation.horizon) == (1, 5)


def test_a_preset_says_only_what_its_base_does_not() -> None:
    derived = [p for p in preset_folder().glob("*.yaml") if "extends:" in p.read_text("utf-8")]
    assert len(derived) == 20 + len(EVEN) + len(LAST) + len(MD22_PRESETS) + len(
        [*BEST, *MUON, *EVERY]
    )
    for path in derived:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 5
