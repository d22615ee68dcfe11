"""`painet prepare --list`, and what a download looks like to a user."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest import CaptureFixture, MonkeyPatch

from painet_cli.cli.app import main
from painet_cli.cli.progress import preparing
from painet_cli.cli.session import Session
from painet_cli.data.sources import fetch
from painet_cli.data.sources.registry import all_sources
from painet_cli.storage.http_client import DownloadError

Say = Callable[..., tuple[int, str, str]]
NAMES = [source.name for source in all_sources()]


@pytest.fixture
def say(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path) -> Say:
    """Type a command in an empty folder; gives status, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PAINET_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PAINET_DATA", raising=False)

    def typed(*words: object) -> tuple[int, str, str]:
        status = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return status, out, err

    return typed


def test_the_list_fits_a_terminal_without_colour(say: Say) -> None:
    status, out, err = say("prepare", "--list")
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    assert [line.split()[0] for line in out.splitlines() if " what " in line] == NAMES
    words = " ".join(out.split())
    for expected in (
        "painet prepare md17 --molecule MOLECULE",
        "CC BY 4.0",
        "169 MB",
        "about 1.1 GB",
        "doi:10.6084/m9.figshare.5108170.v1",
        "NSF EIA-0196217",
    ):
        assert expected in words


def test_the_list_as_json_is_one_object(say: Say) -> None:
    status, out, err = say("prepare", "--list", "--json")
    assert (status, err) == (0, "")
    rows = json.loads(out)["sources"]
    assert [row["source"] for row in rows] == NAMES
    for row in rows:
        assert {"title", "about", "licence", "citation", "size", "datasets", "files"} <= set(row)
        for file in row["files"]:
            assert {"urls", "bytes", "known_hash", "path", "here"} <= set(file)


def test_the_list_says_what_is_here(say: Say, data_dir: Path, tmp_path: Path) -> None:
    for name in ("sample", "md17-benzene", "mine"):
        shutil.copytree(data_dir / "sample", tmp_path / "data" / name)
    (tmp_path / "cache" / "adk").mkdir(parents=True)
    (tmp_path / "cache" / "adk" / "adk4AKE.psf").write_text("PSF")
    rows = {
        row["source"]: row for row in json.loads(say("prepare", "--list", "--json")[1])["sources"]
    }
    assert rows["sample"]["prepared"] == ["sample"]
    assert rows["md17"]["prepared"] == ["md17-benzene"]
    assert rows["trajectory"]["prepared"] == ["mine"]
    assert [file["here"] for file in rows["adk"]["files"]] == [True, False]
    _, out, _ = say("prepare", "--list")
    assert "1 of 2 files downloaded" in out
    _, out, _ = say("prepare", "--list", "--data-dir", "elsewhere")
    assert "md17-benzene" not in out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--list", "sample"], "--list stands alone"),
        (["--data-dir", "x", "sample"], "--data-dir belongs to the source"),
        (["--json"], "painet prepare --list"),
    ],
)
def test_what_does_not_go_with_the_list_is_refused(
    say: Say, words: list[str], expected: str
) -> None:
    status, out, err = say("prepare", *words)
    assert (status, out) == (2, "")
    assert expected in err
    assert not Path("data").exists()


def test_prepare_alone_shows_its_help(say: Say) -> None:
    _, out, _ = say("prepare")
    assert "--list" in out and "mocap" in out


def test_a_misspelt_source_is_guessed(say: Say) -> None:
    status, _, err = say("prepare", "md71", "--molecule", "benzene")
    assert status == 2
    assert "No such command 'md71'. Did you mean 'md17'?" in err
    assert "No such command 'xyzzy'." in say("prepare", "xyzzy")[2]


def test_a_download_that_fails_says_what_to_do(say: Say, monkeypatch: MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise DownloadError("no connection (Network is unreachable)")

    monkeypatch.setattr(fetch.pooch, "retrieve", unreachable)
    status, out, err = say("prepare", "mocap", "--subject", 9)
    assert (status, out) == (1, "")
    assert "allasfamc.zip could not be downloaded. http://mocap.cs.cmu.edu/allasfamc.zip: no" in err
    assert "--source FILE" in err
    assert len(err.strip().splitlines()) <= 3
    assert not [*Path("data").glob("*")]


@pytest.mark.parametrize("terminal", ["0", "1"])
def test_a_download_is_shown(
    capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, terminal: str
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    with preparing(Session(), "reading") as (_, told):
        for name in ("one.psf", "two.dcd"):
            told(name, 10_000_000, 168_000_000)
            told(name, 168_000_000, 168_000_000)
    with preparing(Session(quiet=True), "reading") as (_, told):
        told("three.npz", 1, None)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("downloading one.psf (168.0 MB)") == 1
    assert "downloading two.dcd" in err and "three" not in err


def test_an_interrupted_download_says_that_it_goes_on(capsys: CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), preparing(Session(), "reading") as (_, told):
        told("f.npz", 5, 10)
        raise KeyboardInterrupt
    assert "the same command goes on" in capsys.readouterr().err
