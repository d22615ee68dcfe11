"""YAML text as plain data, with the line of every key.

The dialect is YAML 1.2's core schema, the one editors check against, less what a preset never
needs: PyYAML's own loaders follow YAML 1.1, where `1e-3` is text, `no` is false and `12:30` is 750.
Anchors, aliases and tags are refused, so a small file cannot unfold into a large one or build a
Python object.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from painet_cli.errors import RequestError

MAX_BYTES = 2**16
"""A preset has two thousand; PyYAML takes some seconds for a megabyte."""
MAX_DEPTH = 20

FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"

KeyPath = tuple[str | int, ...]
Place = Callable[[int], str]


@dataclass(frozen=True)
class Document:
    """A tree of plain data and where each key of it was written.

    Attributes
    ----------
    tree
        Mappings, lists, text, numbers, booleans and None.
    marks
        Place of each key, such as `presets/demo.yaml:7`.
    """

    tree: dict[str, Any]
    marks: dict[KeyPath, str] = field(default_factory=dict)


class _Refused(yaml.MarkedYAMLError):
    """Valid YAML that a preset may not hold."""


class _Loader(yaml.SafeLoader):
    """Composes nodes in the dialect above; its constructors are never used."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(None, None, "anchors and aliases are not used here", event.start_mark)
        if getattr(event, "tag", None):
            raise _Refused(None, None, "tags are not used here", event.start_mark)
        if self.depth == MAX_DEPTH:
            raise _Refused(None, None, f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(node, yaml.ScalarNode):
            node.value.encode()  # raises for half a surrogate pair, which no JSON can hold
        return node


def _teach_core_schema(target: type[yaml.SafeLoader] | type[yaml.SafeDumper]) -> None:
    """Let a loader read, or a dumper quote, what the core schema takes for more than text."""
    for name, pattern, first in (
        ("null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
        ("bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
        ("int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789")),
        ("float", re.compile(FLOAT), list("-+.0123456789")),
    ):
        target.add_implicit_resolver(f"tag:yaml.org,2002:{name}", pattern, first)


class Dumper(yaml.SafeDumper):
    """Writes what `_Loader` reads: quotes text that it would take for a number, uses no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        """Write equal values out in full."""
        return True


_teach_core_schema(_Loader)
_teach_core_schema(Dumper)


def read_document(path: Path, label: str) -> Document:
    """Read a YAML file whose top level is a mapping.

    Parameters
    ----------
    path
        The file.
    label
        Its name in messages.

    Raises
    ------
    RequestError
        The file cannot be read, is too large, or is not YAML in the dialect above.
    """
    if path.exists() and not path.is_file():  # a pipe or a device would be waited for
        raise RequestError(f"{label}: cannot be read: not a file")
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RequestError(f"{label}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise RequestError(f"{label}: larger than 64 KiB", "a preset is a short YAML file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"{label}: not UTF-8 text", "a preset is a short YAML file") from error
    tree, marks = parse(text, lambda line: f"{label}:{line}")
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise RequestError(f"{label}: not a mapping", "expected lines such as `train: {lr: 1e-3}`")
    return Document(tree, marks)


def parse(text: str, place: Place) -> tuple[Any, dict[KeyPath, str]]:
    """Turn YAML text into plain data and the place of every key.

    Parameters
    ----------
    text
        YAML.
    place
        How a message names a line of it, counted from one.

    Raises
    ------
    RequestError
        The text is not YAML in the dialect above.
    """
    marks: dict[KeyPath, str] = {}
    try:
        node = yaml.compose(text, Loader=_Loader)
        return (None if node is None else _plain(node, (), place, marks)), marks
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise RequestError(f"{place(line)}: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # `chr` and `encode` raise the last two, for escapes that are no character.
        raise RequestError(f"{place(1)}: not YAML: {str(error).splitlines()[0]}") from error


def _plain(node: yaml.Node, path: KeyPath, place: Place, marks: dict[KeyPath, str]) -> Any:
    """Construct the data of a node, noting in `marks` where its keys stand."""
    if isinstance(node, yaml.MappingNode):
        return {
            key: _plain(value, (*path, key), place, marks)
            for key, value in _entries(node, path, place, marks)
        }
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, i), place, marks) for i, item in enumerate(node.value)]
    return _scalar(node)


def _entries(
    node: yaml.MappingNode, path: KeyPath, place: Place, marks: dict[KeyPath, str]
) -> Iterator[tuple[str, yaml.Node]]:
    seen = set()
    for key_node, value in node.value:
        key = key_node.value
        if not isinstance(key, str):
            raise _Refused(None, None, "a key has to be a word", key_node.start_mark)
        if key in seen:
            dotted = " ".join(".".join(map(str, (*path, key))).split())[:200]
            raise _Refused(None, None, f"{dotted}: written twice", key_node.start_mark)
        seen.add(key)
        marks[(*path, key)] = place(key_node.start_mark.line + 1)
        yield key, value


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    text: str = node.value
    match node.tag.rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text)
        case "float":
            number = float(text)
            if not math.isfinite(number):
                raise _Refused(None, None, f"{text}: too large a number", node.start_mark)
            return number
        case _:
            return text
