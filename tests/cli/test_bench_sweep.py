"""`painet sweep` as typed: what it prints is enough to do the same again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from painet_cli.benchmark.cells import Cell
from painet_cli.benchmark.sweep import search
from painet_cli.benchmark.workers import Listener
from painet_cli.config.presets import load_preset
from typed import Say

SPEC = {
    "search": "grid", "seeds": 2, "settings": {"train.epochs": 1, "model.hidden": 8},
    "space": {"train.lr": [1e-2]},
}  # fmt: skip


@pytest.fixture
def spec(small_preset: Path, tmp_path: Path) -> Path:
    path = tmp_path / "a spec.yaml"
    path.write_text(json.dumps({**SPEC, "preset": str(small_preset)}), encoding="utf-8")
    return path


def typed_again(text: str) -> list[str]:
    """Words of the command that a sweep's table ends with."""
    (line,) = [line for line in text.splitlines() if "painet train" in line]
    return shlex.split(line.partition("painet ")[2])


def test_the_best_trial_is_printed_as_a_command_that_trains_it(
    say: Say, spec: Path, data_dir: Path
) -> None:
    typed = ("sweep", spec, "--set", "model.layers=1", "--data-dir", data_dir, "--device", "cpu")
    status, out, _ = say(*typed)
    assert status == 0
    (best, *_) = json.loads(Path("sweep/sweep.json").read_text())["trials"]
    status, out, _ = say(*typed_again(out), "--json")
    assert status == 0
    for tried, again in zip(best["runs"], json.loads(out)["runs"], strict=True):
        first, second = (load_preset(f"{run}/config.yaml") for run in (tried, again["run"]))
        assert first == second
        assert (first.train.epochs, first.model.model_dump()["layers"]) == (1, 1)


def test_tasks_of_an_array_do_what_was_typed(say: Say, spec: Path, data_dir: Path) -> None:
    own = ("--trials", "1", "--budget", "3.0", "--device", "cpu", "--set", "model.layers=1")
    assert say("sweep", spec, *own, "--data-dir", data_dir, "--array", 2)[0] == 0
    words = shlex.split(Path("sweep/sweep.sbatch").read_text().splitlines()[-1])
    command = words[words.index("sweep") :]
    assert command[1] == str(spec)
    for option, value in zip(own[::2], own[1::2], strict=True):
        assert command[command.index(option) + 1] == value


def test_failures_are_counted_among_cells(
    say: Say, spec: Path, data_dir: Path, monkeypatch: MonkeyPatch
) -> None:
    def fail(
        cells: Sequence[Cell], data: Path, device: object, listener: Listener, **_: object
    ) -> None:
        listener.began(cells[0])
        listener.ended(cells[0], "out of memory")

    monkeypatch.setattr(search, "run_cells", fail)
    status, _, err = say("sweep", spec, "--data-dir", data_dir)
    assert status == 1
    assert "2 of 2 cells failed" in err


def test_a_setting_that_the_sweep_tries_is_refused(say: Say, spec: Path, data_dir: Path) -> None:
    status, _, err = say("sweep", spec, "--set", "train.lr=1", "--data-dir", data_dir)
    assert status == 2
    assert "--set train.lr=1: the sweep tries train.lr" in err
    assert not Path("sweep").exists()
