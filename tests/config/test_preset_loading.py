"""Reading a preset: YAML, `extends`, `--set`, and what is said about mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from painet_cli.config.models import LinearConfig, PainetConfig
from painet_cli.config.presets import (
    load_preset,
    preset_name,
    preset_schema,
)
from painet_cli.config.schema import CosineSchedule
from painet_cli.errors import RequestError

SMALL = """\
data: {dataset: sample, delta_frames: 10}
model: {name: painet, layers: 2}
train:
  epochs: 3
  batch_size: 4
  lr: 1e-3
"""


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(SMALL, encoding="utf-8")


def write(name: str, text: str) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return name


def refusal(name: str, *overrides: str) -> list[str]:
    with pytest.raises(RequestError) as caught:
        load_preset(name, overrides)
    return str(caught.value).splitlines()


# YAML


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "1.0e-3", "0.001", ".001"])
def test_every_spelling_of_a_float_is_a_number(text: str) -> None:
    assert load_preset("small.yaml", [f"train.lr={text}"]).train.lr == 0.001


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("train:\n  lr: 1\n  lr: 2\n", "bad.yaml:3: train.lr: written twice"),
        ("data: &a {}\n", "bad.yaml:1: anchors and aliases are not used here"),
        ("data: {}\nmodel: *a\n", "bad.yaml:2: anchors and aliases are not used here"),
        ("data: !!python/name:os.system\n", "bad.yaml:1: tags are not used here"),
        ("[" * 30, "bad.yaml:1: nested deeper than 20 levels"),
        ("? [1]\n: 2\n", "bad.yaml:1: a key has to be a word"),
        ("train: {lr: 1e999}\n", "bad.yaml:1: 1e999: too large a number"),
        ("data: [1\n", "bad.yaml:2: expected ',' or ']', but got '<stream end>'"),
        ("- 1\n", "bad.yaml: not a mapping"),
        ("# " + "x" * 2**16, "bad.yaml: larger than 64 KiB"),
    ],
)
def test_refused_yaml_is_named_with_its_line(text: str, what: str) -> None:
    assert refusal(write("bad.yaml", text))[0] == what


def test_a_file_that_is_not_text_is_refused() -> None:
    Path("bad.yaml").write_bytes(b"\xff\xfe\x00")
    assert refusal("bad.yaml")[0] == "bad.yaml: not UTF-8 text"


def test_a_missing_file_is_named() -> None:
    assert refusal("absent.yaml") == ["absent.yaml: cannot be read: No such file or directory"]


@given(st.text() | st.text(alphabet="adt:{}[]-?&*!|>#\"'\\\n 1.e%@,x"))
@example('"\\UFFFFFFFF": 1')
@example('description: "\\ud800"')
@example("a: " + "9" * 5000)
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(RequestError):
        load_preset(str(path))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=4)
KEYS = st.sampled_from(["data", "model", "name", "train", "schedule", "kind", "lr", "node", "x"])
TREES = st.recursive(VALUES, lambda inner: st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)


@given(st.lists(KEYS, min_size=1, max_size=4), TREES)
def test_any_setting_is_taken_or_refused(keys: list[str], value: object) -> None:
    try:
        load_preset("demo", [f"{'.'.join(keys)}={json.dumps(value)}"])
    except RequestError as error:
        assert 1 <= len(str(error).splitlines()) <= 3


# extends


def test_extends_merges_mappings_and_replaces_the_rest() -> None:
    write("base.yaml", SMALL + "features: {node: [speed, type]}\n")
    name = write("top.yaml", "extends: base\ntrain: {lr: 2e-3}\nfeatures: {node: [height]}\n")
    preset = load_preset(name)
    assert (preset.train.lr, preset.train.epochs) == (0.002, 3)
    assert preset.features.node == ("height",)


def test_extends_looks_beside_the_file_first_and_then_among_the_shipped() -> None:
    write("folder/base.yaml", SMALL)
    assert load_preset(write("folder/near.yaml", "extends: base.yaml\n")).train.epochs == 3
    shipped = load_preset(write("folder/far.yaml", "extends: mocap-run-s2s\n"))
    assert shipped == load_preset("mocap-run-s2s")


def test_a_file_may_extend_the_shipped_preset_of_its_own_name() -> None:
    name = write("demo.yaml", "extends: demo\ntrain: {epochs: 7}\n")
    assert load_preset(f"./{name}").train.epochs == 7


def test_a_circle_of_extends_is_named() -> None:
    write("a.yaml", "extends: b\n")
    write("b.yaml", "\nextends: a\n")
    assert refusal("a.yaml") == [
        "b.yaml:2: extends: goes round in a circle",
        "a.yaml -> b.yaml -> a.yaml",
    ]


def test_an_unknown_base_is_named() -> None:
    what, hint = refusal(write("top.yaml", "extends: mocap-run-s2z\n"))
    assert what == "top.yaml:1: extends: no preset or file mocap-run-s2z"
    assert hint.startswith("did you mean mocap-run-s2")


# --set


def test_settings_go_over_the_file_in_order() -> None:
    preset = load_preset("small.yaml", ["train.epochs=5", "train.epochs=6", "features.node=[type]"])
    assert preset.train.epochs == 6
    assert preset.features.node == ("type",)


def test_another_variant_drops_the_keys_of_the_one_before() -> None:
    assert load_preset("small.yaml", ["model.name=linear"]).model == LinearConfig()
    name = write("top.yaml", "extends: demo\ntrain: {schedule: {kind: constant}}\n")
    assert load_preset(name).train.schedule.kind == "constant"


def test_the_same_variant_keeps_its_keys() -> None:
    preset = load_preset("small.yaml", ["model.name=painet", "model.heads=2"])
    assert preset.model == PainetConfig(layers=2, heads=2)


def test_a_variant_may_be_named_after_its_keys() -> None:
    preset = load_preset(
        "small.yaml", ["train.schedule.warmup_epochs=2", "train.schedule.kind=cosine"]
    )
    assert preset.train.schedule == CosineSchedule(warmup_epochs=2)


@pytest.mark.parametrize("text", ["train.lr", "=1", "train..lr=1", ".".join("a" * 3000) + "=1"])
def test_what_is_not_a_setting_is_refused(text: str) -> None:
    what, hint = refusal("demo", text)
    assert what == f"settings={text!r}: not a setting"
    assert hint == "expected such as train.lr=1e-3"


# What is said about mistakes


def test_an_unknown_key_is_named_with_its_line_and_the_near_one() -> None:
    assert refusal(write("top.yaml", SMALL + "  epoch: 3\n")) == [
        "top.yaml:7: train.epoch: no such key",
        "did you mean train.epochs? allowed here: epochs, batch_size, windows, loss, "
        "optimizer, lr, weight_decay, patience, eval_every, clip_norm, schedule, ema, "
        "activations, compile, graph, start_from, augment, noise, seed",
    ]


def test_a_mistake_in_a_base_is_named_where_it_stands() -> None:
    write("base.yaml", SMALL.replace("lr: 1e-3", "lr: fast"))
    assert refusal(write("top.yaml", "extends: base\n")) == [
        'base.yaml:6: train.lr: "fast" is not allowed',
        "it should be a number",
    ]


@pytest.mark.parametrize(
    ("setting", "what", "hint"),
    [
        ("lr=1", "lr: no such key", "did you mean train.lr? allowed here: description, data"),
        ("model.layer=1", "model.layer: no such key", "did you mean model.layers?"),
        ("model.name=paint", 'model.name: "paint" is not allowed', "did you mean painet?"),
        ("train.schedule.kind=no", 'train.schedule.kind: "no" is not allowed', "allowed: constant"),
        ("features.node=[sped]", 'features.node.0: "sped" is not allowed', "did you mean speed?"),
        ("data.horizon=1.5", "data.horizon: 1.5 is not allowed", "it should be a whole number"),
        ("data.horizon=0", "data.horizon: 0 is not allowed", "it should be greater than 0"),
        ("train.lr=true", "train.lr: true is not allowed", "it should be a number"),
        ("train=5", "train: 5 is not allowed", "it should be a mapping"),
        ("features.node=5", "features.node: 5 is not allowed", "it should be a list"),
    ],
)
def test_a_wrong_value_is_shown_with_what_is_allowed(setting: str, what: str, hint: str) -> None:
    first, second = refusal("small.yaml", setting)
    assert first == f"settings: {what}"
    assert second.startswith(hint)


def test_further_mistakes_are_counted() -> None:
    assert refusal("small.yaml", "train.lr=x", "train.epochs=x")[-1].endswith(
        "(1 more to mend after this)"
    )


def test_a_missing_key_is_named_in_its_section() -> None:
    text = SMALL.replace("  epochs: 3\n", "")
    assert refusal(write("top.yaml", text))[0] == "top.yaml:3: train.epochs: missing"


def test_an_unknown_preset_comes_with_the_near_one() -> None:
    assert refusal("mocap-walk-s2x") == [
        "no preset named mocap-walk-s2x",
        "did you mean mocap-walk-s2t? `painet presets` lists them",
    ]


# Names, schema, YAML


def test_the_name_of_a_file_is_its_stem() -> None:
    assert preset_name("demo") == "demo"
    assert preset_name("folder/mine.yaml") == "mine"


def test_the_schema_requires_nothing_and_knows_extends() -> None:
    schema = preset_schema()
    assert next(iter(schema["properties"])) == "extends"
    assert schema["title"] == "painet preset"
    text = json.dumps(schema)
    assert '"required"' not in text
    assert "Step size of the energy descent" in text


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("1e-3")
@example("no")
def test_yaml_of_a_preset_reads_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    preset = load_preset("demo").model_copy(update={"description": text})
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    path.write_text(preset.to_yaml(), encoding="utf-8")
    assert load_preset(str(path)) == preset
