"""The picture of the rooms is true: it shows the contract, the imports and the way of the data."""

from __future__ import annotations

import ast
import inspect
import tomllib
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import grimp
import pytest

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
WAY = ["source", "dataset", "window", "batch", "model", "prediction", "metrics", "report"]


@dataclass(frozen=True)
class Band:
    """A room as it is drawn: where it begins and ends from top to bottom."""

    top: float
    bottom: float


@pytest.fixture(scope="module")
def picture() -> ElementTree.Element:
    return ElementTree.parse(ROOT / "docs" / "images" / "rooms.svg").getroot()  # noqa: S314


@pytest.fixture(scope="module")
def bands(picture: ElementTree.Element) -> dict[str, Band]:
    drawn = {}
    for group in picture.iter(f"{SVG}g"):
        if room := group.get("data-room"):
            box = group.find(f"{SVG}rect")
            assert box is not None
            top = float(box.attrib["y"])
            drawn[room] = Band(top, top + float(box.attrib["height"]))
    return drawn


@pytest.fixture(scope="module")
def contract() -> list[str]:
    """Rooms as import-linter keeps them, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    return [one.removeprefix("painet_cli.") for layer in layers for one in layer.split(" | ")]


def found(code: str) -> Any:
    """Object that `module:name.name` means."""
    module, _, names = code.partition(":")
    thing = import_module(module)
    for name in names.split("."):
        thing = getattr(thing, name)
    return thing


def room_of(code: str) -> str:
    return code.split(":")[0].split(".")[1]


def test_the_rooms_lie_above_one_another_as_the_contract_has_them(
    bands: dict[str, Band], contract: list[str]
) -> None:
    assert sorted(bands, key=lambda room: bands[room].top) == contract
    for upper, lower in pairwise(contract):
        assert bands[upper].bottom <= bands[lower].top


def test_no_modules_import_each_other_in_a_circle_late_imports_included() -> None:
    graph = grimp.build_graph("painet_cli", exclude_type_checking_imports=False)
    imported = {one: graph.find_modules_directly_imported_by(one) for one in graph.modules}
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_a_folder_can_be_looked_through_and_says_from_what_to_what() -> None:
    for folder in (path.parent for path in (ROOT / "painet_cli").rglob("__init__.py")):
        modules = [path for path in folder.glob("*.py") if path.stem != "__init__"]
        assert len(modules) <= 16, f"{folder.name} holds {len(modules)} modules"
        text = (folder / "__init__.py").read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text)), f"{folder} does not say what it is"


def test_the_rooms_are_all_there_are(bands: dict[str, Band]) -> None:
    """The shipped checkpoints hold no code; what others build on stands above the house."""
    package = ROOT / "painet_cli"
    folders = {path.parent.name for path in package.glob("*/__init__.py")} - {
        "checkpoints",
        "testing",
    }
    modules = {path.stem for path in package.glob("*.py")} - {
        "__init__",
        "__main__",
        "plugins",
        "version",
    }
    assert set(bands) == folders | modules


def test_a_dot_is_an_import_and_an_import_a_dot(
    picture: ElementTree.Element, bands: dict[str, Band]
) -> None:
    drawn = {
        tuple(dot.attrib["data-imports"].split())
        for dot in picture.iter(f"{SVG}circle")
        if "data-imports" in dot.attrib
    }
    graph = grimp.build_graph("painet_cli")
    there = {
        (one, other)
        for one in bands
        for other in bands
        if one != other
        and graph.direct_import_exists(
            importer=f"painet_cli.{one}", imported=f"painet_cli.{other}", as_packages=True
        )
    }
    assert drawn == there


def test_a_dot_stands_in_the_row_of_the_room_that_imports(
    picture: ElementTree.Element, bands: dict[str, Band]
) -> None:
    for dot in picture.iter(f"{SVG}circle"):
        if pair := dot.get("data-imports"):
            band = bands[pair.split()[0]]
            assert band.top < float(dot.attrib["cy"]) < band.bottom


def test_the_stations_lie_in_the_rooms_whose_code_they_are(
    picture: ElementTree.Element, bands: dict[str, Band]
) -> None:
    stations = {g.get("data-station"): g for g in picture.iter(f"{SVG}g") if g.get("data-station")}
    assert list(stations) == WAY
    for station in stations.values():
        code, box = station.attrib["data-code"], station.find(f"{SVG}rect")
        assert box is not None
        assert found(code)
        band = bands[room_of(code)]
        assert band.top < float(box.attrib["y"]) < band.bottom


def test_an_arrow_is_a_function_that_takes_one_thing_and_gives_the_next(
    picture: ElementTree.Element,
) -> None:
    code = {
        group.attrib["data-station"]: group.attrib["data-code"]
        for group in picture.iter(f"{SVG}g")
        if group.get("data-station")
    }
    arrows = [path for path in picture.iter(f"{SVG}path") if path.get("data-by")]
    assert [(a.get("data-from"), a.get("data-to")) for a in arrows] == list(pairwise(WAY))
    for arrow in arrows:
        by = arrow.attrib["data-by"]
        function = found(by)
        assert callable(function)
        start, end = code[arrow.attrib["data-from"]], code[arrow.attrib["data-to"]]
        assert room_of(by) == room_of(end)
        signature = inspect.signature(function)
        taken = " ".join(str(one.annotation) for one in signature.parameters.values())
        if inspect.isclass(found(start)) and arrow.get("data-from") != "source":
            kind = start.rpartition(":")[2]
            assert kind in taken or by.startswith(start), f"{by} takes no {kind}"
        if inspect.isclass(found(end)) and arrow.get("data-to") != "model":
            assert end.rpartition(":")[2] in str(signature.return_annotation), by
