"""`painet bench tables --all` and `painet bench report` as typed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from pytest import MonkeyPatch

from painet_cli.benchmark import workers
from painet_cli.benchmark.campaign import page, plan
from painet_cli.benchmark.campaign.plan import Part
from painet_cli.benchmark.cells import Cell
from typed import Say

SHORT = {"train.lr": 0.1, "train.epochs": 2, "train.batch_size": 500}
ALL = ("bench", "tables", "--all")


def in_this_process(
    cells: Sequence[Cell], data_dir: Path, device: torch.device, listener: Any, **_: Any
) -> None:
    for cell in cells:
        workers._write_preset(cell)
        listener.began(cell)
        for work in (workers._train_cell, workers._evaluate_cell):
            work(cell.folder, data_dir, str(device), None, 1)
        listener.ended(cell, None)


@pytest.fixture
def small(monkeypatch: MonkeyPatch) -> None:
    """A plan of two quick cells, trained here."""
    chosen = (Part("Demo", 1.0, ("demo",), ("linear",), seeds={"default": 2}, settings=SHORT),)
    for module in (plan, page):
        monkeypatch.setattr(module, "parts", lambda: chosen)
    monkeypatch.setattr(workers, "run_cells", in_this_process)
    monkeypatch.setattr("os.nice", lambda _: 0)


@pytest.mark.usefixtures("small")
def test_the_plan_is_trained_kept_and_not_trained_again(say: Say, data_dir: Path) -> None:
    typed = (*ALL, "--data-dir", data_dir)
    status, out, _ = say(*typed, "--dry-run", "--json")
    assert status == 0
    shown = json.loads(out)
    assert (shown["cells"], shown["done"]) == (2, 0)
    assert shown["next"][0]["cell"] == "demo linear seed 1"
    assert not Path("bench").exists(), "a dry run writes nothing"

    status, out, err = say(*typed, "--json")
    assert status == 0
    assert "2 cells, 0 of them done" in err
    (row,) = json.loads(out)["rows"]
    assert (row["model"], row["seeds"], row["stopped_by"]) == ("linear", [1, 2], ["schedule"] * 2)
    records = sorted(path.name for path in Path("bench/results/demo").iterdir())
    assert [name[:13] for name in records] == ["linear-seed1-", "linear-seed2-"]

    status, out, err = say(*typed)
    assert status == 0
    assert "2 cells, 2 of them done" in err
    assert "Not in the paper: MSE" in out
    assert "How the training of 2 cells ended: 2 (100 %)" in out


@pytest.mark.usefixtures("small")
def test_a_cell_that_was_done_as_its_process_was_killed_is_kept_at_the_next_start(
    say: Say, data_dir: Path
) -> None:
    typed = (*ALL, "--data-dir", data_dir, "--json")
    assert say(*typed)[0] == 0
    first, _ = sorted(Path("bench/results/demo").iterdir())
    written = json.loads(first.read_text(encoding="utf-8"))
    del written["machine"]
    first.unlink()
    _, out, err = say(*typed)
    assert "2 cells, 2 of them done" in err
    assert json.loads(out)["rows"][0]["seeds"] == [1, 2]
    assert json.loads(first.read_text(encoding="utf-8")) == written


@pytest.mark.usefixtures("small")
def test_where_every_cell_fails_the_first_reason_is_said(
    say: Say, data_dir: Path, monkeypatch: MonkeyPatch
) -> None:
    def fail(cells: Sequence[Cell], data: Path, device: object, listener: Any, **_: Any) -> None:
        for cell in cells:
            listener.began(cell)
            listener.ended(cell, "epoch 2: the training loss is inf")

    monkeypatch.setattr(workers, "run_cells", fail)
    status, _, err = say(*ALL, "--data-dir", data_dir)
    assert status == 1
    assert "2 of 2 cells failed, the first: demo linear seed 1: epoch 2" in " ".join(err.split())


@pytest.mark.usefixtures("small")
def test_run_folders_of_another_machine_become_records_and_a_page(say: Say, data_dir: Path) -> None:
    assert say(*ALL, "--data-dir", data_dir)[0] == 0
    Path("page.md").write_text(
        "<!-- painet bench report: not in the paper -->\n<!-- end -->\n", encoding="utf-8"
    )
    assert "bench/results: 2 cells, 0 of them new" in say("bench", "report")[2]
    typed = ("bench", "report", "--results", "kept", "--collect", "bench", "--page", "page.md")
    status, out, err = say(*typed, "--json")
    assert status == 0
    assert "kept: 2 cells, 2 of them new" in err
    assert json.loads(out)["new"] == 2
    written = {path.name for path in Path("kept").iterdir()}
    assert written == {"demo", "tables.csv", "tables.tex"}
    machines = ["machine" in json.loads(one.read_text()) for one in Path("kept/demo").iterdir()]
    assert not any(machines), "nobody knows where they were trained"
    assert "linear alone has a figure" in Path("page.md").read_text(encoding="utf-8")
    again = say(*typed)[2]
    assert "0 of them new" in again
    assert "passed over" not in again
    run = next(Path("bench/demo").iterdir())
    assert say("evaluate", run, "--split", "val", "--data-dir", data_dir)[0] == 0
    assert "1 run folder passed over: not done, or last evaluated on" in say(*typed)[2]


@pytest.mark.usefixtures("small")
def test_cells_with_settings_of_ones_own_are_said_to_be_in_no_table(
    say: Say, data_dir: Path
) -> None:
    own = ("bench", "tables", "--presets", "demo", "--models", "linear", "--epochs", "1")
    assert say(*own, "--data-dir", data_dir)[0] == 0
    typed = ("bench", "report", "--results", "kept", "--collect", "bench")
    status, out, err = say(*typed, "--json")
    assert status == 0
    assert "1 of them with other settings or data than the plan's" in " ".join(err.split())
    said = json.loads(out)
    assert (said["rows"], said["other_settings"]) == ([], 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*ALL, "--epochs", "2"), "--epochs: the plan of --all has its own"),
        ((*ALL, "--set", "train.lr=1"), "--set: the plan of --all has its own"),
        ((*ALL, "--presets", "mocap"), "--presets: the plan has no mocap"),
        (ALL, "no dataset of the plan is prepared here"),
        (("bench", "report"), "no records of trained cells"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused(say: Say, words: tuple[str, ...], said: str) -> None:
    status, out, err = say(*words)
    assert (status, out) == (2, "")
    assert said in err
    assert not list(Path().iterdir())


def test_a_dry_run_of_no_plan_is_refused_and_trains_nothing(say: Say) -> None:
    status, _, err = say("bench", "tables", "--presets", "demo", "--dry-run")
    assert status == 2
    assert "--dry-run: shows the plan of --all" in err
    assert not Path("bench").exists()
