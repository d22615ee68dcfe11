"""Fresh clones of the working tree, and what is typed in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
Type = Callable[[str], subprocess.CompletedProcess[str]]


def copy_tree(folder: Path) -> None:
    """Copy the files that git knows or would add, and no others."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    # older than the environment that the tests run in, so that `make install` has nothing to do
    for name in ("pyproject.toml", "constraints.txt"):
        os.utime(folder / name, (0, 0))


def surroundings(clone: Path) -> dict[str, str]:
    """Environment in which a clone's own code runs with the tests' packages, quietly, on a CPU."""
    programs = Path(sys.executable).parent
    return os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(clone), os.environ.get("PYTHONPATH", "")]),
        "MAKEFLAGS": f"-- BIN={programs} INSTALLED=Makefile",
        "MPLBACKEND": "agg",
        "COLUMNS": "80",
        "NO_COLOR": "1",
    }
