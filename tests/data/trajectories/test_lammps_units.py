"""Units of files that LAMMPS wrote, by its own runs: a file names them, another does, or none."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing
from pathlib import Path

import numpy as np
import pytest

from painet_cli.data.trajectories.dcd import DcdHeader
from painet_cli.data.trajectories.reader import Trajectory, open_topology

ENGINES = Path(__file__).parents[2] / "engines"


def opened(path: Path, topology: Path, atoms: int) -> AbstractContextManager[Trajectory]:
    return closing(Trajectory(path, topology, atoms, drop_extra=False))


def test_a_dump_that_names_no_units_has_those_of_its_data_file() -> None:
    dump = ENGINES / "argon.lammpstrj"
    with opened(dump, ENGINES / "argon.data", 4) as told:  # nanometres, and a nanosecond
        frame = told.frame(0)
    np.testing.assert_allclose(frame.positions[1], [2.65, 2.65, 0.0])
    assert frame.box is not None
    np.testing.assert_allclose(np.diag(frame.box), 5.3)
    assert frame.velocities is not None
    np.testing.assert_allclose(frame.velocities[0], [1.2943, 0.211538, 0.322535], rtol=1e-5)
    with opened(dump, dump, 4) as alone:
        bare = alone.frame(0)
    np.testing.assert_allclose(bare.positions[1], [0.265, 0.265, 0.0])
    assert bare.velocities is None


@pytest.mark.parametrize("units", ["lj", "metal"])
def test_a_trajectory_beside_a_data_file_in_reduced_units_is_said_to_be_in_none(
    units: str, tmp_path: Path
) -> None:
    data = tmp_path / "copper.data"
    atoms = "".join(f"{k} 1 {k}.5 6.5 7.5\n" for k in range(1, 9))
    data.write_text(
        f"LAMMPS data file via write_data, units = {units}\n\n8 atoms\n1 atom types\n\n"
        "0 9 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi\n\nMasses\n\n1 1\n\nAtoms # atomic\n\n" + atoms
    )
    with opened(ENGINES / "copper.dcd", data, 8) as told:
        said = [note for note in told.notes if "copper.data is in units of Lennard-Jones" in note]
    assert len(said) == (units == "lj")


def test_extended_xyz_in_picoseconds_is_not_taken_for_femtoseconds(tmp_path: Path) -> None:
    metal = ENGINES / "copper.extxyz"  # units metal, 5 fs between frames
    with opened(metal, metal, 8) as told:
        assert told.frame_time_ps is None
        assert told.frame(1).velocities is None
        assert "does not say LAMMPS' unit of time" in told.notes[0]
    real = tmp_path / "real.extxyz"  # the same in units real
    text = metal.read_text()
    real.write_text(text.replace("Time=0.005", "Time=5.000").replace("Time=0.01", "Time=10.0"))
    with opened(real, real, 8) as femtoseconds:
        assert femtoseconds.frame_time_ps == pytest.approx(0.005)
        assert femtoseconds.frame(1).velocities is not None
        assert femtoseconds.notes == ()


def test_a_dcd_of_lammps_says_who_wrote_it(tmp_path: Path) -> None:
    head = DcdHeader.read(ENGINES / "copper.dcd")
    assert head.frame_time_ps is None  # 0.001 of a unit that is no femtosecond
    real = tmp_path / "real.dcd"
    written = (ENGINES / "copper.dcd").read_bytes()
    real.write_bytes(written[:44] + np.float32(0.5).tobytes() + written[48:])
    head = DcdHeader.read(real)
    assert (head.frame_time_ps, head.unsaid) == (pytest.approx(0.0025), False)


@pytest.mark.parametrize("images", ["", " 0 -1 0"], ids=["", "images"])
@pytest.mark.parametrize(
    ("style", "before", "types"),
    [("atomic", "1", ["1"]), ("charge", "1 -0.83", ["1"]), ("molecular", "7 1", ["1"])],
)
def test_the_columns_of_a_data_file_are_told_without_its_style(
    style: str, before: str, types: list[str], images: str, tmp_path: Path
) -> None:
    data = tmp_path / f"{style}.data"
    data.write_text(
        "LAMMPS\n\n1 atoms\n1 atom types\n\n0 9 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi\n\n"
        f"Masses\n\n1 15.9994\n\nAtoms\n\n1 {before} 5.5 6.5 7.5{images}\n"
    )
    assert open_topology(data).atoms.types.tolist() == types
    with opened(data, data, 1) as told:
        np.testing.assert_allclose(told.frame(0).positions, [[5.5, 6.5, 7.5]])
