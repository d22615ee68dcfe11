"""What is packed, what an installed painet does elsewhere, and what is said for citing it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the sdist, and of the wheel that is built from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def installed(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that pip installed the wheel into, without what it needs, which is here already."""
    target = tmp_path_factory.mktemp("installed")
    (wheel,) = packed.glob("*.whl")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", str(target), str(wheel)], check=True, capture_output=True)
    return target


def run(installed: Path, here: Path, *words: str, **environment: str) -> str:
    """What the installed program prints, started in another folder."""
    code = "import sys; from painet_cli.cli.app import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *words],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(installed), "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_code_presets_sample_splits_and_figures(packed: Path) -> None:
    (wheel,) = packed.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    shipped = {f"painet_cli/presets/{path.name}" for path in (ROOT / "presets").glob("*.yaml")}
    assert len(shipped) >= 22
    assert shipped <= names
    assert {
        "painet/__init__.py",
        "painet/__init__.pyi",
        "painet/plugins.pyi",
        "painet/py.typed",
        "painet_cli/__init__.pyi",
        "painet_cli/plugins.pyi",
        "painet_cli/testing/checks.py",
        "painet_cli/presets/base/mocap.yaml",
        "painet_cli/data/sources/sample_files/ethanol_xtb.npz",
        "painet_cli/data/sources/splits/mocap-walk.json",
        "painet_cli/report/tables/paper.yaml",
        "painet_cli/py.typed",
    } <= names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"painet", "painet_cli", f"painet-{version('painet')}.dist-info"}


def test_the_sdist_holds_what_a_packager_needs(packed: Path) -> None:
    (sdist,) = packed.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "CITATION.cff",
        "constraints.txt",
        "presets/demo.yaml",
        "tests/conftest.py",
        "examples/painet-plugin-example/pyproject.toml",
    } <= names
    assert not [name for name in names if name.startswith((".venv", "runs", "data/", "shared"))]


def test_installed_elsewhere_it_knows_its_version_and_predicts(
    installed: Path, tmp_path: Path
) -> None:
    assert run(installed, tmp_path, "--version") == f"painet {version('painet')}\n"
    run(installed, tmp_path, "prepare", "sample", "--quiet")
    words = ("data/sample", "-T", "5", "-o", "out", "--checkpoint", "sample", "--device", "cpu")
    run(installed, tmp_path, "predict", *words)
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
    where = "import painet, painet_cli; print(painet.__file__, painet_cli.__file__)"
    printed = subprocess.run(
        [sys.executable, "-P", "-c", where],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert [Path(path).parents[1] for path in printed.split()] == [installed, installed]


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("bash", "complete -o default -F _painet_completion painet"),
        ("zsh", "compdef _painet_completion painet"),
        ("fish", "complete --command painet"),
    ],
)
def test_the_shell_can_be_taught_to_complete(shell: str, words: str, tmp_path: Path) -> None:
    no_detection = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = run(ROOT, tmp_path, "--show-completion", shell, **no_detection)
    assert words in shown
    run(ROOT, tmp_path, "--install-completion", shell, **no_detection, HOME=str(tmp_path))
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("painet" in path.read_text(encoding="utf-8") for path in written)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("painet pre", {"predict", "prepare", "presets"}),
        (
            "painet train --preset md17-b",
            {"md17-benzene-s2s", "md17-benzene-s2t", "md17-benzene-s2t-even"},
        ),
        ("painet prepare md17 --molecule b", {"benzene"}),
    ],
)
def test_it_completes_commands_presets_and_molecules(
    typed: str, offered: set[str], tmp_path: Path
) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    assert set(run(ROOT, tmp_path, _PAINET_COMPLETE="complete_bash", **words).split()) == offered


def test_ci_installs_it_into_empty_environments() -> None:
    script = ROOT / "scripts" / "check_install.sh"
    assert "scripts/check_install.sh" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    for tool in ("pipx", "cffconvert", "painet-plugin-example"):
        assert tool in script.read_text(encoding="utf-8")


def test_the_citation_is_of_this_version_and_the_paper() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["title"] == PROJECT["name"]
    assert CITATION["version"] == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["keywords"] == PROJECT["keywords"]


def test_the_paper_is_cited_as_it_is_printed(shared: Path) -> None:
    title, _, authors = (shared / "paper" / "painet.txt").read_text("utf-8").splitlines()[:3]
    paper = CITATION["preferred-citation"]
    assert paper["title"] == title
    named = [f"{author['given-names']} {author['family-names']}" for author in paper["authors"]]
    printed = [part.strip(" ,0123456789") for part in authors.split(", ")]
    assert named == [name for name in printed if name]


@pytest.mark.parametrize("form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")))
def test_forms_of_issues_have_what_they_need(form: Path) -> None:
    content = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.name == "config.yml":
        assert content == {"blank_issues_enabled": True}
        return
    assert {"name", "description", "body"} <= content.keys()
    ids = [part["id"] for part in content["body"]]
    assert len(ids) == len({*ids})
    for part in content["body"]:
        assert part["type"] in {"textarea", "input", "dropdown", "checkboxes"}
        assert part["attributes"]["label"]
