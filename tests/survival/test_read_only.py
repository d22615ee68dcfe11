"""Folders that the user may read and not write are no obstacle, or end in a plain sentence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "cases"
_ALL = """
import contextlib, io, json, sys
from painet_cli.cli.app import main
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(said):
        status = main(words)
    print(json.dumps([status, said.getvalue()]))
"""
_POWERS = "-dac_override,-dac_read_search,-fowner"
"""Capabilities by which root writes where it may not."""


def as_a_user() -> list[str]:
    """How a command is begun so that permissions hold for it."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root needs setpriv to be bound by permissions")
    return ["setpriv", f"--bounding-set={_POWERS}", f"--inh-caps={_POWERS}"]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of another user's files."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    for name in ("peptide.pdb", "conect.pdb", "conect.xtc", "mol.xyz"):
        shutil.copy(CASES / name, folder)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def test_commands_in_a_folder_that_may_not_be_written(
    folder: Path, tmp_path: Path, data_dir: Path, small_preset: Path, finished_run: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    run.chmod(0o555)
    trajectory = ["--topology", "conect.pdb", "--trajectory", "conect.xtc", "--delta-frames", "1"]
    out, made = str(tmp_path / "out"), str(tmp_path / "made")
    data = ["--data-dir", str(data_dir)]
    commands = [
        ["predict", "peptide.pdb"],
        ["prepare", "trajectory", *trajectory, "--name", "c"],
        ["train", "--preset", str(small_preset), *data],
        ["evaluate", str(run), *data],
        ["predict", "conect.xtc", "--topology", "conect.pdb", "-o", out],
        ["prepare", "trajectory", *trajectory, "--name", "c", "--data-dir", made],
        ["verify", str(run), *data],
    ]
    before = sorted(folder.iterdir())
    done = subprocess.run(
        [*as_a_user(), sys.executable, "-c", _ALL, json.dumps(commands)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    run.chmod(0o755)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [status for status, _ in answers] == [2, 2, 2, 2, 0, 0, 0], (answers, done.stderr)
    for _, said in answers[:4]:
        assert "Permission denied" in said or "cannot be" in said
        assert len(said.strip().splitlines()) <= 3
    assert sorted(folder.iterdir()) == before  # no offsets of MDAnalysis, no locks
