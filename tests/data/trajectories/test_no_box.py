"""What stands for no box: a crystal's cell of length 1, as PDB has it, or of length 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from painet_cli.data.trajectories.writer import write_topology
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.loading import load
from painet_cli.prediction.predict import predict
from tests.tiny_files import atoms_of, ethanol, write_pdb, write_trajectory

UNIT = "CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1           1\n"


def has_box(path: Path, topology: Path | None = None) -> bool:
    with open_input(path, topology=topology) as recording:
        return recording.read(recording.select("all")).boxes is not None


def test_a_pdb_without_a_box_has_the_cell_of_length_1_and_is_read_as_without(
    tmp_path: Path, data_dir: Path
) -> None:
    made = ethanol(data_dir)
    path = tmp_path / "ours.pdb"
    write_topology(path, made.particles, made.frames[0], remarks=[])
    assert UNIT in path.read_text()
    assert not has_box(path)
    theirs = write_pdb(tmp_path / "a.pdb", made, frames=1)
    theirs.write_text(UNIT.replace("1.000", "9.000") + theirs.read_text().replace(UNIT, ""))
    assert has_box(theirs)


@pytest.mark.parametrize(
    ("edge", "expected"), [([0] * 3, False), ([1] * 3, False), ([30] * 3, True)]
)
def test_a_dcd_with_such_a_box_has_none(
    tmp_path: Path, data_dir: Path, edge: list[int], expected: bool
) -> None:
    box = np.array([*edge, 90, 90, 90], dtype=np.float32)
    top, dcd = write_trajectory(tmp_path, ethanol(data_dir), frames=3, box=box)
    assert has_box(dcd, top) is expected


def test_an_atom_group_with_such_a_box_is_not_wrapped_into_it(data_dir: Path) -> None:
    model, made = load("sample", device="cpu"), ethanol(data_dir)
    predicted = []
    for dimensions in (None, [1, 1, 1, 90, 90, 90]):
        universe = atoms_of(made)
        universe.load_new(made.frames, dt=5e-4, dimensions=dimensions)
        universe.trajectory[5]
        predicted.append(predict(model, universe.atoms, 2))
    assert_array_equal(*predicted)
