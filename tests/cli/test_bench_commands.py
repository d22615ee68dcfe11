"""`painet bench scaling` and `painet bench ablation` as typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest import MonkeyPatch

from painet_cli.benchmark import scaling
from typed import Say

SMALL = ("--set", "model.hidden=8", "--set", "model.layers=2")


def in_this_process(work: Callable[..., Any], *arguments: Any, **_: Any) -> Any:
    return work(*arguments)


def test_scaling_writes_rows_tables_and_pictures(say: Say, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "run_in_child", in_this_process)
    typed = (
        *("bench", "scaling", "--models", "painet,egnn", "--modes", "inference", *SMALL),
        *("--sizes", "30,60", "--horizons", "1,2", "--particles", "30"),
    )
    status, out, err = say(*typed, "--json")
    assert status == 0
    payload = json.loads(out)
    assert len(payload["rows"]) == 2 * (2 + 2)
    assert {row["model"] for row in payload["rows"]} == {"painet", "egnn"}
    assert all(row["seconds"] > 0 for row in payload["rows"])
    assert "[8/8] egnn inference, N = 30, T = 2:" in err
    folder = Path("bench/scaling")
    written = json.loads((folder / "bench.json").read_text())
    assert {key: written[key] for key in payload} == payload
    assert written["provenance"]["outputs"].keys() >= {"bench.csv", "bench.md"}
    made = {path.name for path in folder.iterdir()}
    assert made == {"bench.json", "bench.csv", "bench.md", "inference.png", "points"}

    status, out, err = say(*typed)
    assert status == 0
    assert err.count("measured before") == 8
    assert "Inference: time, s (T = 1)" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sizes", "1e2,many"), "--sizes 1e2,many: not whole numbers"),
        (("--horizons", "0"), "--horizons 0: not whole numbers"),
        (("--models", "painnet"), "no model painnet"),
        (("--modes", "training,walking"), "no mode walking"),
        (("--set", "model.name=egnn"), "--set model.name=egnn: --models says which"),
        (("--set", "data.horizon=3"), "--set data.horizon=3: --horizon and --horizons say"),
    ],
    ids=str,
)
def test_scaling_refuses_what_it_cannot_measure(
    say: Say, words: tuple[str, str], said: str
) -> None:
    status, _, err = say("bench", "scaling", *words)
    assert status == 2
    assert said in err
    assert not Path("bench").exists()


def test_ablation_refuses_a_figure_that_is_not_there(say: Say) -> None:
    status, _, err = say("bench", "ablation", "--figures", "7")
    assert status == 2
    assert "no figure 7" in err


@pytest.mark.parametrize("bench", ["tables", "ablation", "motion"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--epochs", "1", "--set", "train.epochs=2"), "--epochs 1: --set train.epochs=2"),
        (("--set", "model.name=egnn"), "--set model.name=egnn: --model"),
    ],
    ids=str,
)
def test_settings_that_options_would_override_are_refused(
    say: Say, data_dir: Path, bench: str, words: tuple[str, ...], said: str
) -> None:
    which = ("--dataset", "sample") if bench == "motion" else ("--presets", "demo")
    status, _, err = say("bench", bench, *which, "--data-dir", data_dir, *words)
    assert status == 2
    assert said in err
    assert not Path("bench").exists()


def test_epochs_that_are_varied_are_not_given(say: Say) -> None:
    vary = ("--vary", "train.epochs=1,2", "--presets", "demo")
    status, _, err = say("bench", "ablation", *vary, "--epochs", "5")
    assert status == 2
    assert "--epochs 5: --vary train.epochs says otherwise" in err


@pytest.mark.parametrize(
    "words",
    [("tables",), ("ablation", "--figures", "reach"), ("ablation", "--vary", "train.lr=1,2")],
    ids=str,
)
def test_two_presets_of_one_name_are_not_taken_for_seeds_of_one(
    say: Say, small_preset: Path, data_dir: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    other = tmp_path / "other" / small_preset.name
    other.parent.mkdir()
    other.write_text(small_preset.read_text().replace("horizon: 3", "horizon: 2"))
    presets = ("--presets", f"{small_preset},{other}", "--data-dir", data_dir)
    status, out, err = say("bench", *words, *presets)
    assert status == 2
    assert out == ""
    name = small_preset.stem
    assert err == (
        f"error: {small_preset} and {other}: two presets called {name}\nrename one of the files\n"
    )


def test_what_is_named_twice_is_no_second_seed(
    say: Say, small_preset: Path, data_dir: Path
) -> None:
    twice = ("--presets", f"{small_preset},{small_preset}", "--models", "linear,linear")
    own = ("--set", "train.lr=0.1", "--epochs", 2)
    status, out, err = say("bench", "tables", *twice, *own, "--data-dir", data_dir, "--json")
    assert status == 0, err
    assert [row["seeds"] for row in json.loads(out)["rows"]] == [[1]]
    said = Path("bench/bench.md").read_text(encoding="utf-8")
    assert "- Changed in every preset: train.lr=0.1, train.epochs=2." in said


def test_a_model_of_one_step_is_left_out_where_more_are_asked_for(
    say: Say, small_preset: Path, data_dir: Path
) -> None:
    typed = ("bench", "tables", "--presets", small_preset, "--data-dir", data_dir, "--models")
    status, out, err = say(*typed, "rf")
    assert (status, out) == (2, "")
    assert f"rf on {small_preset.stem}: predicts one step, but data.horizon is 2" in err
    assert not Path("bench").exists()
    status, out, err = say(*typed, "rf,linear", "--epochs", 1, "--json")
    assert status == 0, err
    assert "left out: rf on" in err
    assert [row["model"] for row in json.loads(out)["rows"]] == ["linear"]


def test_ablation_asks_for_the_papers_data(say: Say) -> None:
    status, _, err = say("bench", "ablation", "--figures", "4a")
    assert status == 2
    assert "painet prepare mocap --subject 9" in err


@pytest.mark.slow
def test_ablation_trains_variants_and_goes_on_where_it_was(
    say: Say, small_preset: Path, data_dir: Path
) -> None:
    typed = (
        *("bench", "ablation", "--figures", "4b,reach", "--presets", small_preset),
        *("--data-dir", data_dir, "--epochs", 2),
    )
    status, out, err = say(*typed, "--json")
    assert status == 0
    rows = json.loads(out)["rows"]
    assert [row["variant"] for row in rows if row["figure"] == "4b"] == [
        "EGNN, parallel",
        "EGNN, recurrent",
        "MLP-add",
        "MLP-concat",
    ]
    assert "6 cells, 0 of them done before" in err
    made = {path.name for path in Path("bench/ablation").iterdir()}
    assert made >= {"bench.json", "bench.csv", "bench.md", "figure-4b.png", "figure-reach.png"}

    status, out, err = say(*typed)
    assert status == 0
    assert "6 cells, 6 of them done before" in err
    assert "Figure 4b: decoders" in out
