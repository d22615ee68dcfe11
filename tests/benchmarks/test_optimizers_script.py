"""What `benchmarks/optimizers.py` trains next, which rate it chooses, and what it shows."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest import CaptureFixture, MonkeyPatch

from scripts_of_benchmarks import Script


@pytest.fixture
def optimizers(script: Script, monkeypatch: MonkeyPatch) -> ModuleType:
    """The script, for one preset and two optimisers."""
    module = script("optimizers")
    monkeypatch.setattr(module, "PRESETS", {"demo": ({"model.hidden": 8, "model.layers": 1}, 3)})
    monkeypatch.setattr(module, "OPTIMIZERS", ("adam", "muon"))
    return module


def row(
    mse: float | None, factor: float, seed: int = 1, share: str = "third", optimizer: str = "adam"
) -> dict[str, Any]:
    """A training that ended at an error, or diverged."""
    return {
        "preset": "demo", "optimizer": optimizer, "factor": factor, "seed": seed, "share": share,
        "lr": 1e-3 * factor, "curve": [] if mse is None else [[10, 1.0, 2 * mse], [20, 2.0, mse]],
    }  # fmt: skip


def test_an_error_is_the_last_one_and_infinite_where_it_diverged(optimizers: ModuleType) -> None:
    assert optimizers.final(row(0.5, 1.0)) == 0.5
    assert optimizers.final(row(None, 1.0)) == float("inf")


def test_the_best_rate_of_a_length_is_chosen_by_its_first_seed(optimizers: ModuleType) -> None:
    done = [row(0.5, 1.0), row(0.3, 3.0), row(None, 10.0), row(0.1, 1.0, share="full")]
    assert optimizers.best([*done, row(0.2, 1.0, seed=2)], "demo", "adam", "third") == 3.0
    assert optimizers.best(done, "demo", "adam", "full") == 1.0
    assert optimizers.best(done, "demo", "muon", "third") == 1.0, "nothing was tried"


def test_rates_are_tried_first_then_seeds_at_the_best(optimizers: ModuleType) -> None:
    done: list[dict[str, Any]] = []
    for wanted in optimizers.plan(done):
        done += [row(1 / wanted["factor"], **{k: v for k, v in wanted.items() if k != "preset"})]
    *_, lower, highest = optimizers.FACTORS
    rates = [("third", factor) for factor in optimizers.FACTORS]
    full = [("full", lower), ("full", highest)]
    first = len(rates + full) * len(optimizers.OPTIMIZERS)
    tried = [(one["share"], one["factor"]) for one in done[:first]]
    assert tried == [*rates, *full] * len(optimizers.OPTIMIZERS)
    assert {one["seed"] for one in done[:first]} == {1}
    seeds = [("full", 2), ("full", 3), ("third", 2), ("third", 3)]
    others = [(one["share"], one["seed"]) for one in done[first:]]
    assert others == [one for one in seeds for _ in optimizers.OPTIMIZERS]
    assert {one["factor"] for one in done[first:]} == {highest}


def test_the_table_has_the_mean_and_deviation_of_seeds(optimizers: ModuleType) -> None:
    full = [row(mse, 3.0, seed, "full") for seed, mse in ((1, 0.1), (2, 0.2), (3, 0.3))]
    lines = list(optimizers.table([row(0.5, 1.0), row(0.4, 3.0), *full]))
    assert len(lines) == 3, "an optimiser that was not trained in full has no row"
    assert lines[2] == (
        "| `demo` | `adam` | 20 | 0.003 | 0.2 ± 0.1 | 2 | 20 | 0.003 | 0.4 (one seed) | 2 |"
    )


def test_a_stopped_script_goes_on_where_it_was(
    optimizers: ModuleType,
    monkeypatch: MonkeyPatch,
    tmp_path: Path,
    capsys: CaptureFixture[str],
) -> None:
    asked: list[dict[str, Any]] = []

    def trained(wanted: dict[str, Any], data_dir: Path) -> dict[str, Any]:
        asked.append(wanted)
        return row(1.0, **{k: v for k, v in wanted.items() if k != "preset"})

    monkeypatch.setattr(optimizers, "trained", trained)
    out = tmp_path / "optimizers.jsonl"
    monkeypatch.setattr(sys, "argv", ["optimizers.py", "--out", str(out)])
    optimizers.main()
    lines = out.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(asked)
    out.write_text("".join(f"{line}\n" for line in lines[:-3]), encoding="utf-8")
    asked.clear()
    optimizers.main()
    assert [json.loads(line)["seed"] for line in lines[-3:]] == [one["seed"] for one in asked]
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["optimizers.py", "--out", str(out), "--table"])
    optimizers.main()
    assert capsys.readouterr().out.count("| `demo` |") == 2


@pytest.mark.slow
def test_a_training_has_its_curve(optimizers: ModuleType, data_dir: Path) -> None:
    wanted = {"preset": "demo", "optimizer": "adam", "factor": 1.0, "seed": 1, "share": "third"}
    (steps, seconds, error), *_ = optimizers.trained(wanted, data_dir)["curve"]
    assert steps > 0 and seconds > 0 and error > 0
