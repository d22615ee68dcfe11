"""The registry of data sources."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError
from typer.main import get_command

from painet_cli.cli.prepare.command import app
from painet_cli.data.sources.prepare import options_of
from painet_cli.data.sources.registry import (
    RemoteFile,
    Source,
    find_download,
    find_source,
    how_to_prepare,
    own_sources,
)
from painet_cli.errors import RequestError

SOURCES = own_sources()
FILES = [file for source in SOURCES for remote in source.downloads.values() for file in remote]


def test_every_source_is_there() -> None:
    assert [source.name for source in SOURCES] == [
        "mocap", "md17", "md22", "adk", "nbody", "sample", "merge", "trajectory", "motion", "bandai"
    ]  # fmt: skip
    counts = {source.name: len(source.downloads) for source in SOURCES if source.downloads}
    assert counts == {"mocap": 1, "md17": 8, "md22": 7, "adk": 1}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_has_urls_that_can_be_asked_for(file: RemoteFile) -> None:
    for url in file.urls:
        parts = urlsplit(url)
        assert parts.scheme in ("http", "https") and parts.netloc and len(parts.path) > 1
    assert len({*file.urls}) == len(file.urls)
    assert file.known_hash is None or len(bytes.fromhex(file.known_hash)) == 32


def test_no_two_files_share_a_place_in_the_cache() -> None:
    places = [
        (source.name, file.name)
        for source in SOURCES
        for remote in source.downloads.values()
        for file in remote
    ]
    assert max(Counter(places).values()) == 1


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_what_is_downloaded_can_be_had_by_hand_and_has_a_size(source: Source) -> None:
    files = [file for remote in source.downloads.values() for file in remote]
    assert bool(files) == bool(source.by_hand) == (source.page is not None)
    named = {*re.findall(r"\{(\w+)\}", source.by_hand or "")}
    assert named <= {*options_of(find_source(source.name))}
    if any(file.bytes is None for file in files):
        assert source.size is not None


@pytest.mark.parametrize(
    ("dataset", "command"),
    [
        ("mocap-walk", "painet prepare mocap --subject 35"),
        ("mocap-run", "painet prepare mocap --subject 9"),
        ("md17-benzene", "painet prepare md17 --molecule benzene"),
        ("md22-AT-AT", "painet prepare md22 --molecule AT-AT"),
        ("adk", "painet prepare adk"),
        ("nbody", "painet prepare nbody"),
        ("sample", "painet prepare sample"),
        ("mine", "painet prepare trajectory --topology FILE --trajectory FILE --name mine"),
    ],
)
def test_every_dataset_has_a_command(dataset: str, command: str) -> None:
    assert how_to_prepare(dataset) == f"prepare it: `{command}`"


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("mocap", ["zip"]),
        ("md17-benzene", ["npz"]),
        ("md22-ac-ala3-nhme", ["npz"]),
        ("md22-double-walled-nanotube", ["npz"]),
        ("adk", ["topology", "trajectory"]),
    ],
)
def test_downloads_are_found_by_name(name: str, keys: list[str]) -> None:
    source, remote = find_download(name)
    assert name.startswith(source.name)
    assert [file.key for file in remote] == keys


@pytest.mark.parametrize(("name", "count"), [("md17", 8), ("md22", 7), ("mocap", 0)])
def test_a_shell_completes_what_can_be_downloaded(name: str, count: int) -> None:
    about = find_source(name).about
    assert len(about.choices("molecule")) == count
    assert about.choices("source") == []
    command = get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    for one in command.params:
        if one.name == "molecule":
            offered = [item.value for item in one.shell_complete(None, "")]
            assert offered == about.choices("molecule")


def test_what_is_not_downloaded_is_refused() -> None:
    with pytest.raises(RequestError, match="nothing is downloaded under this name"):
        find_download("md17-water")


@pytest.mark.parametrize(
    "change",
    [
        {"urls": []},
        {"urls": ["ftp://host/file"]},
        {"urls": ["http://host"]},
        {"known_hash": "A" * 64},
        {"known_hash": "0" * 63},
        {"name": "../up"},
        {"name": ".."},
        {"bytes": 0},
        {"bytes": "5"},
        {"md5": "x"},
    ],
)
def test_a_file_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    whole = {"key": "k", "name": "n", "urls": ["http://h/f"], "bytes": 5, "known_hash": "0" * 64}
    RemoteFile.model_validate(whole)
    with pytest.raises(ValidationError):
        RemoteFile.model_validate(whole | change)


def test_a_command_has_no_words_of_its_own() -> None:
    whole = SOURCES[0].model_dump() | {"datasets": {"md17-{molecule}": "prepare {mollecule}"}}
    with pytest.raises(ValidationError, match="has a word that"):
        Source.model_validate(whole)
