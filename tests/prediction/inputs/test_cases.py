"""Files that once gave a wrong answer, with what is right."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.sources.prepare import prepare
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Input, Recording

CASES = Path(__file__).parents[2] / "cases"
ETHANOL = [6, 6, 8, 1, 1, 1, 1, 1, 1]


def opened(name: str, topology: str | None = None, **how: Any) -> Recording:
    return open_input(CASES / name, topology=topology and CASES / topology, **how)


def read(name: str, topology: str | None = None, **how: Any) -> Input:
    with opened(name, topology, **how) as recording:
        return recording.read(recording.select("all"))


def prepared(tmp_path: Path, *, topology: str, trajectory: str, **how: Any) -> Dataset:
    return prepare(
        "trajectory",
        data_dir=tmp_path,
        name="case",
        topology=CASES / topology,
        trajectory=CASES / trajectory,
        delta_frames=3,
        **how,
    )


# ---- bonds --------------------------------------------------------------------------------------


def test_bonds_of_a_ligand_are_added_to_those_of_the_chain(tmp_path: Path) -> None:
    assert len(read("conect.pdb").particles.bonds) == 81
    dataset = prepared(tmp_path, topology="conect.pdb", trajectory="conect.xtc")
    assert len(dataset.manifest.particles.bonds) == 81


def test_a_molecule_that_the_box_cuts_has_all_its_bonds() -> None:
    found = read("broken.gro")
    assert len(found.particles.bonds) == 8
    i, j = np.transpose(found.particles.bonds)
    assert np.linalg.norm(found.frames[0, i] - found.frames[0, j], axis=-1).max() < 1.6


def test_of_residues_in_several_places_the_likeliest_is_taken_and_it_is_said() -> None:
    found = read("altloc.pdb")
    assert len(found.particles.names) == 240
    assert len(found.particles.bonds) == 239
    assert "15 residues are in several places" in found.notes[0]
    np.testing.assert_allclose(found.frames[0, 0], [0, 0, 0])  # A, of occupancy 0.6


def test_a_selection_may_ask_for_the_other_places(tmp_path: Path) -> None:
    with opened("altloc.pdb") as recording:
        other = recording.select("altloc B")
    assert len(other.indices) == 60


def test_elements_by_mass_are_known_whatever_their_capitals() -> None:
    found = read("chloride.xtc", "chloride.data")
    assert found.particles.elements[-1] == "Cl"
    with opened("chloride.xtc", "chloride.data") as recording:
        assert len(recording.select("heavy").indices) == 4


# ---- times and velocities -----------------------------------------------------------------------


def test_lammps_writes_femtoseconds(tmp_path: Path) -> None:
    dataset = prepared(tmp_path, topology="mol.xyz", trajectory="lammps.dcd")
    assert dataset.manifest.units.frame_time_s == pytest.approx(20e-15)


@pytest.mark.parametrize(
    ("title", "step", "steps", "femtoseconds"),
    [
        ("Written by LAMMPS", 2.0, 10, 20),
        ("Written by LAMMPS", 0.001, 10, None),  # metal units: 1 fs, or anything
        ("Created by DCD plugin", 1.0, 1, None),  # VMD, mdtraj
        ("REMARKS CREATED BY NAMD", 0.0409095, 100, 200),
        ("CREATED BY USER: someone", 0.0204548, 1000, 1000),  # CHARMM
        ("CREATED BY OPENMM", 0.0818191, 50, 200),
        ("DCD file created by CP2K", 0.5, 10, 5),
        ("DCD file created by CP2K", 1.0, 1, 1),
    ],
)
def test_the_writer_of_a_dcd_tells_its_unit_of_time(
    tmp_path: Path, title: str, step: float, steps: int, femtoseconds: float | None
) -> None:
    raw = bytearray((CASES / "lammps.dcd").read_bytes())
    raw[16:20] = steps.to_bytes(4, "little")
    raw[44:48] = np.float32(step).tobytes()
    raw[100:180] = title.ljust(80).encode()
    path = tmp_path / "run.dcd"
    path.write_bytes(raw)
    with open_input(path, topology=CASES / "mol.xyz") as recording:
        if femtoseconds is None:
            assert recording.frame_time_s is None
        else:
            assert recording.frame_time_s == pytest.approx(femtoseconds * 1e-15, rel=1e-4)


def test_the_first_step_of_a_dcd_is_on_its_clock(tmp_path: Path) -> None:
    raw = bytearray((CASES / "lammps.dcd").read_bytes())
    raw[12:16] = (5000).to_bytes(4, "little")  # steps of 2 fs, every tenth written
    (tmp_path / "late.dcd").write_bytes(raw)
    with open_input(tmp_path / "late.dcd", topology=CASES / "mol.xyz") as recording:
        found = recording.read(recording.select("all"), 1, 3)
    np.testing.assert_allclose(found.times_s, [10_020e-15, 10_040e-15])


def test_all_frames_of_a_gro_are_read() -> None:
    found = read("multi.gro")
    assert len(found.frames) == 7
    assert found.frame_time_s == pytest.approx(5e-16)
    assert found.times_s is not None
    np.testing.assert_allclose(found.frames[6, 0] - found.frames[0, 0], [3, 0, 0], atol=0.05)


def test_velocities_of_a_gro_are_read() -> None:
    found = read("vel.gro")
    assert found.velocities is not None
    np.testing.assert_allclose(found.velocities[0, 0], [5e12, 0, 0])  # 5 A/ps


# ---- formats ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run.lammpstrj", "run.lammpsdump", "run.dump", "run"])
def test_a_lammps_trajectory_is_read_under_any_name(tmp_path: Path, name: str) -> None:
    shutil.copy(CASES / "run.lammpstrj", tmp_path / name)
    with open_input(tmp_path / name, topology=CASES / "mol.xyz") as recording:
        assert recording.frame_count == 60


def test_a_format_may_be_named(tmp_path: Path) -> None:
    shutil.copy(CASES / "run.lammpstrj", tmp_path / "run.xyz")
    path = tmp_path / "run.xyz"
    with open_input(path, topology=CASES / "mol.xyz", format_name="lammpsdump") as recording:
        assert recording.frame_count == 60
    with pytest.raises(RequestError, match="no such format"):
        open_input(path, topology=CASES / "mol.xyz", format_name="nonsense")


def test_unwrapping_takes_the_bonds_of_a_length(tmp_path: Path) -> None:
    dataset = prepared(
        tmp_path,
        topology="mol.xyz",
        trajectory="run.lammpstrj",
        frame_time="20fs",
        unwrap=True,
        bond_length=1.9,
        format="LAMMPSDUMP",
    )
    i, j = np.transpose(dataset.manifest.particles.bonds)
    assert np.linalg.norm(dataset.frames[:, i] - dataset.frames[:, j], axis=-1).max() < 2.2


def test_mmcif_is_read_as_pdb_is() -> None:
    found = read("peptide.cif")
    assert len(found.particles.names) == 248
    assert len(found.particles.bonds) == 247
    assert set(found.particles.chains) == {"A"}


def test_bvh_is_posed_in_the_order_of_its_channels() -> None:
    """The root turns by y, x, z, its leg by z, x, y: worked out by hand for frame 0."""
    found = read("two.bvh")
    assert found.particles.names == ("Hips", "rig:Leg", "rig:Leg_end")
    assert found.particles.bonds == ((0, 1), (1, 2))
    assert found.frame_time_s == pytest.approx(1 / 30, rel=1e-4)
    one, twenty, five = np.radians([1, 20, 5])
    turn_x = lambda a: np.array(  # noqa: E731
        [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
    )
    turn_y = np.array(
        [[np.cos(five), 0, np.sin(five)], [0, 1, 0], [-np.sin(five), 0, np.cos(five)]]
    )
    leg = [0, 90, 0] + turn_x(one) @ [10, -5, 0]
    end = leg + turn_x(one) @ turn_x(twenty) @ turn_y @ [0, -40, 0]
    np.testing.assert_allclose(found.frames[0], [[0, 90, 0], leg, end], atol=1e-4)


def test_bvh_may_have_the_line_ends_of_windows(tmp_path: Path) -> None:
    text = (CASES / "two.bvh").read_bytes().replace(b"\n", b"\r\n")
    (tmp_path / "two.bvh").write_bytes(text)
    with open_input(tmp_path / "two.bvh") as recording:
        frames = recording.read(recording.select("all")).frames
    np.testing.assert_array_equal(frames, read("two.bvh").frames)


# ---- units --------------------------------------------------------------------------------------


def test_a_unit_that_a_comment_declares_is_converted() -> None:
    found = read("bohr.xyz")
    assert len(found.particles.bonds) == 8
    np.testing.assert_allclose(found.frames[0, 0, 0], -2.238892 * 0.529177210903, rtol=1e-6)
    assert found.boxes is not None
    np.testing.assert_allclose(found.boxes[0, 0, 0], 56 * 0.529177210903)


def molecule() -> np.ndarray[Any, np.dtype[np.float64]]:
    """(4, 9, 3) frames of the nine-atom molecule that drifts."""
    first = read("mol.xyz").frames[0].astype(np.float64)
    return first + 0.01 * np.arange(4)[:, None, None]


@pytest.mark.parametrize(
    ("arrays", "scale"),
    [
        ({"r_unit": "nm"}, 0.1),
        ({"r_unit": "bohr"}, 1 / 0.529177210903),
        ({"r_unit": "Ang"}, 1.0),
        ({}, 1.0),
    ],
)
def test_a_unit_that_an_npz_declares_is_converted(
    tmp_path: Path, arrays: dict[str, Any], scale: float
) -> None:
    np.savez(tmp_path / "m.npz", R=molecule() * scale, z=ETHANOL, **arrays)
    with open_input(tmp_path / "m.npz") as recording:
        found = recording.read(recording.select("all"))
    np.testing.assert_allclose(found.frames, molecule(), rtol=1e-6)
    assert len(found.particles.bonds) == 8


def test_an_npz_in_another_unit_that_says_nothing_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", R=molecule() / 10, z=ETHANOL)
    with pytest.raises(RequestError, match="these look like nanometres"):
        open_input(tmp_path / "m.npz")


def test_an_npz_of_a_crystal_whose_atoms_lie_as_far_apart_as_carbons_in_bohr_is_read(
    tmp_path: Path,
) -> None:
    silicon = 2.35 * np.stack(np.meshgrid(*[np.arange(3.0)] * 3), axis=-1).reshape(1, -1, 3)
    np.savez(tmp_path / "m.npz", R=silicon, z=[14] * 27)
    with open_input(tmp_path / "m.npz") as recording:
        np.testing.assert_allclose(recording.read(recording.select("all")).frames, silicon)


@pytest.mark.parametrize(
    "arrays",
    [
        {"R": molecule().astype(">f8"), "z": np.array(ETHANOL, dtype=">i4")},
        {"R": np.asfortranarray(molecule()), "z": ETHANOL},
        {"coords": molecule(), "nuclear_charges": ETHANOL, "energies": np.zeros(4)},
    ],
    ids=["big-endian", "Fortran", "rMD17"],
)
def test_an_npz_of_any_make_is_read(tmp_path: Path, arrays: dict[str, Any]) -> None:
    np.savez(tmp_path / "m.npz", **arrays)
    with open_input(tmp_path / "m.npz") as recording:
        found = recording.read(recording.select("all"), 1, 3)
    np.testing.assert_allclose(found.frames, molecule()[1:3], rtol=1e-6)
    assert found.frames.dtype == np.float32


# ---- what cannot be followed --------------------------------------------------------------------


def test_frames_of_other_numbers_of_atoms_are_named() -> None:
    with pytest.raises(RequestError, match="frame 2 has 8 atoms, frame 0 has 9"):
        opened("varying.xyz")


def test_frames_whose_atoms_change_their_order_are_named() -> None:
    with pytest.raises(RequestError, match="atom 0 of frame 9 is O, that of frame 0 is C"):
        read("reorder.xyz")


@pytest.mark.parametrize(
    ("name", "topology", "bytes_off", "whole"),
    [
        ("lammps.dcd", "mol.xyz", 100, 59),
        ("run.lammpstrj", "mol.xyz", 100, 59),
        ("even.xtc", "mol.xyz", 30, 7),
        ("multi.gro", None, 20, 6),
        ("multi.gro", None, 200, 6),
    ],
)
def test_a_cut_trajectory_is_said_to_be_one(
    tmp_path: Path, name: str, topology: str | None, bytes_off: int, whole: int
) -> None:
    (tmp_path / name).write_bytes((CASES / name).read_bytes()[:-bytes_off])
    with open_input(tmp_path / name, topology=topology and CASES / topology) as recording:
        found = recording.read(recording.select("all"))
    assert len(found.frames) == whole
    assert f"{name} is cut short" in found.notes[0]


def test_nothing_is_written_beside_what_is_read(tmp_path: Path) -> None:
    for name in ("mol.xyz", "even.xtc", "lammps.dcd", "multi.gro"):
        shutil.copy(CASES / name, tmp_path / name)
    before = sorted(tmp_path.iterdir())
    for name in ("even.xtc", "lammps.dcd", "multi.gro"):
        top = tmp_path / "mol.xyz" if name != "multi.gro" else None
        with open_input(tmp_path / name, topology=top) as recording:
            recording.read(recording.select("all"))
    assert sorted(tmp_path.iterdir()) == before
