"""The program started many times over: by torchrun, and as srun would start it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from pairs import Pair, free_port
from typed import Say

TIMEOUT_S = 240


def torchrun(*words: object) -> subprocess.CompletedProcess[str]:
    """Start two processes on this machine, as a user would."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-port", str(free_port()), "-m", "painet_cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)


def test_torchrun_trains_and_one_process_speaks(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    ended = torchrun(
        "train", "--json", "--preset", small_preset, "--data-dir", data_dir, "--run-dir", tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)  # one object: the other process has printed nothing
    assert told["test"]["windows"] == 400
    assert sum(line.startswith("epoch") for line in ended.stderr.splitlines()) == 2
    (run,) = tmp_path.glob("small/*")
    assert json.loads((run / "run.json").read_text())["world_size"] == 2
    assert {"evaluation.json", "loss.png"} <= {path.name for path in run.iterdir()}


def test_tasks_of_srun_evaluate_together(
    pair: Pair, finished_run: Path, data_dir: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "small" / "copy"
    copy.mkdir(parents=True)
    for file in finished_run.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    first, second = pair.type("evaluate", copy, "--data-dir", data_dir, "--json", "--horizon", 3)
    assert (first.status, second) == (0, (0, "", "")), first.err + second.err
    (row,) = json.loads(first.out)["runs"]
    assert (row["windows"], row["horizon"]) == (400, 3)
    assert json.loads((copy / "evaluation.json").read_text())["mse"] == row["mse"]


def test_what_is_wrong_with_a_request_is_said_once(pair: Pair, data_dir: Path) -> None:
    first, second = pair.type("train", "--preset", "demoo", "--data-dir", data_dir)
    assert (first.status, second) == (2, (2, "", ""))
    assert first.err.startswith("error: no preset named demoo")


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["predict", "x.pdb"], "error: painet predict is work for one process, and 2 were started"),
        (["train", "--oops"], "error: No such option: --oops"),
    ],
)
def test_work_for_one_process_and_words_that_make_no_sense_are_refused_by_one(
    say: Say, monkeypatch: MonkeyPatch, rank: int, words: Sequence[str], said: str
) -> None:
    for name, value in (("RANK", rank), ("WORLD_SIZE", 2), ("MASTER_PORT", 1)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    status, out, err = say(*words)
    assert (status, out) == (2, "")
    assert err.startswith(said) if rank == 0 else err == ""
