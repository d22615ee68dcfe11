"""From a preset's name or file to a checked `Preset`: `extends`, `--set`, and back to YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import ValidationError

from painet_cli.config.dotted import parse_setting
from painet_cli.config.messages import request_error, table_of, variants
from painet_cli.config.model_table import ModelConfig, Strict
from painet_cli.config.models import MODEL_CONFIGS, PainetConfig
from painet_cli.config.schema import (
    DataConfig,
    EvaluationConfig,
    FeatureConfig,
    Settings,
    TrainConfig,
)
from painet_cli.config.yaml_document import (
    MAX_DEPTH,
    Document,
    Dumper,
    KeyPath,
    read_document,
)
from painet_cli.errors import RequestError, did_you_mean

SUFFIXES = (".yaml", ".yml")


def preset_folder() -> Path:
    """Folder of the shipped presets: inside the installed package, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def preset_names() -> tuple[str, ...]:
    """Names of the shipped presets, sorted."""
    return tuple(sorted(path.stem for path in preset_folder().glob("*.yaml")))


def preset_name(name_or_path: str) -> str:
    """Name of a preset: itself, or the stem of its file."""
    return name_or_path if name_or_path in preset_names() else Path(name_or_path).stem


class Preset(Strict):
    """One experiment: data, features, model, training and evaluation.

    Examples
    --------
    >>> from painet import Preset
    >>> preset = Preset.load("mocap-run-s2s", {"train.lr": 1e-3, "model.layers": 4})
    >>> preset.data.dataset, preset.model.name, preset.train.lr
    ('mocap-run', 'painet', 0.001)
    >>> preset.changed({"train.seed": 2}).train.seed
    2
    """

    description: str = ""
    """One line for `painet presets`."""
    data: DataConfig
    features: FeatureConfig = FeatureConfig()
    model: Annotated[ModelConfig, MODEL_CONFIGS] = PainetConfig()
    train: TrainConfig
    evaluation: EvaluationConfig = EvaluationConfig()

    @classmethod
    def load(cls, name_or_path: str | Path, settings: Settings = ()) -> Preset:
        """Read a preset, with what it extends and settings on top.

        Parameters
        ----------
        name_or_path
            Name of a shipped preset or a YAML file.
        settings
            Dotted keys and their values, `{"train.lr": 1e-3}`, or `["train.lr=1e-3"]` as the
            command line has them.

        Raises
        ------
        RequestError
            There is none, or it or a setting is not valid; says where and what is allowed.
        """
        return load_preset(str(name_or_path), settings)

    def changed(self, settings: Settings) -> Preset:
        """Preset with settings on top, which are given and refused as those of `load`."""
        return _checked(Document(self.model_dump(mode="json")), settings, "the preset")

    def to_yaml(self) -> str:
        """Write it as a preset file with every default spelled out."""
        text: str = yaml.dump(self.model_dump(mode="json"), Dumper=Dumper, sort_keys=False)
        return text


def load_preset(name_or_path: str, overrides: Settings = ()) -> Preset:
    """Read a preset as `Preset.load` does; raises alike. Later settings win."""
    return _checked(_with_bases(_find(name_or_path), ()), overrides, name_or_path)


def _checked(document: Document, overrides: Settings, name: str) -> Preset:
    if isinstance(overrides, Mapping):
        overrides = [f"{key}={json.dumps(value)}" for key, value in overrides.items()]
    if overrides:
        document = _merged(document, merged_settings(overrides))
    try:
        # By way of JSON, because pydantic's strict mode takes a list for a tuple only from there.
        return Preset.model_validate_json(json.dumps(document.tree), strict=True)
    except ValidationError as error:
        raise request_error(error, document, name, Preset) from error


def merged_settings(settings: Sequence[str]) -> Document:
    """Settings `dotted.key=value` laid over each other, later ones on top.

    Raises
    ------
    RequestError
        One is no setting.
    """
    return reduce(_merged, (parse_setting(one, Preset) for one in settings), Document({}))


def preset_schema() -> dict[str, Any]:
    """JSON Schema of a preset file, for editors.

    Nothing is required, because what a file leaves out may come from the one it extends.
    """
    schema = _without_required(Preset.model_json_schema())
    extends = {
        "type": "string",
        "title": "Extends",
        "description": "A file, relative to this one, or a shipped preset; this file's keys win.",
    }
    schema["properties"] = {"extends": extends, **schema["properties"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "painet preset",
        "description": "One experiment: data, features, model, training and evaluation.",
    }


def _without_required(schema: Any) -> Any:
    if isinstance(schema, dict):
        # A part of a variant may fit several variants: `anyOf` allows that, `oneOf` does not.
        return {
            "anyOf" if key == "oneOf" else key: _without_required(value)
            for key, value in schema.items()
            if key != "required"
        }
    return [_without_required(item) for item in schema] if isinstance(schema, list) else schema


def _find(name_or_path: str) -> Path:
    """File of a preset."""
    names = preset_names()
    name_or_path = name_or_path.strip()
    if name_or_path in names:
        return preset_folder() / f"{name_or_path}.yaml"
    path = Path(name_or_path)
    if path.suffix in SUFFIXES or _is_file(path):
        return path
    guess = did_you_mean(name_or_path, names)
    raise RequestError(f"no preset named {name_or_path}", f"{guess}`painet presets` lists them")


def _with_bases(path: Path, chain: tuple[Path, ...]) -> Document:
    """Read a file merged over the one it extends, over the one that extends, and so on."""
    label = _label(path)
    document = read_document(path, label)
    base = document.tree.pop("extends", None)
    if base is None:
        return document
    mark = document.marks[("extends",)]
    if not isinstance(base, str):
        raise RequestError(f"{mark}: extends: expected the name of a preset or a file")
    if len(chain) == MAX_DEPTH:
        raise RequestError(f"{mark}: extends: more than {MAX_DEPTH} files, one after the other")
    chain = (*chain, path.resolve())
    target = _base_file(base, path, mark)
    if target.resolve() in chain:
        names = " -> ".join(_label(file) for file in (*chain, target.resolve()))
        raise RequestError(f"{mark}: extends: goes round in a circle", names)
    return _merged(_with_bases(target, chain), document)


def _base_file(base: str, path: Path, mark: str) -> Path:
    """File that `extends: base` in the file at `path` means."""
    folders = (path.parent, preset_folder())
    files = [folder / f"{base}{end}" for folder in folders for end in ("", *SUFFIXES)]
    found = [file for file in files if _is_file(file)]
    # A user's own demo.yaml may extend the shipped demo: the file itself comes last.
    found.sort(key=lambda file: file.resolve() == path.resolve())
    if not found:
        guess = did_you_mean(base, preset_names())
        hint = f"{guess}expected a file relative to this one, or a shipped preset"
        raise RequestError(f"{mark}: extends: no preset or file {base}", hint)
    return found[0]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for the file system, or with a null byte
        return False


def _label(path: Path) -> str:
    """Path of a file as a message shows it: relative to here where it is below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _merged(base: Document, top: Document) -> Document:
    """Lay one document over another: mappings are merged, everything else is replaced."""
    return Document(_merged_trees(base.tree, top.tree, ()), {**base.marks, **top.marks})


def _merged_trees(base: dict[str, Any], top: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    selector = DISCRIMINATORS.get(path)
    if selector in base and selector in top and base[selector] != top[selector]:
        # the keys of one variant mean nothing to another, but models are compared at one width
        wide = path == ("model",) and "hidden" in base and _has_width(top[selector])
        return {"hidden": base["hidden"], **top} if wide else top
    merged = {**base, **top}
    for key in base.keys() & top.keys():
        if isinstance(base[key], dict) and isinstance(top[key], dict):
            merged[key] = _merged_trees(base[key], top[key], (*path, key))
    return merged


def _discriminators(section: Any = Preset, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Walk the sections of a preset for those with variants, and the key that tells them apart."""
    for name, field in section.model_fields.items():
        if table_of(field):
            yield (*path, name), "name"
            continue
        if isinstance(field.discriminator, str):
            yield (*path, name), field.discriminator
        for inner in variants(field):
            yield from _discriminators(inner, (*path, name))


DISCRIMINATORS = dict(_discriminators())


def _has_width(model: Any) -> bool:
    """Whether a model of that name has a width, `hidden`."""
    return model in MODEL_CONFIGS and "hidden" in MODEL_CONFIGS[model].model_fields
