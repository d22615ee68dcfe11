"""A data source of another package is a command, a function and a line of the list like ours."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

import painet
from installed import Install
from painet import PainetError, RequestError, registry
from painet_cli.data.sources.registry import find_download, how_to_prepare
from typed import Say

FRAMES = 120


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Four beads that drift, of which the third is lost halfway; rows in no order."""
    drift = np.cumsum(np.random.default_rng(0).normal(0.01, 0.01, (FRAMES, 4, 3)), axis=0)
    positions = np.arange(12.0).reshape(4, 3) / 3 + drift
    rows = [
        (frame, 7 * bead, *positions[frame, bead])
        for frame in range(FRAMES)
        for bead in range(4)
        if bead != 2 or frame < FRAMES // 2
    ]
    np.random.default_rng(1).shuffle(rows)
    file = tmp_path / "film.csv"
    np.savetxt(file, rows, delimiter=",", header="frame,particle,x,y,z", comments="")
    return file


def test_it_is_a_command_with_the_options_of_its_function(
    example: Path, film: Path, say: Say
) -> None:
    status, out, _ = say("prepare", "tracks", "--help")
    assert status == 0
    for words in ("--reach", "--frame-time", "--data-dir", "Common options", "trackpy"):
        assert words in out
    options = ("--source", film, "--reach", 3, "--frame-time", "10ms")
    status, out, err = say("prepare", "tracks", *options, "--name", "beads", "--json")
    assert (status, err) == (0, "")
    made = json.loads(out)
    assert (made["name"], made["frames"], made["particles"]) == ("tracks-beads", FRAMES, 3)
    manifest = painet.Dataset.open("data/tracks-beads").manifest
    assert manifest.particles.names == ("track 0", "track 7", "track 21")
    assert "painet 0" in manifest.origin.prepared_by
    assert (manifest.units.frame_time_s, manifest.units.length_in_metres) == (0.01, 1e-6)


def test_what_is_wrong_with_a_file_is_one_or_two_lines(example: Path, film: Path, say: Say) -> None:
    options = ("--source", film, "--frame-time", "10ms", "--name", "beads")
    status, _, err = say("prepare", "tracks", *options, "--reach", 0.01)
    assert status == 2
    assert err.splitlines() == [
        f"error: {film}: no two particles are within 0.01 in the first frame",
        "give a larger --reach",
    ]
    status, _, err = say("prepare", "tracks", *options)
    assert status == 2 and "Missing option '--reach'" in err
    film.write_text("a,b\n1,2\n", encoding="utf-8")
    status, _, err = say("prepare", "tracks", *options, "--reach", 3)
    assert status == 2 and "no column frame" in err
    assert not [*Path("data").glob("*")]


@pytest.mark.parametrize(
    ("option", "value"), [("--metres", -1), ("--reach", 0), ("--delta-frames", 0)]
)
def test_what_the_example_takes_has_bounds(
    example: Path, film: Path, say: Say, option: str, value: int
) -> None:
    options = ("--source", film, "--frame-time", "10ms", "--name", "beads", "--reach", 3)
    status, _, err = say("prepare", "tracks", *options, option, value)
    assert status == 2 and option in err and "greater than" in err


LOOSE = """
from painet.plugins import DataSource, Source, Units

def loose(to, metres: float = -1.0):
    return None if metres == 0 else Units(length="mm", length_in_metres=metres, frame_time_s=1e-3)

LOOSE = DataSource(
    about=Source(name="loose", title="Loose", about="it", licence="MIT", citation="none",
                 datasets={"loose": "painet prepare loose"}),
    prepare=loose,
)
"""


def test_what_a_manifest_cannot_say_is_said_by_its_key(install: Install, say: Say) -> None:
    install("loose", {"painet.sources": {"loose": "loose_source:LOOSE"}}, loose_source=LOOSE)
    status, _, err = say("prepare", "loose")
    assert status == 2
    assert err.splitlines() == [
        "error: source loose: Units length_in_metres: -1.0 is not allowed",
        "it should be greater than 0",
    ]
    for metres, kind in ((0, "NoneType"), (1, "Units")):
        status, _, err = say("prepare", "loose", "--metres", metres)
        assert status == 1 and f"its function gives a {kind}, not a Dataset" in err


def test_python_prepares_the_same(example: Path, film: Path, tmp_path: Path, say: Say) -> None:
    options = {"source": film, "reach": 3.0, "frame_time": "10ms", "name": "beads"}
    made = painet.prepare("tracks", data_dir=tmp_path, **options)
    words = [
        str(x) for key, value in options.items() for x in (f"--{key}".replace("_", "-"), value)
    ]
    assert say("prepare", "tracks", *words, "--data-dir", tmp_path / "other", "--quiet")[0] == 0
    assert painet.Dataset.open(tmp_path / "other" / "tracks-beads").sha256 == made.sha256
    assert made.manifest.origin.prepared_by.startswith(
        f"painet {version('painet')}: prepare('tracks', "
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"reach": 3.0, "frame_time": "10ms", "name": "b"}, "source is missing"),
        ({"reaches": 3.0}, "no option reaches\ndid you mean reach?"),
    ],
)
def test_python_names_the_option(
    example: Path, options: dict[str, object], said: str, tmp_path: Path
) -> None:
    with pytest.raises(RequestError) as caught:
        painet.prepare("tracks", data_dir=tmp_path, **options)
    assert said in str(caught.value)


def test_options_of_our_own_sources_are_checked_too(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no option molecul\ndid you mean molecule"):
        painet.prepare("md17", molecul="benzene", data_dir=tmp_path)
    with pytest.raises(RequestError, match="source adk: no option strid\ndid you mean stride"):
        painet.prepare("adk", strid=2, data_dir=tmp_path)
    with pytest.raises(RequestError, match="source trajectory: topology is missing"):
        painet.prepare("trajectory", name="mine", data_dir=tmp_path)
    with pytest.raises(RequestError, match="md71: no such source"):
        painet.prepare("md71", data_dir=tmp_path)


def test_it_is_listed(example: Path, film: Path, say: Say) -> None:
    found = registry.sources()["tracks"]
    assert (found.package, found.kind) == ("painet-plugin-example", "source")
    status, out, err = say("prepare", "--list")
    assert (status, err) == (0, "")
    assert "painet prepare tracks --source FILE --name NAME" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80
    assert "painet prepare tracks --source FILE --name beads" in how_to_prepare("tracks-beads")
    assert "painet prepare trajectory" in how_to_prepare("beads")


def test_its_example_has_what_is_usual_for_an_option(install: Install, say: Say) -> None:
    named = REMOTE.replace('"remote-a": "painet', '"chain-{links}": "painet')
    named = named.replace('prepare remote"', 'prepare remote --links {links}"')
    counted = named.replace("lambda to: None", "lambda to, *, links=6: None")
    install("remote", {"painet.sources": {"remote": "chained:REMOTE"}}, chained=counted)
    status, out, _ = say("prepare", "remote", "--help")
    assert status == 0
    assert "Example: `painet prepare remote --links 6`" in out


def test_its_downloads_are_found(install: Install) -> None:
    install("remote", {"painet.sources": {"remote": "remote_source:REMOTE"}}, remote_source=REMOTE)
    source, files = find_download("remote-a")
    assert source.name == "remote"
    assert files[0].urls == ["https://example.org/a.npz"]


REMOTE = """
from painet.plugins import DataSource, RemoteFile, Source

FILE = RemoteFile(
    key="npz", name="a.npz", urls=["https://example.org/a.npz"], bytes=None, known_hash=None
)
REMOTE = DataSource(
    Source(
        name="remote", title="Remote", about="a file elsewhere", licence="MIT", citation="none",
        datasets={"remote-a": "painet prepare remote"}, by_hand="give --source", size="1 MB",
        page="https://example.org/a", downloads={"remote-a": [FILE]},
    ),
    lambda to: None,
)
"""
WITHOUT_NAMES = REMOTE.replace("lambda to: None", "lambda to, **anything: None")


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("raise OSError('gone')\n", "cannot be used (OSError: gone)"),
        ("REMOTE = 3\n", "is no DataSource of the name remote"),
        (REMOTE.replace('name="remote"', 'name="other"'), "is no DataSource of the name remote"),
        (WITHOUT_NAMES, "its options: **anything names none"),
    ],
)
def test_a_broken_one_is_a_line_of_warning_and_fails_alone(
    install: Install, say: Say, module: str, why: str
) -> None:
    install("remote", {"painet.sources": {"remote": "remote_source:REMOTE"}}, remote_source=module)
    assert say("--help")[::2] == (0, "")
    status, out, err = say("prepare", "--help")
    assert status == 0 and "md17" in out
    assert err.startswith("warning: source remote of the package remote: ") and why in err
    assert len(err.splitlines()) == 1
    status, out, err = say("prepare", "remote")
    assert status == 2
    assert why in err and len(err.splitlines()) == 2
    assert say("prepare", "sample", "--quiet")[0] == 0


def test_errors_of_ours_are_errors_of_painet() -> None:
    assert issubclass(RequestError, PainetError)
    assert (RequestError.exit_code, PainetError.exit_code) == (2, 1)
