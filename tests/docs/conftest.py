from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from clones import Type, copy_tree, surroundings


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that the workers of pytest-xdist have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def clone(shared_folder: Path) -> Path:
    """Fresh clone of the working tree."""
    folder = shared_folder / "clone"
    with FileLock(shared_folder / "clone.lock"):
        if not folder.exists():
            copy_tree(folder)
    return folder


@pytest.fixture
def typing(clone: Path, tmp_path: Path) -> Type:
    """Type lines into bash in an empty folder."""

    def typed(lines: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail"],
            input=lines, cwd=tmp_path, env=surroundings(clone), capture_output=True, text=True,
        )  # fmt: skip

    return typed


@pytest.fixture(scope="session")
def site(clone: Path, shared_folder: Path) -> Path:
    """Site, built strictly once for all workers; the gallery's scripts run on the way."""
    folder = shared_folder / "site"
    with FileLock(shared_folder / "site.lock"):
        if not folder.exists():
            options = ["--fail-on-warning", "--keep-going", "--fresh-env", "--quiet"]
            done = subprocess.run(
                [sys.executable, "-m", "sphinx", *options, "docs", folder],
                cwd=clone, env=surroundings(clone), capture_output=True, text=True,
            )  # fmt: skip
            if done.returncode:
                shutil.rmtree(folder, ignore_errors=True)
            assert not done.returncode, done.stderr
    return folder
