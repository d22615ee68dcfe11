"""The example package as a stranger has it: installed by pip, passing its own tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from installed import EXAMPLE

ROOT = EXAMPLE.parents[1]


@pytest.mark.slow
def test_pip_installs_it_and_its_tests_pass(tmp_path: Path) -> None:
    copy, target = tmp_path / "copy", tmp_path / "target"
    shutil.copytree(EXAMPLE, copy)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(copy)], check=True, capture_output=True)
    here = {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), str(ROOT)])}
    tests = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(tests, cwd=copy, env=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    code = "import sys; from painet_cli.cli.app import main; sys.exit(main())"
    listed = subprocess.run(
        [sys.executable, "-P", "-c", code, "prepare", "--list"],
        cwd=tmp_path,
        env=here,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "painet prepare tracks" in listed.stdout
