"""The pages that are written by the code they describe: commands, presets and the public names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import typer
from docutils import nodes
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typer.cli import get_docs_for_click
from typer.core import TyperGroup

LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
COMMON = ("--json", "--csv", "--quiet", "--debug", "--device", "--help")
"""Options that every command takes; they are described once, with the program."""


class Commands(SphinxDirective):
    """Every command as `--help` has it, by Typer's own writer."""

    def run(self) -> list[nodes.Node]:
        """Markdown of the whole program, a section a command."""
        from painet_cli.cli.app import app

        command = typer.main.get_command(app)
        text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="painet", indent=1)
        for short, whole in _summaries(command):
            text = text.replace(short, whole)
        program, *others = _sections(text)
        return self.parse_text_to_nodes(
            "\n".join([program, *(_without_common(one) for one in others)]),
            allow_section_headings=True,
        )


def _summaries(group: Any) -> Iterator[tuple[str, str]]:
    """Lines of a group's list of commands, cut short as Typer has them, and whole."""
    if not isinstance(group, TyperGroup):
        return
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield f"* `{name}`: {command.get_short_help_str()}", f"* `{name}`: {_first(command.help)}"
        yield from _summaries(command)


def _first(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def _sections(text: str) -> list[str]:
    """Cut before every heading of a command."""
    parts, current = [], []
    for line in text.splitlines():
        if line.startswith("##") and current:
            parts.append("\n".join(current))
            current = []
        current.append(line)
    return [*parts, "\n".join(current)]


def _without_common(section: str) -> str:
    lines = [
        line
        for line in section.splitlines()
        if not line.startswith(tuple(f"* `{name}" for name in COMMON))
    ]
    return re.sub(r"\*\*Options\*\*:\n++(?!\* )", "", "\n".join(lines)) + "\n"


class Formats(SphinxDirective):
    """Formats that are read and written, as the registry has them."""

    def run(self) -> list[nodes.Node]:
        """A table, a row a format."""
        from painet_cli.data.trajectories.formats import FORMATS
        from painet_cli.data.trajectories.readable import READABLE

        written = {kind.name for kind in FORMATS.values()} | {"BVH", "TRC", "NPZ"}
        rows = ["| `--format` | endings | from | holds | written | takes |", "| - " * 6 + "|"]
        for one in READABLE:
            endings = " ".join(f"`{suffix}`" for suffix in one.suffixes)
            written_too = "yes" if one.name in written else ""
            rows.append(
                f"| `{one.name}` | {endings} | {one.about} | {one.holds} | {written_too} "
                f"| {one.package} |"
            )
        return self.parse_text_to_nodes("\n".join(rows))


class PresetFields(SphinxDirective):
    """Every key of a preset: type, default, unit and meaning, from the pydantic models."""

    def run(self) -> list[nodes.Node]:
        """Tables, a section for each part of a preset."""
        from painet_cli.config.presets import Preset

        return self.parse_text_to_nodes(
            "\n".join(_preset_tables(Preset)), allow_section_headings=True
        )


def _preset_tables(preset: type[BaseModel]) -> Iterator[str]:
    own = {
        name: field for name, field in preset.model_fields.items() if not _models(field.annotation)
    }
    yield from _table("Top level", "", preset.__doc__, own)
    for name, field in preset.model_fields.items():
        kinds = _models(field.annotation)
        for kind in kinds:
            title = f"`{name}`" if len(kinds) == 1 else f"`{name}` with `name: {_tag(kind)}`"
            yield from _table(title, f"{name}.", kind.__doc__, kind.model_fields)


def _table(
    title: str, prefix: str, about: str | None, fields: dict[str, FieldInfo]
) -> Iterator[str]:
    yield from (f"### {title}", "", _first(about), "")
    yield from ("| key | type | default | meaning |", "| --- | --- | --- | --- |")
    nested = []
    for name, field in fields.items():
        meaning = _meaning(field) or "Which model."  # all else has a meaning of its own: a test
        key = f"{prefix}{name}"
        yield f"| `{key}` | {_type(field)} | {_default(field)} | {meaning} |"
        nested += [(key, kind) for kind in _models(field.annotation)]
    yield ""
    for key, kind in nested:
        told_apart = f" with `kind: {_tag(kind)}`" if "kind" in kind.model_fields else ""
        yield from (f"`{key}`{told_apart}: {_first(kind.__doc__)}", "")
        rest = {name: field for name, field in kind.model_fields.items() if name != "kind"}
        if rest:
            yield from ("| key | type | default | meaning |", "| --- | --- | --- | --- |")
            for name, field in rest.items():
                cells = (f"`{key}.{name}`", _type(field), _default(field), _meaning(field))
                yield f"| {' | '.join(cells)} |"
            yield ""


def _meaning(field: FieldInfo) -> str:
    return " ".join((field.description or "").split()).replace("|", r"\|")


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Pydantic models that a value may be of; for a model's section all of painet's own."""
    from painet_cli.config.model_table import OWN, ModelConfig
    from painet_cli.config.models import MODEL_CONFIGS

    if annotation is ModelConfig:
        return [MODEL_CONFIGS[name] for name in OWN]
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    return [kind for part in get_args(annotation) for kind in _models(part)]


def _tag(kind: type[BaseModel]) -> str:
    """Value of the literal that tells a model of a union apart; one that stands alone has none."""
    field = kind.model_fields.get("name") or kind.model_fields.get("kind")
    return "mapping" if field is None else str(get_args(field.annotation)[0])


def _type(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {getattr(constraint, name):g}"
        for constraint in _constraints(field)
        for name, sign in (
            ("gt", ">"),
            ("ge", "≥"),
            ("lt", "<"),
            ("le", "≤"),
            ("multiple_of", "multiple of"),
        )
        if isinstance(getattr(constraint, name, None), int | float)
    ]
    return ", ".join([_name(field.annotation), *bounds])


def _constraints(field: FieldInfo) -> list[Any]:
    """What bounds a field, also where it stands within `X | None`."""
    inner = [
        part for kind in get_args(field.annotation) for part in getattr(kind, "__metadata__", ())
    ]
    flat = [*field.metadata, *inner]
    return [part for one in flat for part in getattr(one, "metadata", None) or [one]]


def _name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_name(part) for part in arguments)
    if origin is tuple:
        return f"list of {_name(arguments[0])}"
    if hasattr(annotation, "__metadata__"):
        return _name(annotation.__origin__)
    if annotation is type(None):
        return "null"
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return f"`{_tag(annotation)}`"
    words = {
        "str": "text", "int": "integer", "float": "number", "bool": "true or false",
        "dict": "mapping",
    }  # fmt: skip
    return words.get(getattr(annotation, "__name__", ""), str(annotation))


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, BaseModel):
        return f"`{_tag(type(value))}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if value != "" else "empty"


class ShippedPresets(SphinxDirective):
    """The presets that come with the package, one a row."""

    def run(self) -> list[nodes.Node]:
        """Table of names, models, sizes and descriptions."""
        from painet_cli.config.presets import load_preset, preset_names

        rows = [
            "| preset | T | window, frames | epochs | what |",
            "| --- | --- | --- | --- | --- |",
        ]
        for name in preset_names():
            preset = load_preset(name)
            data = preset.data
            rows.append(
                f"| `{name}` | {data.horizon} | {data.delta_frames} | {preset.train.epochs:,} "
                f"| {preset.description} |"
            )
        return self.parse_text_to_nodes("\n".join(rows))


class PublicNames(SphinxDirective):
    """Every name of `painet.__all__`, by autodoc."""

    def run(self) -> list[nodes.Node]:
        """One entry a name, in the order in which the package's docstring introduces them."""
        import painet

        about = painet.__doc__ or ""
        introduced = {name: about.find(f"`{name}`  ") % (1 + len(about)) for name in painet.__all__}
        lines: list[str] = []
        for name in sorted(painet.__all__, key=lambda name: (introduced[name], name)):
            lines += [*_entry(name, getattr(painet, name)), ""]
        return self.parse_text_to_nodes("\n".join(["```{eval-rst}", *lines, "```"]))


def _entry(name: str, value: Any) -> list[str]:
    if inspect.ismodule(value):
        members = [f".. autofunction:: painet.{name}.{one}" for one in value.__all__]
        return [
            f".. py:module:: painet.{name}",
            "",
            *(value.__doc__ or "").splitlines(),
            "",
            *members,
        ]
    if not inspect.isclass(value):
        return [f".. autofunction:: painet.{name}"]
    entry = [f".. autoclass:: painet.{name}", "   :members:"]
    if issubclass(value, BaseModel):  # its fields are on the page of presets
        entry += [f"   :exclude-members: {', '.join(value.model_fields)}", "   :no-index-entry:"]
    return entry


class RootPage(SphinxDirective):
    """A page of the repository's root; links into `docs/` stay links, others become names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Everything below the page's title."""
        path = Path(self.env.srcdir).parent / self.arguments[0]
        self.env.note_dependency(path)
        text = path.read_text(encoding="utf-8").partition("\n")[2]
        return self.parse_text_to_nodes(
            LINK.sub(_seen_from_docs, text), allow_section_headings=True
        )


def _seen_from_docs(link: re.Match[str]) -> str:
    words, target = link.groups()
    if target.startswith("docs/"):
        return f"[{words}]({target.removeprefix('docs/')})"
    return link.group() if "://" in target or target.startswith("#") else words


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("painet-commands", Commands)
    app.add_directive("painet-formats", Formats)
    app.add_directive("painet-preset-fields", PresetFields)
    app.add_directive("painet-shipped-presets", ShippedPresets)
    app.add_directive("painet-public-names", PublicNames)
    app.add_directive("painet-root-page", RootPage)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
