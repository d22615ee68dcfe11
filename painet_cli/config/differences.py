"""In which of their settings presets differ."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from painet_cli.config.presets import Preset, load_preset, merged_settings, preset_names

Flat = dict[str, Any]
"""Values of a preset by their dotted keys."""
SEED = "train.seed"
APART = (SEED, "train.activations")
"""In these replicates and machines differ, and not what is compared."""
_LEFT_OPEN = {"train.activations": "auto", "data.velocity": None}
"""What a preset may leave to the machine or to the dataset: what it came to is no change."""


def flat_settings(preset: Preset) -> Flat:
    """Settings of a preset by dotted key, without its description."""
    tree = preset.model_dump(mode="json")
    del tree["description"]
    return _flat(tree, "")


def flat_given(settings: Sequence[str]) -> Flat:
    """What settings `dotted.key=value` say, by dotted key.

    Raises
    ------
    RequestError
        One is no setting.
    """
    return _flat(merged_settings(settings).tree, "")


def _flat(tree: Mapping[str, Any], above: str) -> Flat:
    found: Flat = {}
    for key, value in tree.items():
        inside = _flat(value, f"{above}{key}.") if isinstance(value, dict) else {}
        found |= inside or {f"{above}{key}": value}
    return found


def changes_of(preset: Preset, name: str) -> Flat | None:
    """What of a preset is not as in the shipped one that it is named after; None where none is.

    Another model is compared with its own defaults in that preset. The seed is no change.
    """
    if name not in preset_names():
        return None
    shipped, model = load_preset(name), preset.model.name
    changed = {} if shipped.model.name == model else {"model.name": model}
    if changed:
        shipped = load_preset(name, changed)
    own, theirs = flat_settings(preset), flat_settings(shipped)
    return changed | {
        key: value
        for key, value in own.items()
        if key != SEED and value != theirs.get(key) and not _was_open(key, theirs)
    }


def _was_open(key: str, settings: Mapping[str, Any]) -> bool:
    return key in _LEFT_OPEN and settings.get(key) == _LEFT_OPEN[key]


def differing_keys(settings: Sequence[Mapping[str, Any]], groups: Iterable[Hashable]) -> list[str]:
    """Keys in which two of the same group differ, less the seed and what a machine chooses.

    Parameters
    ----------
    settings
        `flat_settings` of each.
    groups
        What each is called already: others need not be told from it.
    """
    gathered: dict[Hashable, list[Mapping[str, Any]]] = {}
    for group, one in zip(groups, settings, strict=True):
        gathered.setdefault(group, []).append(one)
    keys = dict.fromkeys(key for one in settings for key in one)
    return [
        key
        for key in keys
        if key not in APART
        and any(
            any(one.get(key) != alike[0].get(key) for one in alike) for alike in gathered.values()
        )
    ]


def as_words(settings: Mapping[str, Any]) -> str:
    """Settings on a line, each key cut to its last part where that is clear.

    Examples
    --------
    >>> as_words({"model.layers": 4, "train.lr": 0.001, "features.node": ["speed", "type"]})
    'layers=4 lr=0.001 node=speed,type'
    """
    last = [key.rpartition(".")[2] for key in settings]
    short = {
        key: end if last.count(end) == 1 else key for key, end in zip(settings, last, strict=True)
    }
    if "model.name" in settings:
        short["model.name"] = "model"
    return " ".join(f"{short[key]}={_word(value)}" for key, value in settings.items())


def _word(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return ",".join(map(_word, value)) or "[]"
    return f"{value:g}" if isinstance(value, float) else str(value).replace(" ", "_")
