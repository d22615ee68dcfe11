"""A box of LAMMPS that does not begin at 0 lies about the atoms that are predicted, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.outputs.write import write_files

FORMALDEHYDE = [("C", 1.2, 0.4), ("O", 2.4, 0.4), ("H", 0.6, 1.3), ("H", 0.6, -0.5)]


@pytest.mark.parametrize(("corner", "begins"), [([-4, -2, -1], True), ([0, 0, 0], False)])
@pytest.mark.parametrize(("units", "angstrom"), [("real", 1), ("nano", 10)])
def test_extended_xyz_says_where_the_box_of_a_dump_begins(
    corner: list[int], begins: bool, units: str, angstrom: int, tmp_path: Path
) -> None:
    dump = tmp_path / "a.dump"
    bounds = "".join(f"{low / angstrom} {(low + 9) / angstrom}\n" for low in corner)
    rows = "".join(
        f"{k} {element} {x / angstrom} {y / angstrom} 0\n"
        for k, (element, x, y) in enumerate(FORMALDEHYDE)
    )
    dump.write_text(
        f"ITEM: UNITS\n{units}\nITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n4\n"
        f"ITEM: BOX BOUNDS pp pp pp\n{bounds}ITEM: ATOMS id element x y z\n{rows}"
    )
    with open_input(dump) as recording:
        system = recording.read(recording.select("all"))
    write_files(system, system.frames[None], np.array([1e-12]), np.array([0]), tmp_path)
    head = (tmp_path / "prediction.extxyz").read_text().splitlines()[1]
    assert ('Origin="-4.000000 -2.000000 -1.000000"' in head) is begins
    assert ("Origin" in head) is begins
