"""The site builds without a warning, reads without a network, and says what the code says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import typer
from bs4 import BeautifulSoup, Tag
from pydantic import BaseModel
from sphinx.util.inventory import InventoryFile

import painet
import painet.plugins
import painet.testing
from painet_cli.cli.app import app
from painet_cli.config.presets import preset_names, preset_schema

FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


@cache
def parsed(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(page: Path) -> frozenset[str]:
    return frozenset(str(tag["id"]) for tag in parsed(page).find_all(id=True))


def pages(site: Path) -> list[Path]:
    return sorted(page for page in site.rglob("*.html") if "_modules" not in page.parts)


def texts(page: Path) -> str:
    """What a reader sees of a page's article, without its code."""
    article = BeautifulSoup(str(parsed(page).find("article")), "html.parser")
    for tag in article.find_all(["code", "pre", "script"]):
        tag.decompose()
    return article.get_text(" ")


def addresses(site: Path) -> Iterator[tuple[Path, str]]:
    """All links of all pages."""
    for page in pages(site):
        for tag in parsed(page).find_all(["a", *FETCHED]):
            address = tag.get("href") or tag.get("src")
            if address:
                yield page, str(address)


def test_links_lead_to_pages_and_anchors_that_are_there(site: Path) -> None:
    wrong = []
    for page, address in addresses(site):
        url = urlsplit(address)
        if url.scheme:
            continue
        target = (page.parent / unquote(url.path)).resolve() if url.path else page
        target = target / "index.html" if target.is_dir() else target
        there = target.is_file() and (
            not url.fragment or target.suffix != ".html" or unquote(url.fragment) in anchors(target)
        )
        if not there:
            wrong.append(f"{page.relative_to(site)}: {address}")
    assert not wrong


def test_links_to_elsewhere_are_well_formed(site: Path) -> None:
    for page, address in addresses(site):
        url = urlsplit(address)
        if url.scheme in ("http", "https"):
            assert re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?", url.netloc), f"{page}: {address}"
        else:
            assert url.scheme in ("", "data", "mailto"), f"{page}: {address}"


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for page in pages(site):
        for name, attribute in FETCHED.items():
            for tag in parsed(page).find_all(name):
                assert "//" not in str(tag.get(attribute, "")).split("?")[0].removeprefix("data:")
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", sheet.read_text("utf-8"))


def test_equations_are_mathml_and_no_latex_is_left(site: Path) -> None:
    assert len(parsed(site / "explanation/model.html").find_all("math")) > 30
    for page in pages(site):
        left = re.findall(r"\\[a-zA-Z]{2,}|\$\$", texts(page))
        assert not left, f"{page}: {left}"


def test_where_the_explanation_names_code_it_links_to_it(site: Path) -> None:
    named = [
        (page, code)
        for page in pages(site / "explanation")
        for code in parsed(page).select("article code.xref.py")
    ]
    assert len(named) > 12
    loose = [f"{page.name}: {code.text}" for page, code in named if code.find_parent("a") is None]
    assert not loose


def test_every_picture_has_words_in_its_place(site: Path) -> None:
    for page in pages(site):
        if "gallery" not in page.parts:
            for picture in parsed(page).select("article img:not(.toggler)"):
                assert len(str(picture.get("alt", ""))) > 20, f"{page}: {picture}"


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, command
    for part, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{name} {part}")


def test_the_reference_has_every_command_with_every_option(site: Path) -> None:
    page = parsed(site / "reference/cli.html")
    sections = {
        heading.get_text().rstrip("¶#"): heading.parent
        for heading in page.find_all(re.compile("^h[2-6]$"))
    }
    common = page.get_text()
    for name, command in commands(typer.main.get_command(app), "painet"):
        section = sections[name]
        assert isinstance(section, Tag), name
        for parameter in command.params:
            for option in parameter.opts:
                shown = section.get_text() if option.startswith("-") else option
                assert option in shown or option in common, f"{name}: {option}"


def test_the_reference_describes_the_common_options_once(site: Path) -> None:
    items = [item.get_text() for item in parsed(site / "reference/cli.html").find_all("li")]
    for option in ("--json", "--csv", "--quiet", "--debug", "--device", "--help"):
        assert sum(text.startswith(option) for text in items) == 1, option
    paragraphs = parsed(site / "reference/cli.html").find_all("p")
    headings = [one for one in paragraphs if one.get_text() == "Options:"]
    assert headings
    assert all(one.find_next_sibling("ul") == one.find_next_sibling() for one in headings)


def test_the_reference_has_every_key_of_a_preset_with_its_meaning(site: Path) -> None:
    rows = {
        cells[0].get_text(): [cell.get_text() for cell in cells[1:]]
        for row in parsed(site / "reference/presets.html").find_all("tr")
        if (cells := row.find_all("td"))
    }
    keys = {key.rpartition(".")[2] for key in rows}
    schema = preset_schema()
    sections = {"data", "features", "model", "train", "evaluation", "extends"}
    for part in [schema, *schema["$defs"].values()]:
        for name, field in part["properties"].items():
            if name in sections:
                continue
            assert name in keys or name in ("kind",), name
            # a name that tells variants apart is explained by its section's heading
            assert "const" in field or field.get("description"), name
    for key, (kind, default, meaning) in ((key, row) for key, row in rows.items() if len(row) == 3):
        assert kind and default, key
        assert (meaning == "Which model.") is key.endswith(".name"), key
        assert len(meaning) > 10, key
    assert set(preset_names()) <= rows.keys()


def test_the_reference_has_every_public_name(site: Path) -> None:
    with (site / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, name: name)
    known = {name for kind, names in inventory.items() if kind[:3] == "py:" for name in names}
    assert {f"painet.{name}" for name in painet.__all__} <= known
    for module in (painet.plugins, painet.testing):
        for name in module.__all__:
            thing = getattr(module, name)
            homes = {f"painet.{name}", f"{thing.__module__}.{thing.__qualname__}"}
            assert known & {*homes, f"{module.__name__}.{name}"}, f"{module.__name__}.{name}"


def public_things() -> Iterator[tuple[str, Any]]:
    """Public functions, and public classes with their own methods and properties."""
    for name in painet.__all__:
        thing = getattr(painet, name)
        yield name, thing
        if inspect.isclass(thing):
            for own, member in vars(thing).items():
                if not own.startswith("_") and (callable(member) or isinstance(member, property)):
                    yield f"{name}.{own}", member


@pytest.mark.parametrize(
    ("name", "thing"),
    [pytest.param(name, thing, id=name) for name, thing in public_things()],
)
def test_public_names_say_what_they_are_and_what_they_take(name: str, thing: Any) -> None:
    text = inspect.getdoc(thing) or ""
    if not (callable(thing) or isinstance(thing, property)):
        return  # a constant is described where it stands
    assert len(text) > 20, name
    if inspect.isfunction(thing) and "." not in name:
        for parameter in inspect.signature(thing).parameters:
            assert re.search(rf"\b{parameter}\b", text), f"{name}: {parameter} is not described"
    if inspect.isclass(thing) and issubclass(thing, BaseModel):
        for field, info in thing.model_fields.items():
            nested = inspect.isclass(info.annotation) and issubclass(info.annotation, BaseModel)
            known = info.description or nested or field == "name"  # which model it is
            assert known, f"{name}.{field}"
