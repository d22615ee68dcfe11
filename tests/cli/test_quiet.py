"""`--quiet`: nothing but errors from a command that makes something, the bare answer else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from pytest import MonkeyPatch
from test_bench_commands import in_this_process

from painet_cli.benchmark import scaling
from tiny_files import ethanol, write_trajectory
from typed import Say


@pytest.fixture
def here(finished_run: Path, data_dir: Path, small_preset: Path, tmp_path: Path) -> Path:
    """Folder with a dataset, a run, a trajectory and a preset."""
    shutil.copytree(data_dir / "sample", tmp_path / "data" / "sample")
    shutil.copytree(finished_run, tmp_path / "runs" / "small" / "a")
    shutil.copy(small_preset, tmp_path / "small.yaml")
    write_trajectory(tmp_path, ethanol(data_dir), frames=60)
    return tmp_path


MADE = {
    "prepare": "prepare sample --force",
    "prepare trajectory": "prepare trajectory --topology ethanol.pdb --trajectory ethanol.dcd "
    "--name mine --delta-frames 4",
    "train": "train --preset small.yaml --epochs 2",
    "resume": "train --resume runs/small/a --epochs 6",
    "predict": "predict ethanol.pdb -T 2",
    "export": "data export sample -o out.xyz --stop 5",
    "verify": "verify data/sample",
    "validate": "presets validate small.yaml",
    "tables": "bench tables --presets small.yaml --models linear --epochs 2",
    "scaling": "bench scaling --models linear --sizes 30 --horizons 1 --particles 30 "
    "--modes inference",
}
ASKED = {
    "evaluate": "evaluate runs/small/a",
    "checkpoints": "checkpoints",
    "runs": "runs",
    "models": "models",
    "list": "data list",
    "show": "data show sample",
    "presets": "presets",
    "preset": "presets show demo",
    "schema": "presets schema",
    "sources": "prepare --list",
}


@pytest.mark.parametrize("typed", MADE.values(), ids=MADE)
def test_a_command_that_makes_something_prints_nothing(
    typed: str, say: Say, here: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(scaling, "run_in_child", in_this_process)
    assert say(*typed.split(), "--quiet") == (0, "", "")


@pytest.mark.parametrize("typed", ASKED.values(), ids=ASKED)
def test_a_command_that_is_asked_prints_the_answer_alone(typed: str, say: Say, here: Path) -> None:
    status, out, err = say(*typed.split(), "--quiet")
    assert (status, err) == (0, "")
    assert out


def test_errors_are_printed(say: Say) -> None:
    status, out, err = say("predict", "nowhere.pdb", "--quiet")
    assert (status, out) == (2, "")
    assert err


def test_json_is_printed_since_it_was_asked_for(say: Say, here: Path) -> None:
    status, out, err = say("predict", "ethanol.pdb", "-T", "2", "--quiet", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["steps"] == 2
