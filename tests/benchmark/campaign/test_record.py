"""A record holds what a table needs of a cell, and is found again whoever trained it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from painet_cli.benchmark.campaign.record import (
    cell_key,
    read_records,
    result_key,
    save_record,
    unsaved,
)
from painet_cli.benchmark.rows import bench_rows
from painet_cli.config.presets import load_preset
from painet_cli.errors import RequestError
from pretend_results import SHA256, result


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written = result(0.4, settings=["train.lr=1e-3"])
    path = save_record(written, tmp_path, here=True)
    (read,) = read_records(tmp_path)
    assert path.parent.name == "mocap-run-s2s"
    assert path.name.startswith("egnn-seed1-")
    assert read.cell.preset == written.cell.preset
    assert result_key(read) == result_key(written)
    assert (read.end, read.evaluation["mse"]) == ("patience", 0.4)
    (row,), (again,) = bench_rows([written]), bench_rows([read])
    assert row == replace(again, one_window=row.one_window)
    assert again.one_window == pytest.approx(row.one_window, rel=1e-3)


def test_superposed_errors_are_kept_where_they_were_measured(tmp_path: Path) -> None:
    written, older = result(0.4), result(0.6, seed=2)
    written.evaluation.update(superposed_step_mse=[0.1], superposed_yardsticks={"straight on": [2]})
    for one in (written, older):
        save_record(one, tmp_path, here=True)
    read, plain = read_records(tmp_path)
    assert read.evaluation["superposed_yardsticks"] == {"straight on": [2]}
    (row,), (both,) = bench_rows([read]), bench_rows([read, plain])
    assert (row.superposed_mse, both.superposed_mse) == (0.1, None)


def test_a_command_is_kept_without_the_folders_of_its_machine(tmp_path: Path) -> None:
    typed = result(0.4)
    typed.record["command"] = (
        "painet bench tables --data-dir /home/me/data --out 'a/b' --set x=/y/z"
    )
    save_record(typed, tmp_path, here=True)
    (read,) = read_records(tmp_path)
    assert read.record["command"] == "painet bench tables --data-dir data --out 'a/b' --set x=z"


def test_errors_of_windows_are_thinned_and_summarised(tmp_path: Path) -> None:
    path = save_record(result(1.0), tmp_path, here=True)
    content = json.loads(path.read_text())["window_errors"]
    kept = [float(error) for error in content["of_windows"].split()]
    assert len(kept) == 250
    assert content["quantiles"] == [0.9, 0.95, 1.0, 1.05, 1.1]
    assert np.mean(kept) == pytest.approx(1.0, rel=1e-3)
    assert path.stat().st_size < 8000


def test_a_cell_is_known_by_its_settings_and_data_not_by_what_a_machine_chose() -> None:
    preset = load_preset("mocap-run-s2s")
    key = cell_key(preset, SHA256)
    assert cell_key(preset.changed({"train.activations": "recompute"}), SHA256) == key
    assert cell_key(preset.model_copy(update={"description": "another"}), SHA256) == key
    assert cell_key(preset.changed({"data.velocity": "next"}), SHA256) == key
    for settings in ({"train.seed": 2}, {"train.lr": 1e-3}, {"model.layers": 6}):
        assert cell_key(preset.changed(settings), SHA256) != key
    assert cell_key(preset, "1" * 64) != key


def test_only_what_is_new_is_taken_over(tmp_path: Path) -> None:
    first, second = result(0.4), result(0.5, seed=2)
    save_record(first, tmp_path, here=True)
    assert unsaved([first, second], read_records(tmp_path)) == [second]


def test_a_training_that_went_on_takes_the_place_of_its_record(tmp_path: Path) -> None:
    save_record(result(0.4, stopped_by="budget"), tmp_path, here=True)
    longer = result(0.3)
    longer.record["epochs"] += 1
    assert unsaved([longer], read_records(tmp_path)) == [longer]
    (path,) = tmp_path.rglob("*.json")
    path.rename(path.with_stem("egnn-seed1-named-by-an-older-painet"))
    save_record(longer, tmp_path, here=True)
    (read,) = read_records(tmp_path)
    assert read.evaluation["mse"] == 0.3, "a cell is one seed of its row, not two"


def test_a_row_names_every_device_that_its_seeds_were_trained_on() -> None:
    one, other = result(0.4), result(0.5, seed=2)
    other.record["device"] = "cuda"
    (row,) = bench_rows([one, other])
    assert row.device == "cpu and cuda"


@pytest.mark.parametrize("text", ["[", "{}", '{"config": {}}'])
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "preset").mkdir()
    (tmp_path / "preset" / "x.json").write_text(text)
    with pytest.raises(RequestError, match="not the record of a cell"):
        read_records(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("mse", value) for value in ({}, "x", 10**400, [0.1])),
        *(("step_mse", value) for value in ({}, "x", [[0.1]], [0.1] * 99)),
        *(("unit", value) for value in ({}, 10**400)),
        *(("yardsticks", value) for value in ("x", [0.1], {"straight on": [0.1] * 99})),
    ],
)
def test_a_record_whose_figures_are_none_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    path = save_record(result(0.4), tmp_path, here=True)
    content = json.loads(path.read_text())
    content["evaluation"][key] = value
    path.write_text(json.dumps(content))
    with pytest.raises(RequestError, match="not the record of a cell"):
        read_records(tmp_path)
