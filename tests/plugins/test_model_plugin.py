"""A model of another package is a model like painet's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import painet
from installed import EXAMPLE, Install, write_metadata
from painet import PluginWarning, Preset, RequestError, registry
from painet_cli.config.models import PainetConfig
from painet_cli.config.presets import preset_schema
from painet_cli.testing import Check, Kit, checks
from typed import Say

SMALL = {"model.name": "pair-force", "model.hidden": 8, "train.batch_size": 100, "train.lr": 1e-2}


def test_it_is_listed_without_being_imported(example: Path) -> None:
    import sys

    found = registry.models()["pair-force"]
    assert (found.package, found.version, found.kind) == ("painet-plugin-example", "0.1.0", "model")
    assert "painet_plugin_example" not in sys.modules
    assert registry.models()["painet"].package == "painet"
    assert registry.model("pair-force").__name__ == "PairForce"


def test_a_preset_takes_its_section_and_is_written_and_read_back(
    example: Path, tmp_path: Path
) -> None:
    preset = Preset.load("demo", ["model.name=pair-force", "model.hidden=8"])
    assert preset.model.model_dump() == {"name": "pair-force", "hidden": 8}
    file = tmp_path / "copy.yaml"
    file.write_text(preset.to_yaml(), encoding="utf-8")
    assert Preset.load(file) == preset
    assert Preset.load(file, {"model.name": "painet"}).model == PainetConfig(hidden=8)
    assert Preset.model_validate(preset.model_dump()) == preset


def test_the_width_goes_along_to_it(example: Path) -> None:
    width = Preset.load("demo").model.model_dump()["hidden"]
    assert Preset.load("demo", ["model.name=pair-force"]).model.model_dump()["hidden"] == width


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("model.hiden=3", "model.hiden: no such key\ndid you mean model.hidden? allowed here: "),
        ("model.hidden=-1", "model.hidden: -1 is not allowed\nit should be greater than 0"),
        ('model.hidden="8"', 'model.hidden: "8" is not allowed\nit should be a whole number'),
        ("model.name=pair-forse", "did you mean pair-force?"),
    ],
)
def test_a_mistake_in_it_is_said_as_of_our_own(example: Path, setting: str, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        Preset.load("demo", ["model.name=pair-force", setting])
    assert said in str(caught.value)


def test_the_schema_describes_it(example: Path) -> None:
    described = preset_schema()["$defs"]["PairForceConfig"]
    assert described["properties"]["hidden"]["description"].startswith("Width of the network")


def test_it_trains_evaluates_loads_and_predicts(
    example: Path, data_dir: Path, tmp_path: Path
) -> None:
    run = painet.train(
        "demo", settings=SMALL, epochs=8, data_dir=data_dir, run_dir=tmp_path, device="cpu"
    )
    evaluation = painet.evaluate(run.run, data_dir=data_dir, device="cpu")
    straight = painet.train(
        "demo",
        settings={"model.name": "linear", "train.batch_size": 100, "train.lr": 0.1},
        epochs=8,
        data_dir=data_dir,
        run_dir=tmp_path,
        device="cpu",
    )
    yardstick = painet.evaluate(straight.run, data_dir=data_dir, device="cpu")
    assert evaluation.model == "pair-force"
    assert evaluation.mse < yardstick.mse
    loaded = painet.load(run.run, device="cpu")
    assert loaded.header.model_package == "painet-plugin-example 0.1.0"
    sample = painet.Dataset.open(data_dir / "sample")
    atoms = sample.manifest.particles
    x = painet.predict(loaded, sample.frames[:2], types=atoms.elements, bonds=atoms.bonds)
    assert x.shape == (5, 9, 3) and np.isfinite(x).all()
    record = json.loads((run.run / "run.json").read_text(encoding="utf-8"))
    assert record["model_package"] == "painet-plugin-example 0.1.0"


def test_a_checkpoint_whose_package_is_gone_says_what_to_install(
    data_dir: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with pytest.MonkeyPatch.context() as here:
        here.syspath_prepend(EXAMPLE / "src")
        here.syspath_prepend(metadata(tmp_path))
        run = painet.train(
            "demo", settings=SMALL, epochs=1, data_dir=data_dir, run_dir=tmp_path, device="cpu"
        ).run
    with pytest.raises(RequestError) as caught:
        painet.load(run)
    assert str(caught.value) == (
        f"{run / 'best.safetensors'}: its model pair-force is not installed here\n"
        "install the package it is of: painet-plugin-example 0.1.0"
    )
    with pytest.raises(RequestError, match="pair-force"):
        painet.train(resume=run, data_dir=data_dir)


def metadata(tmp_path: Path) -> Path:
    points = {"painet.models": {"pair-force": "painet_plugin_example.pair_force:PairForce"}}
    write_metadata(tmp_path / "site", "painet-plugin-example", points)
    return tmp_path / "site"


def test_it_keeps_every_promise_of_a_model(example: Path) -> None:
    for check in checks("pair-force", Kit(({"hidden": 8},), reads_features=False)):
        assert isinstance(check, Check)
        check()


def test_the_kit_finds_a_broken_promise(example: Path) -> None:
    kit = Kit(({"layers": 2, "hidden": 8},), horizons=(1,))  # mpnn is not equivariant
    broken = {str(check): check for check in checks("mpnn", kit)}
    with pytest.raises(AssertionError):
        broken["moves_with_its_systems-mpnn-T1"]()


BROKEN = {"painet.models": {"broken": "broken_model:Model"}}


def test_a_broken_package_fails_those_alone_who_use_it(install: Install, say: Say) -> None:
    install("broken-model", BROKEN, broken_model="import nothing_of_the_kind\n")
    assert say("presets", "show", "demo")[0] == 0
    assert say("--help")[0] == 0
    status, _, err = say("presets", "show", "demo", "--set", "model.name=broken")
    assert status == 2
    assert "model broken of the package broken-model: cannot be used (ModuleNotFoundError" in err
    status, out, err = say("presets", "schema")
    assert status == 0 and "PainetConfig" in out
    assert len(err.splitlines()) == 1 and err.startswith("warning: model broken of the package")


def test_a_package_that_ends_the_program_is_a_broken_one(install: Install, say: Say) -> None:
    install("broken-model", BROKEN, broken_model="import sys\nsys.exit(0)\n")
    status, out, _ = say("models")
    assert status == 0
    assert "painet" in out and "cannot be used (SystemExit: 0)" in out


def test_a_key_that_a_model_has_not_is_told_of_it_and_of_no_broken_package(
    install: Install, say: Say
) -> None:
    install("broken-model", BROKEN, broken_model="import nothing_of_the_kind\n")
    status, _, err = say(
        "presets", "show", "demo", "--set", "model.name=linear", "--set", "model.eta=1"
    )
    assert status == 2
    assert err.splitlines() == [
        "error: --set: model.eta: no such key",
        "allowed here: name, prior (of model linear)",
    ]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("Model = 3\n", "its class has no `Config`"),
        ("class Model:\n    Config = dict\n", "its class has no `Config`"),
        (
            "from painet.plugins import ModelConfig\n"
            "class Other(ModelConfig):\n    name: str = 'other'\n"
            "class Model:\n    Config = Other\n",
            "the `name` of its Config is not broken",
        ),
        (
            "from painet.plugins import ModelConfig\n"
            "class Own(ModelConfig):\n    name: str = 'broken'\n"
            "class Model:\n    Config = Own\n",
            "is no subclass of DynamicsModel",
        ),
        (
            "from painet.plugins import ModelConfig\n"
            "class Own(ModelConfig):\n    name: str = 'broken'\n"
            "class Model:\n    Config = Own\n    closed_form = True\n",
            "`closed_form` of the class and of its Config differ",
        ),
    ],
)
def test_what_is_no_model_is_refused_by_name(install: Install, source: str, why: str) -> None:
    install("broken-model", BROKEN, broken_model=source)
    with pytest.raises(RequestError, match=why):
        Preset.load("demo", ["model.name=broken"])
        registry.model("broken")


def test_no_package_can_take_a_name_of_ours_or_of_another(install: Install) -> None:
    install("other", {"painet.models": {"painet": "other:Model", "spring": "other:Model"}})
    install("second", {"painet.models": {"spring": "second:Model"}})
    with pytest.warns(PluginWarning) as said:
        models = registry.models()
    assert models["painet"].package == "painet"
    assert models["spring"].package == "other"
    assert sorted(str(one.message) for one in said) == [
        "model painet of the package other is left out: painet has one of that name",
        "model spring of the package second is left out: other has one of that name",
    ]
