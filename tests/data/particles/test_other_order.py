"""A topology of other atoms than those of the trajectory is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.particles.bonds import covalent_bonds
from painet_cli.data.particles.stretched import refuse_other_order
from painet_cli.data.sources.prepare import prepare
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.open import open_input
from tiny_files import ethanol

SYMBOLS = "CCOHHHHHH"
OTHER = [2, 0, 1, 3, 4, 5, 6, 7, 8]  # O C C for C C O


def xyz(path: Path, frames: NDArray[np.float32]) -> Path:
    blocks = (
        "\n".join(f"{e} {x:.5f} {y:.5f} {z:.5f}" for e, (x, y, z) in zip(SYMBOLS, f, strict=True))
        for f in frames
    )
    path.write_text("".join(f"9\n\n{block}\n" for block in blocks))
    return path


def test_listed_bonds_that_are_too_long_are_those_of_other_atoms(data_dir: Path) -> None:
    made = ethanol(data_dir)
    elements, bonds = made.particles.elements, np.array(made.particles.bonds)
    for frame in made.frames[::40]:
        refuse_other_order("it", elements, bonds, frame)
        with pytest.raises(RequestError, match=r"it: \d of 8 bonds are longer than bonds are") as e:
            refuse_other_order("it", elements, bonds, frame[OTHER])
        assert "lists its atoms in another order than the trajectory" in e.value.hint


def test_bonds_found_by_distance_give_atoms_more_than_they_can_have(data_dir: Path) -> None:
    made = ethanol(data_dir)
    elements, frame = made.particles.elements, made.frames[0][OTHER]
    bonds = np.array(covalent_bonds(frame, elements))
    with pytest.raises(RequestError, match="1 of 1 O atoms have more than 3 bonds"):
        refuse_other_order("it", elements, bonds, frame)
    hydrogen_first = made.frames[0][[3, 4, 2, 0, 1, 5, 6, 7, 8]]
    bonds = np.array(covalent_bonds(hydrogen_first, elements))
    with pytest.raises(RequestError, match="5 of 6 H atoms have nothing that they are"):
        refuse_other_order("it", elements, bonds, hydrogen_first)


def test_hydrogens_between_two_carbons_are_none() -> None:
    x = np.array([[0.0, 0, 0], [1.2, 0, 0], [2.4, 0, 0], [3.6, 0, 0], [4.8, 0, 0]])
    bonds = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])
    with pytest.raises(RequestError, match="2 of 2 H atoms have more than 1 bond, such as atom 1"):
        refuse_other_order("it", ("C", "H", "C", "H", "C"), bonds, x)


def test_hydrogens_whose_bonds_are_not_listed_are_beside_something() -> None:
    x = np.array([[0.0, 0, 0], [1.1, 0, 0], [-1.1, 0, 0], [0, 1.5, 0]])
    refuse_other_order("it", ("C", "H", "H", "C"), np.array([[0, 3]]), x)


def test_hydrogens_in_metal_have_no_bonds_that_are_found() -> None:
    x = np.array([[0.0, 0, 0], [2.0, 0, 0], [4.0, 0, 0], [6.0, 0, 0], [7.4, 0, 0]])
    refuse_other_order("it", ("Li", "H", "H", "C", "C"), np.array([[3, 4]]), x)


def test_one_long_bond_and_one_shared_hydrogen_may_be() -> None:
    reacting = np.array([[0.0, 0, 0], [1.1, 0, 0], [2.4, 0, 0], [3.9, 0, 0], [6.3, 0, 0]])
    bonds = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])
    refuse_other_order("it", ("O", "H", "O", "C", "C"), bonds, reacting)


def test_boron_shares_hydrogens() -> None:
    x = np.array([[-0.9, 0, 0], [0.9, 0, 0], [0, 1.0, 0], [0, -1.0, 0]])
    refuse_other_order("it", ("B", "B", "H", "H"), np.array([[0, 2], [1, 2], [0, 3], [1, 3]]), x)


def test_of_a_molecule_that_a_box_cuts_another_check_tells() -> None:
    x = np.array([[0.0, 0, 0], [1.5, 0, 0], [20.0, 0, 0], [21.5, 0, 0]])
    refuse_other_order("it", ("C",) * 4, np.array([[0, 1], [1, 2], [2, 3]]), x)


def test_files_are_held_against_their_topology(tmp_path: Path, data_dir: Path) -> None:
    made = ethanol(data_dir)
    topology = xyz(tmp_path / "top.xyz", made.frames[:1])
    trajectory = xyz(tmp_path / "run.xyz", made.frames[:40, OTHER])
    with pytest.raises(RequestError, match=r"run\.xyz: frame 0: 1 of 1 O atoms"):
        open_input(trajectory, topology=topology)
    with pytest.raises(RequestError, match=r"run\.xyz: 1 of 1 O atoms"):
        prepare(
            "trajectory", data_dir=tmp_path, name="a", topology=topology, trajectory=trajectory,
            frame_time="0.5fs", delta_frames=2,
        )  # fmt: skip


def test_every_file_of_a_dataset_is_held_against_the_topology(
    tmp_path: Path, data_dir: Path
) -> None:
    made = ethanol(data_dir)
    first = xyz(tmp_path / "a.xyz", made.frames[:40])
    second = xyz(tmp_path / "b.xyz", made.frames[:40, OTHER])
    with pytest.raises(RequestError, match=r"b\.xyz: \d of 8 bonds are longer than bonds are"):
        prepare(
            "trajectory", data_dir=tmp_path, name="a", topology=first, trajectory=[first, second],
            frame_time="0.5fs", delta_frames=2,
        )  # fmt: skip
