"""Packages that add to painet, as pip would have installed them."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from installed import EXAMPLE, Install, write_metadata


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package: its metadata and, by module name, its source."""
    before = {name for name in sys.modules if not name.startswith("painet_plugin_example")}

    def installed(name: str, entry_points: dict[str, dict[str, str]], **modules: str) -> Path:
        site = tmp_path / "site" / name
        write_metadata(site, name, entry_points)
        for module, text in modules.items():
            (site / f"{module}.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(site)
        return site

    yield installed
    for module in set(sys.modules) - before:
        at = getattr(sys.modules[module], "__file__", None) or ""
        if at.startswith((str(tmp_path), str(EXAMPLE))):
            del sys.modules[module]


@pytest.fixture
def example(install: Install, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example package, installed from its folder in the repository."""
    about = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    monkeypatch.syspath_prepend(EXAMPLE / "src")
    return install(about["name"], about["entry-points"])
