"""The examples in the docstrings of the public names run, and give what they say."""

from __future__ import annotations

import doctest
from pathlib import Path
from types import ModuleType

import pytest

import painet
import painet_cli


def examples() -> list[doctest.DocTest]:
    """Examples of the public modules and names, each once."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    things = [painet, painet_cli, painet.registry, *(getattr(painet, n) for n in painet.__all__)]
    found = {
        test.name: test
        for thing in things
        for test in finder.find(thing, thing.__name__, module=None if _is_module(thing) else False)
        if test.examples
    }
    return list(found.values())


def _is_module(thing: object) -> bool:
    return isinstance(thing, ModuleType)


EXAMPLES = examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_runs(example: doctest.DocTest, finished_run: Path, data_dir: Path) -> None:
    example.globs |= {"run": finished_run, "data": data_dir}
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example)
    assert tried and not failed


def test_every_public_function_has_an_example() -> None:
    shown = {example.name for example in EXAMPLES}
    classes = {"LoadedModel", "RunSummary", "Evaluation"}  # what functions give back
    errors = {"PainetError", "RequestError", "PluginWarning"}
    expected = {*painet.__all__} - classes - errors - {"registry"}
    assert expected <= shown
    assert "painet_cli.registry" in shown
