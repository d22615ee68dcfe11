"""What pydantic says about a preset, as a message for the person who wrote it."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from painet_cli.config.model_table import ModelConfig, ModelTable
from painet_cli.config.yaml_document import Document, KeyPath
from painet_cli.errors import RequestError, did_you_mean

Section = type[BaseModel]

PLAIN_WORDS = {
    "Input should": "it should",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "text",
    "a valid boolean": "true or false",
    "a valid array": "a list",
    "an object": "a mapping, such as {lr: 1e-3}",
    "Value error, ": "",
}


def table_of(field: FieldInfo) -> ModelTable | None:
    """The table that a field's section is chosen from by name, where there is one."""
    return next((one for one in field.metadata if isinstance(one, ModelTable)), None)


def variants(field: FieldInfo, *, plugins: bool = True) -> list[Section]:
    """Sections a field may hold: none for a number, several for a discriminated union.

    Parameters
    ----------
    plugins
        Whether those of other packages count, which are imported for it.
    """
    if table := table_of(field):
        return list((table.usable() if plugins else table.ready).values())
    members = (field.annotation, *get_args(field.annotation))
    return [m for m in members if isinstance(m, type) and issubclass(m, BaseModel)]


def tag_of(section: Section, discriminator: str) -> str:
    """Value of the discriminator that selects a section."""
    return str(section.model_fields[discriminator].default)


def request_error(
    error: ValidationError, document: Document, name: str, root: Section
) -> RequestError:
    """Describe the first problem of a preset: where, the bad value, what is allowed.

    Parameters
    ----------
    error
        What `root` raised.
    document
        What it was given.
    name
        The preset's file, for a key that stands nowhere.
    root
        The model of the whole document.
    """
    problems = error.errors(include_url=False)
    path, section = _locate(problems[0]["loc"], document.tree, root)
    what, hint = _describe(problems[0], path, section, root)
    mark = next((m for i in range(len(path), 0, -1) if (m := document.marks.get(path[:i]))), name)
    if len(problems) > 1:
        hint += f" ({len(problems) - 1} more to mend after this)"
    return RequestError(f"{mark}: {what}", hint.strip())


def _locate(location: KeyPath, tree: Any, root: Section) -> tuple[KeyPath, Section | None]:
    """Path of a problem without pydantic's union tags, and the section that holds its last key."""
    path: list[str | int] = []
    section: Section | None = root
    inside: list[Section] = [root]
    discriminator: str | None = None
    for part in location:
        if discriminator and part in (tags := {tag_of(s, discriminator): s for s in inside}):
            inside, discriminator = [tags[str(part)]], None
            continue
        path.append(part)
        tree = tree.get(part) if isinstance(tree, dict) else None
        section = inside[0] if len(inside) == 1 else None
        field = section.model_fields.get(str(part)) if section else None
        inside = _inside(field, tree) if field else []
        discriminator = (
            field.discriminator if field and isinstance(field.discriminator, str) else None
        )
    return tuple(path), section


def _inside(field: FieldInfo, value: Any) -> list[Section]:
    """Sections that a field's value may be of; the one that its name chooses."""
    table = table_of(field)
    name = str(value.get("name")) if isinstance(value, dict) else ""
    return [table[name]] if table and name in table else variants(field)


def _describe(
    problem: ErrorDetails, path: KeyPath, section: Section | None, root: Section
) -> tuple[str, str]:
    key = " ".join(".".join(map(str, path)).split())[:200]  # as long as its writer likes
    context = problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden" if section:
            return f"{key}: no such key", _allowed_keys(path, section, root)
        case "missing":
            return f"{key}: missing", "this key has to be given"
        case "union_tag_not_found":
            field = context["discriminator"].strip("'")
            return f"{key}.{field}: missing", f"{field} says which variant of {key} this is"
        case "union_tag_invalid":
            allowed = context["expected_tags"].replace("'", "")
            field = context["discriminator"].strip("'")
            return _no_such(f"{key}.{field}", context["tag"], allowed.split(", "))
        case "literal_error":
            allowed = context["expected"].replace("'", "").replace(" or ", ", ")
            return _no_such(key, problem["input"], allowed.split(", "))
        case _:
            return f"{key}: {_shown(problem['input'])} is not allowed", _plain_words(problem["msg"])


def _allowed_keys(path: KeyPath, section: Section, root: Section) -> str:
    known = list(section.model_fields)
    near = get_close_matches(str(path[-1]), known, n=1) or _with_meaning(str(path[-1]), section)
    above = [name for name in _sections_with(str(path[-1]), root) if name != path[0]]
    elsewhere = [f"{name}.{path[-1]}" for name in above]
    guess = [".".join(map(str, (*path[:-1], key))) for key in near] or elsewhere
    whose = f" (of model {tag_of(section, 'name')})" if issubclass(section, ModelConfig) else ""
    hint = f"did you mean {guess[0]}? " if guess else ""
    return f"{hint}allowed here: {', '.join(known)}{whose}"


def _with_meaning(key: str, section: Section) -> list[str]:
    """Key whose description has the words another key is made of, as `learning_rate` of `lr`."""
    wanted = key.lower().replace("_", " ")
    length = len(wanted.split())
    phrases: dict[str, str] = {}
    for name, field in section.model_fields.items():
        words = re.findall(r"[a-z]+", (field.description or "").lower())
        for i in range(len(words) - length + 1):
            phrases.setdefault(" ".join(words[i : i + length]), name)
    return [phrases[match] for match in get_close_matches(wanted, phrases, n=1, cutoff=0.8)]


def _sections_with(key: str, root: Section) -> list[str]:
    """Top-level sections that have a key, for one in the wrong place; no package is imported."""
    return [
        name
        for name, field in root.model_fields.items()
        if any(key in section.model_fields for section in variants(field, plugins=False))
    ]


def _no_such(key: str, value: Any, allowed: list[str]) -> tuple[str, str]:
    guess = did_you_mean(str(value), allowed)
    return f"{key}: {_shown(value)} is not allowed", f"{guess}allowed: {', '.join(allowed)}"


def _plain_words(message: str) -> str:
    """Say in a reader's words what pydantic says in JSON's."""
    for theirs, ours in PLAIN_WORDS.items():
        message = message.replace(theirs, ours)
    return message


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
