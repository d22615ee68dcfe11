"""What the pages tell a reader to type is typed here, word for word."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from clones import ROOT, Type, copy_tree, surroundings

BLOCK = re.compile(r"^```(sh|python|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FIGURE = re.compile(r"[-+]?\d[\d,.]*(e[-+]?\d+)?")
TUTORIAL = ROOT / "docs" / "tutorial.md"
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))


def blocks(page: Path, *kinds: str) -> list[tuple[str, str]]:
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(kind, text) for kind, text in found if kind in kinds]


def script(page: Path) -> str:
    """Lines for bash: commands as they stand, Python handed to the interpreter."""
    return "".join(
        text if kind == "sh" else f"python - <<'END_OF_PYTHON'\n{text}END_OF_PYTHON\n"
        for kind, text in blocks(page, "sh", "python")
    )


def likeness(line: str) -> str:
    """A line less its figures, which depend on the machine, and its blanks."""
    return " ".join(FIGURE.sub("#", line).split())


def unheard(page: Path, said: str) -> list[str]:
    """Lines of a page's `text` blocks that its commands did not say."""
    heard = {likeness(line) for line in said.splitlines()}
    shown = [line for _, text in blocks(page, "text") for line in text.splitlines()]
    return [line for line in shown if likeness(line) not in heard]


def test_the_tutorial_does_what_it_shows(clone: Path, typing: Type, tmp_path: Path) -> None:
    done = typing(f"cd {clone}\n{script(TUTORIAL)}")
    said = done.stdout + done.stderr
    assert not done.returncode, said
    assert sum(len(text.splitlines()) for _, text in blocks(TUTORIAL, "text")) > 20
    assert unheard(TUTORIAL, said) == []
    assert "(5, 9, 3)" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    "guide", [page for page in GUIDES if blocks(page, "sh")], ids=lambda p: p.stem
)
def test_the_guides_can_be_typed(guide: Path, typing: Type) -> None:
    done = typing(script(guide))
    said = done.stdout + done.stderr
    assert not done.returncode, said
    assert unheard(guide, said) == []


@pytest.mark.slow
def test_the_readme_and_the_tutorial_can_be_typed_on_a_fresh_clone(
    tmp_path: Path,
) -> None:
    clone = tmp_path / "painet"
    copy_tree(clone)
    printer = [sys.executable, "scripts/readme_commands.py", "README.md", "docs/tutorial.md"]
    lines = subprocess.run(printer, cwd=clone, capture_output=True, text=True, check=True).stdout
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=lines, cwd=clone, env=surroundings(clone), capture_output=True, text=True,
    )  # fmt: skip
    assert not done.returncode, done.stdout + done.stderr
    for made in ("runs/demo", "predictions", "ten-minutes/predictions/ethanol/report.html"):
        assert (clone / made).exists(), made
