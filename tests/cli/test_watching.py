"""What a log says while work goes on: how far it is, how long it will take, what it will cost."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest import MonkeyPatch
from rich.console import Console

from painet_cli.benchmark.cells import Cell
from painet_cli.cli.progress import BenchProgress, Pace, in_words
from painet_cli.cli.session import Session
from painet_cli.config.presets import load_preset
from painet_cli.training.watching.cost import Cost
from typed import Say


def pace(
    monkeypatch: MonkeyPatch, *, terminal: bool = False
) -> tuple[Pace, io.StringIO, list[float]]:
    """A pace by a clock of the test's own, and what it writes."""
    said, now = io.StringIO(), [0.0]
    monkeypatch.setattr("painet_cli.cli.progress.time.monotonic", lambda: now[0])
    session = Session()
    vars(session)["console"] = Console(file=said, force_terminal=terminal, width=80)
    return Pace(session, "train"), said, now


def test_a_log_says_twice_a_minute_how_far_and_how_long(monkeypatch: MonkeyPatch) -> None:
    made, said, now = pace(monkeypatch)
    for second in range(101):
        now[0] = float(second)
        made.at(second / 400)
    assert said.getvalue().splitlines() == [
        "train: 8%, about 6.2 min left",
        "train: 15%, about 5.7 min left",
        "train: 22%, about 5.2 min left",
    ]


def test_what_was_done_before_does_not_count_as_speed(monkeypatch: MonkeyPatch) -> None:
    made, said, now = pace(monkeypatch)
    made.at(0.5)
    now[0] = 60.0
    made.at(0.75)
    assert said.getvalue() == "train: 75%, about 60 s left\n"


def test_a_terminal_has_its_bar_alone(monkeypatch: MonkeyPatch) -> None:
    made, said, now = pace(monkeypatch, terminal=True)
    made.at(0.0)
    now[0] = 100.0
    made.at(0.5)
    assert said.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3.14, "3.1 s"), (89, "89 s"), (240, "4 min"), (29_500, "8.2 h"), (259_200, "3 days")],
)
def test_times_are_said_in_a_unit_that_suits_them(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_train_says_what_it_will_take_and_how_to_ask_for_less_where_that_is_long(
    say: Say, small_preset: Path, data_dir: Path, monkeypatch: MonkeyPatch
) -> None:
    words = ("train", "--preset", small_preset, "--data-dir", data_dir, "--device", "cpu")
    monkeypatch.setattr(Pace, "EVERY_S", 0.0)
    _, _, err = say(*words, "--epochs", 2)
    assert "an epoch, at most 2 epochs: " in err
    assert "--budget" not in err
    assert "train: 50%, about" in err
    monkeypatch.setattr("painet_cli.cli.watch.expected_cost", lambda _: Cost(240.0, 120))
    _, _, err = say(*words, "--epochs", 1)
    assert "about 4 min an epoch, at most 120 epochs: 8 h" in err
    assert "shorter: --budget MINUTES" in err
    _, _, err = say(*words, "--epochs", 1, "--quiet")
    assert err == ""


def test_a_short_budget_ends_in_a_table_and_goes_on(
    say: Say, small_preset: Path, data_dir: Path
) -> None:
    common = ("--data-dir", data_dir, "--device", "cpu")
    status, out, err = say("train", "--preset", small_preset, *common, "--budget", 1e-9)
    assert status == 0, err
    assert "stopped by budget after 0 epochs" in err and "A-MSE" in out
    (run,) = Path("runs/small").iterdir()
    status, _, err = say("train", "--resume", run, *common)
    assert status == 0
    assert "going on after epoch 0.3333" in err


class Bench:
    """A benchmark's log by a clock of the test's own, of cells of 60 epochs."""

    def __init__(
        self,
        monkeypatch: MonkeyPatch,
        cells: int,
        hours: Sequence[float] = (),
        *,
        known: bool = True,
    ) -> None:
        self.said, self.now = io.StringIO(), 0.0
        self.epochs: dict[str, int] = {}
        monkeypatch.setattr("painet_cli.cli.progress.time.monotonic", lambda: self.now)
        monkeypatch.setattr(Cell, "epochs_done", lambda cell: self.epochs.get(cell.label, 0))
        session = Session()
        vars(session)["console"] = Console(file=self.said, width=80)
        preset = load_preset("demo", ["train.epochs=60"])
        self.cells = [Cell("demo", preset, Path(str(k)), f"cell {k}") for k in range(cells)]
        own = {cell.folder: one for cell, one in zip(self.cells, hours, strict=False)}
        self.progress = BenchProgress(session, cells if known else 0, own)

    def trained(self, number: int, epochs: int, seconds: float) -> None:
        """Let some epochs of a cell take so long."""
        self.now += seconds
        self.epochs[f"cell {number}"] = self.epochs.get(f"cell {number}", 0) + epochs
        self.progress.waiting([self.cells[number]])

    def told(self) -> str:
        return self.said.getvalue().splitlines()[-1]


def test_a_cell_that_failed_tells_nothing_of_how_long_the_others_take(
    monkeypatch: MonkeyPatch,
) -> None:
    bench = Bench(monkeypatch, 12)
    bench.progress.began(bench.cells[0])
    bench.now = 29.0
    bench.progress.ended(bench.cells[0], "the training loss is inf")
    bench.progress.began(bench.cells[1])
    bench.trained(1, epochs=6, seconds=102)
    assert bench.told() == "cells: 1%, about 3.1 h left, 1 failed"


def test_an_interrupted_benchmark_says_how_to_go_on(monkeypatch: MonkeyPatch) -> None:
    bench = Bench(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt), bench.progress:
        raise KeyboardInterrupt
    assert bench.told() == "the same command goes on where this one stopped"


def test_epochs_of_an_earlier_start_are_not_counted_as_fast(monkeypatch: MonkeyPatch) -> None:
    bench = Bench(monkeypatch, 2)
    bench.epochs["cell 0"] = 30
    bench.progress.began(bench.cells[0])
    bench.trained(0, epochs=15, seconds=60)
    assert bench.told() == "cells: 38%, about 5 min left"


def test_a_cell_that_is_expected_to_take_long_counts_for_more(monkeypatch: MonkeyPatch) -> None:
    bench = Bench(monkeypatch, 2, hours=(0.1, 10))
    bench.progress.began(bench.cells[0])
    bench.trained(0, epochs=30, seconds=180)
    assert bench.told() == "cells: 0%, about 10 h left"


def test_a_first_half_minute_of_waiting_for_a_cell_is_no_reason_to_expect_days(
    monkeypatch: MonkeyPatch,
) -> None:
    bench = Bench(monkeypatch, 2, hours=(1, 10))
    bench.progress.began(bench.cells[0])
    bench.trained(0, epochs=0, seconds=36)
    assert bench.told() == "cells: 0%, about 11 h left"


def test_no_time_is_told_where_nobody_knows_how_many_cells_there_are(
    monkeypatch: MonkeyPatch,
) -> None:
    bench = Bench(monkeypatch, 1, known=False)
    bench.progress.began(bench.cells[0])
    bench.trained(0, epochs=30, seconds=180)
    assert bench.said.getvalue() == ""
