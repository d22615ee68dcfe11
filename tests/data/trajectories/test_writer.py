"""Trajectories as MDAnalysis writes them, as other programs read them, and on a full disk."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from painet_cli.data.particles.particles import Particles
from painet_cli.data.trajectories.formats import FORMATS
from painet_cli.data.trajectories.writer import write_frames

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full is Linux's")
@pytest.mark.parametrize("ending", [".xyz", ".pdb", ".gro", ".dcd", ".xtc", ".trr"])
def test_a_full_disk_is_an_error_and_no_second_one_that_nobody_catches(ending: str) -> None:
    water = Particles(names=("O", "H", "H"), types=(0, 1, 1), type_names=("O", "H"), bonds=())
    frames = np.zeros((1, 3, 3))
    with pytest.raises(OSError, match="No space left"):
        write_frames(FULL, FORMATS[ending], water, frames, 1e-15, remarks=())
    gc.collect()  # pytest fails on what is raised while a writer is collected


def test_an_xyz_ends_with_its_last_atom_for_others_read_a_frame_after_it(
    tmp_path: Path,
) -> None:
    water = Particles(names=("O", "H", "H"), types=(0, 1, 1), type_names=("O", "H"), bonds=())
    path = tmp_path / "water.xyz"
    write_frames(path, FORMATS[".xyz"], water, np.zeros((2, 3, 3)), 1e-15, remarks=())
    lines = path.read_text().splitlines()
    assert len(lines) == 2 * (3 + 2)
    assert lines[-1].split() == ["H", "0.00000", "0.00000", "0.00000"]
