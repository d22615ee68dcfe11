"""Dotted keys of a preset: what is typed after `--set`, and where a key stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from fnmatch import filter as matching
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from painet_cli.config.messages import Section, variants
from painet_cli.config.yaml_document import MAX_DEPTH, Document, parse
from painet_cli.errors import RequestError, option


def comma_list(text: str) -> list[str]:
    """Words of a list such as `egnn, painet,`: blanks and empty places do not count.

    Raises
    ------
    RequestError
        There is no word.

    Examples
    --------
    >>> comma_list("egnn, painet,")
    ['egnn', 'painet']
    """
    words = [word for part in text.split(",") if (word := part.strip())]
    if not words:
        raise RequestError(f"{text!r}: a list of nothing", "expected one or several: A,B")
    return words


def expanded(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Names, each pattern replaced by the known names that it matches, if any, and none twice.

    Examples
    --------
    >>> expanded(["egn*", "painet", "egnn"], ["egnn", "egno", "painet"])
    ['egnn', 'egno', 'painet']
    """
    known = list(known)
    return list(dict.fromkeys(one for name in names for one in matching(known, name) or [name]))


def parse_setting(text: str, root: Section) -> Document:
    """Parse one `dotted.key=value`, the value in YAML; of a list the brackets may be left out.

    Parameters
    ----------
    root
        The model of the whole preset, which says where lists are.

    Raises
    ------
    RequestError
        It is no setting.
    """
    dotted, equals, value = text.partition("=")
    keys = tuple(dotted.strip().split("."))
    if not equals or not all(keys) or len(keys) > MAX_DEPTH:
        raise RequestError(
            f"{option('settings', text)}: not a setting", "expected such as train.lr=1e-3"
        )
    if re.match(r"(?!\s*null\s*$)\s*([a-z]|[\w.]+\s*,)", value) and _takes_list(keys, root):
        value = f"[{', '.join(comma_list(value))}]"
    tree, _ = parse(value, lambda _: option("settings", text))
    for key in reversed(keys):
        tree = {key: tree}
    return Document(tree, {keys[: i + 1]: option("settings") for i in range(len(keys))})


def where_is(key: str, root: type[BaseModel]) -> list[str]:
    """Dotted names of the keys that are called so, or else described so.

    Examples
    --------
    >>> from painet import Preset
    >>> where_is("lr", Preset), where_is("learning_rate", Preset)
    (['train.lr'], ['train.lr'])
    """
    known = dict(_walk(root))
    named = [dotted for dotted in known if dotted.rpartition(".")[2] == key]
    if named:
        return named
    words = {dotted: (field.description or "").lower() for dotted, field in known.items()}
    wanted = key.lower().replace("_", " ")
    starts = {
        " ".join(re.findall(r"[a-z]+", text)[: len(wanted.split())]): dotted
        for dotted, text in reversed(words.items())
    }
    return [starts[match] for match in get_close_matches(wanted, starts, n=1, cutoff=0.8)]


def _takes_list(keys: Sequence[str], section: Section) -> bool:
    """Whether the value of a key is a list, in one of painet's own variants of its section."""
    field = section.model_fields.get(keys[0])
    if field is None:
        return False
    if len(keys) > 1:
        return any(_takes_list(keys[1:], inner) for inner in variants(field, plugins=False))
    kinds = (field.annotation, *get_args(field.annotation))
    return any(get_origin(kind) in (tuple, list) for kind in kinds)


def _walk(section: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, FieldInfo]]:
    """Every field of a preset that is no section, in every variant, by its dotted name."""
    for name, field in section.model_fields.items():
        inner = variants(field)
        if not inner:
            yield ".".join((*path, name)), field
        for one in inner:
            yield from _walk(one, (*path, name))
