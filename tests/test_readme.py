"""The README says what is true: its Python runs, its commands exist, its links lead somewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_python_of_the_readme_runs(
    finished_run: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(data_dir, tmp_path / "data")
    shutil.copytree(finished_run, tmp_path / "runs" / "demo" / "a")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    done: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), done)  # noqa: S102
    assert "x" in done


def test_ci_runs_the_readmes_commands() -> None:
    pages = [ROOT / "README.md", ROOT / "docs" / "tutorial.md"]
    printed = subprocess.run(
        [sys.executable, ROOT / "scripts" / "readme_commands.py", *pages],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "make demo\n" in printed
    assert "painet train --preset demo" in printed
    ci = (ROOT / ".ci" / "run").read_text()
    assert "scripts/readme_commands.py README.md docs/tutorial.md | bash" in ci
    assert "\nmake docs\n" in ci


@pytest.mark.parametrize(
    "promised",
    [
        "painet prepare md17 --molecule benzene",
        "painet train --preset mocap-walk-s2s",
        "painet predict traj.pdb -T 5",
    ],
)
def test_the_readme_spells_what_is_promised(promised: str) -> None:
    assert promised in README


def test_the_tests_that_the_docs_name_are_there() -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("*.py"))
    for page in PAGES:
        for name in re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8")):
            assert f"def {name}(" in tests, f"{page.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target and "gallery/" not in target:  # the gallery is there once built
            assert (page.parent / target).exists(), target
