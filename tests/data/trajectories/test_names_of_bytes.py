"""Folders whose names are no UTF-8, which Linux has and libraries in C do not open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from painet_cli.data.trajectories.formats import FORMATS
from painet_cli.data.trajectories.writer import write_frames
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.open import open_input
from tests.tiny_files import ethanol, write_pdb

SAID = "has bytes that are no letters in UTF-8"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / os.fsdecode(b"\xe9")
    try:
        made.mkdir()
    except OSError:
        pytest.skip("needs a file system of any bytes")
    return made


@pytest.mark.parametrize("ending", ["xtc", "trr", "dcd"])
def test_a_trajectory_there_is_refused_as_that_and_not_as_damaged(
    ending: str, folder: Path, tmp_path: Path, data_dir: Path
) -> None:
    made, written = ethanol(data_dir), tmp_path / f"a.{ending}"
    top = write_pdb(tmp_path / "a.pdb", made, frames=1)
    kind = FORMATS[written.suffix]
    write_frames(written, kind, made.particles, made.frames[:2], 1e-15, remarks=[])
    path = written.rename(folder / written.name)
    with pytest.raises(RequestError, match=SAID):
        open_input(path, topology=top)


@pytest.mark.parametrize("ending", [".xtc", ".trr", ".dcd", ".nc"])
def test_one_is_written_there_or_that_is_said(ending: str, folder: Path, data_dir: Path) -> None:
    made = ethanol(data_dir)
    path, kind = folder / f"a{ending}", FORMATS[ending]
    if ending == ".nc":
        write_frames(path, kind, made.particles, made.frames[:2], 1e-15, remarks=[])
        assert path.stat().st_size
        return
    with pytest.raises(RequestError, match=SAID):
        write_frames(path, kind, made.particles, made.frames[:2], 1e-15, remarks=[])
