"""`painet presets` and what follows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest import CaptureFixture, MonkeyPatch

from painet_cli.cli.app import main
from painet_cli.config.presets import load_preset, preset_names


def test_the_list_fits_80_columns(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["presets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert [line.split()[0] for line in lines[2:]] == list(preset_names())


def test_a_wide_list_describes(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    assert main(["presets"]) == 0
    assert "CMU Walk (subject 35), one step" in capsys.readouterr().out


def test_the_list_as_json(capsys: CaptureFixture[str]) -> None:
    assert main(["presets", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["presets"]}
    assert rows["mocap-walk-s2t"] == {
        "name": "mocap-walk-s2t",
        "dataset": "mocap-walk",
        "horizon": 5,
        "model": "painet",
        "layers": 7,
        "hidden": 128,
        "heads": 3,
        "batch_size": 12,
        "lr": 5e-4,
        "description": "CMU Walk (subject 35), five steps",
    }


def test_what_show_prints_is_a_preset(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["presets", "show", "mocap-run-s2s", "--set", "train.lr=2e-3"]) == 0
    copy = tmp_path / "copy.yaml"
    copy.write_text(capsys.readouterr().out, encoding="utf-8")
    assert load_preset(str(copy)) == load_preset("mocap-run-s2s", ["train.lr=2e-3"])


def test_validate_names_each_file(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("extends: demo\n", encoding="utf-8")
    bad.write_text("extends: demo\ntrain: {epoch: 1}\n", encoding="utf-8")
    assert main(["presets", "validate", str(good)]) == 0
    assert capsys.readouterr() == (f"{good}: valid\n", "")
    assert main(["presets", "validate", str(good), str(bad)]) == 2
    out, err = capsys.readouterr()
    assert out == f"{good}: valid\n"
    assert err.startswith(f"error: {bad}:2: train.epoch: no such key\ndid you mean train.epochs?")


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_schema_is_json(flags: list[str], capsys: CaptureFixture[str]) -> None:
    assert main(["presets", "schema", *flags]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "painet preset"
