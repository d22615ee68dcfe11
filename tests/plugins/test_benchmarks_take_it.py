"""What compares models compares a plug-in's too."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from painet_cli.benchmark.ablation import check_variants, choose_ablations, varied
from painet_cli.benchmark.scaling import choose_forms
from painet_cli.errors import RequestError
from typed import Say


def test_models_lists_it_with_its_package(example: Path, say: Say) -> None:
    status, out, _ = say("models", "--json")
    assert status == 0
    rows = {row["name"]: row for row in json.loads(out)["models"]}
    assert rows["pair-force"]["source"] == "painet-plugin-example 0.1.0"
    assert rows["pair-force"]["parameters"] > 0
    assert (rows["rf"]["steps"], rows["egnn"]["steps"]) == ("one", "any")
    assert rows["kernel"]["closed_form"] and rows["kernel"]["parameters"] is None
    lines = list(csv.DictReader(io.StringIO(say("models", "--csv")[1])))
    assert [line["name"] for line in lines] == list(rows)
    assert max(map(len, say("models")[1].splitlines())) <= 80


def test_a_model_of_a_package_that_is_missing_is_listed_with_what_to_install(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for module in [one for one in sys.modules if one.startswith("painet_cli.models.baselines.heg")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "e3nn", None)
    monkeypatch.setitem(sys.modules, "e3nn.o3", None)
    rows = {row["name"]: row for row in json.loads(say("models", "--json")[1])["models"]}
    assert "painet[baselines]" in rows["hegnn"]["missing"]
    assert not rows["egnn"]["missing"]


def test_scaling_measures_it(example: Path) -> None:
    assert choose_forms("pair-force,painet") == ["pair-force", "painet"]
    assert "pair-force" in choose_forms(None)


def test_an_ablation_varies_what_it_has_and_refuses_what_it_has_not(example: Path) -> None:
    (one,) = check_variants([varied("model.hidden=16, 32")], "pair-force")
    assert [variant.settings for variant in one.variants] == [
        ("model.hidden=16",),
        ("model.hidden=32",),
    ]
    with pytest.raises(RequestError, match=r"changes model\.layers, and pair-force has none"):
        check_variants(choose_ablations("5"), "pair-force")
    with pytest.raises(RequestError, match="no such model"):
        check_variants([], "pair-forse")


@pytest.mark.slow
def test_the_commands_train_and_measure_it(example: Path, data_dir: Path, say: Say) -> None:
    small = ("--set", "train.batch_size=250", "--data-dir", data_dir, "--device", "cpu")
    words = ("--model", "pair-force", "--vary", "model.hidden=4,8", "--presets", "demo")
    status, out, err = say("bench", "ablation", *words, "--epochs", 1, *small)
    assert status == 0, err
    assert "model.hidden varied, demo" in out
    few = ("--sizes", 50, "--horizons", 1, "--particles", 50, "--modes", "inference")
    status, _, err = say("bench", "scaling", "--models", "pair-force", *few)
    assert status == 0, err
    assert "pair-force,inference" in Path("bench/scaling/bench.csv").read_text()
