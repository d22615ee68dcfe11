"""Boxes that are periodic along one or two of their edges, as of slabs and wires."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.formats.extxyz import write_extxyz
from painet_cli.data.particles.bonds import bonds_within
from painet_cli.data.trajectories.unwrap import Unwrapper
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Input

WHOLE = np.array([[9.2, 5.0, 0.4], [10.7, 5.0, 0.4], [10.7, 6.2, -0.5], [12.2, 6.2, -0.5]])
CUT = np.where(WHOLE > 10, WHOLE - 10, WHOLE)
SLAB = np.diag([10.0, 10.0, 0.0])


def extended(path: Path, lattice: str, pbc: str) -> Path:
    rows = "\n".join(f"C {x} {y} {z}" for x, y, z in CUT.tolist())
    said = f"Properties=species:S:1:pos:R:3 Lattice={lattice} {pbc}"
    path.write_text(f"4\n{said}\n{rows}\n")
    return path


def read(path: Path) -> Input:
    with open_input(path) as recording:
        return recording.read(recording.select("all"))


def check(found: Input, box: NDArray[np.float64]) -> None:
    assert found.particles.bonds == ((0, 1), (1, 2), (2, 3))
    bonds = np.diff(found.frames[0], axis=0)
    np.testing.assert_allclose(bonds, np.diff(WHOLE, axis=0), atol=1e-5)
    assert found.boxes is not None
    np.testing.assert_allclose(found.boxes[0], box)


@pytest.mark.parametrize(
    ("lattice", "pbc", "box"),
    [
        ("10 0 0 0 10 0 0 0 0", 'pbc="T T F"', SLAB),
        ("10 0 0 0 10 0 0 0 1", 'pbc="T T F"', SLAB),
        ("10 0 0 0 10 0 0 0 1", "pbc=[true, true, false]", SLAB),
        ("10 0 0 0 0 0 0 0 0", 'pbc="True False False"', np.diag([10.0, 0.0, 0.0])),
    ],
)
def test_molecules_are_whole_along_the_edges_that_are_periodic(
    tmp_path: Path, lattice: str, pbc: str, box: NDArray[np.float64]
) -> None:
    check(read(extended(tmp_path / "a.extxyz", f'"{lattice}"', pbc)), box)


def test_of_ase_too(tmp_path: Path) -> None:
    ase = pytest.importorskip("ase")
    io = pytest.importorskip("ase.io")
    atoms = ase.Atoms("C4", positions=CUT, cell=[10, 10, 3], pbc=[True, True, False])
    io.write(str(tmp_path / "a.traj"), atoms)
    check(read(tmp_path / "a.traj"), SLAB)


@pytest.mark.parametrize("columns", ["x y z", "xs ys zs"])
def test_of_a_dump_of_lammps_too(tmp_path: Path, columns: str) -> None:
    x = CUT / [10, 10, 3] if columns.startswith("xs") else CUT
    rows = "\n".join(f"{k} C {a} {b} {c}" for k, (a, b, c) in enumerate(x.tolist()))
    (tmp_path / "a.dump").write_text(
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n4\nITEM: BOX BOUNDS pp pp fs\n"
        f"0 10\n0 10\n0 3\nITEM: ATOMS id element {columns}\n{rows}\n"
    )
    check(read(tmp_path / "a.dump"), SLAB)


def test_of_h5md_too(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    top = extended(tmp_path / "a.extxyz", '"10 0 0 0 10 0 0 0 3"', 'pbc="T T F"')
    with h5py.File(tmp_path / "a.h5md", "w") as file:
        file.create_group("h5md").attrs["version"] = [1, 1]
        file["particles/all/position/value"] = CUT[None]
        file["particles/all/position/value"].attrs["unit"] = "Angstrom"
        file["particles/all/position/step"] = file["particles/all/position/time"] = np.zeros(1)
        file["particles/all/position/time"].attrs["unit"] = "ps"
        box = file.create_group("particles/all/box")
        box.attrs.update(dimension=3, boundary=["periodic", "periodic", "none"])
        box["edges/value"] = np.diag([10.0, 10.0, 3.0])[None]
        box["edges/step"] = box["edges/time"] = np.zeros(1)
    with open_input(tmp_path / "a.h5md", topology=top) as recording:
        check(recording.read(recording.select("all")), SLAB)


def test_nothing_is_bonded_across_an_open_side() -> None:
    x = np.array([[5.0, 5.0, 0.3], [5.0, 5.0, 19.7], [0.2, 1.0, 5.0], [9.9, 1.0, 5.0]])
    assert bonds_within(x, 1.9, np.diag([10.0, 10.0, 20.0])) == ((0, 1), (2, 3))
    assert bonds_within(x, 1.9, SLAB) == ((2, 3),)


def test_what_leaves_through_an_open_side_is_not_brought_back() -> None:
    unwrap = Unwrapper(np.array([[0, 1], [1, 2], [2, 3]]), 4, np.arange(4))
    first = unwrap(CUT, SLAB)
    away = unwrap(np.add(CUT, [0.0, 0.0, 300.0]), SLAB)
    np.testing.assert_allclose(away - first, [[0.0, 0.0, 300.0]] * 4, atol=1e-9)


def test_extended_xyz_says_which_sides_are_open() -> None:
    file = StringIO()
    write_extxyz(file, ["C"] * 4, WHOLE[None], np.zeros(1), None, SLAB)
    assert 'pbc="T T F"' in file.getvalue()


def test_a_lattice_that_is_written_otherwise_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    path = extended(tmp_path / "a.extxyz", "[[10, 0, 0], [0, 10, 0], [0, 0, 10]]", "")
    with pytest.raises(RequestError, match="Lattice") as caught:
        read(path)
    assert "ax ay az" in caught.value.hint
