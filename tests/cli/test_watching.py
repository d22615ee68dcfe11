"""What a log says while work goes on: how far it is, how long it will take, what it will cost."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from pytest import MonkeyPatch
from rich.console import Console

from painet_cli.cli.progress import Pace, in_words
from painet_cli.cli.session import Session
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
