"""Every command's help: an example that can be typed, and words that say what an option takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from painet_cli.cli.app import app
from typed import Say

EXAMPLE = re.compile(r"Example: `painet ?(.*?)`", re.DOTALL)
PROGRAM = typer.main.get_command(app)


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, group
    if hasattr(group, "list_commands"):
        context = typer.Context(group)
        for name in group.list_commands(context):
            yield from commands(group.get_command(context, name), (*path, name))


EVERY = dict(commands(PROGRAM))
every = pytest.mark.parametrize("path", EVERY, ids=lambda path: " ".join(path) or "painet")


@every
def test_help_has_an_example_that_can_be_parsed(path: tuple[str, ...]) -> None:
    example = EXAMPLE.search(EVERY[path].help or "")
    assert example, f"painet {' '.join(path)} --help shows no example"
    words = shlex.split(example[1])
    assert tuple(words[: len(path)]) == path
    command: Any = PROGRAM
    while hasattr(command, "get_command") and words:
        command = command.get_command(typer.Context(command), words.pop(0))
    command.make_context("painet", words)


@every
def test_help_fits_80_columns_and_names_what_numbers_are(path: tuple[str, ...], say: Say) -> None:
    status, out, _ = say(*path, "--help")
    assert not status
    assert "range>" not in out
    assert "<int>" not in out
    assert "<float>" not in out
    assert max(map(len, out.splitlines())) <= 80


@every
def test_usage_has_brackets_and_dots_once(path: tuple[str, ...], say: Say) -> None:
    usage = say(*path, "--help")[1].partition("Usage: ")[2].split("\n\n")[0]
    assert not re.search(r"\[\[|\.\.\.[\]}]\.\.\.", usage), usage


@every
def test_help_cuts_no_choice_and_wraps_no_line_but_its_own(path: tuple[str, ...], say: Say) -> None:
    out = say(*path, "--help")[1]
    assert not re.search(r"<[^<>\s]+\|[^<>\s]*\s", out), "choices that are not closed"
    assert all((option.metavar or "") in out for option in EVERY[path].params)
    _, *further = (EVERY[path].help or "").split("\n\n")
    lines = [line for text in further for line in text.splitlines()]
    assert all(len(line) <= 78 for line in lines if not line.startswith("Example: "))
