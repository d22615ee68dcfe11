"""Files, datasets and motions as inputs of a prediction."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest

from painet_cli.data.dataset.dataset import open_dataset
from painet_cli.data.trajectories.reader import Trajectory
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.loading import load
from recordings import read_input
from tiny_files import ethanol, write_amc, write_pdb, write_trajectory

predict_module = import_module("painet_cli.prediction.predict")


def read(path: Path, **options: object) -> Input:
    return read_input(path, **options)  # type: ignore[arg-type]


def test_a_structure_of_one_frame(tmp_path: Path, data_dir: Path) -> None:
    made = ethanol(data_dir)
    system = read(write_pdb(tmp_path / "one.pdb", made, frames=1))
    assert system.frames.shape == (1, 9, 3)
    assert system.frame_time_s is None
    assert system.particles.elements == made.particles.elements
    assert set(system.particles.bonds) == set(made.particles.bonds)
    np.testing.assert_allclose(system.frames[0], made.frames[0], atol=2e-3)


def test_a_trajectory_is_read_no_further_than_asked(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pdb, dcd = write_trajectory(tmp_path, ethanol(data_dir), frames=30)
    read_numbers: list[int] = []
    frame = Trajectory.frame
    monkeypatch.setattr(
        Trajectory, "frame", lambda self, k: (read_numbers.append(k), frame(self, k))[1]
    )
    system = read(dcd, topology=pdb, first=-2)
    assert read_numbers == [0, 28, 29]  # the first says where bonds are
    assert system.first_frame == 28
    assert system.frame_time_s == pytest.approx(0.5e-15)


def test_atoms_of_a_universe_come_with_the_frames_that_a_model_reads(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ethanol(data_dir)
    pdb = write_pdb(tmp_path / "one.pdb", made, frames=1)
    model = load("sample", "cpu")
    header = model.header.model_copy(
        update={"preset": model.header.preset.changed({"data.history": 3})}
    )
    given: list[Input] = []
    monkeypatch.setattr(
        predict_module, "make_forecast", lambda _, system, *others: given.append(system) or 1 / 0
    )
    universe = MDAnalysis.Universe(str(pdb), made.frames[:30], dt=0.0005)
    for frame, first in ((20, 17), (1, 0)):
        universe.trajectory[frame]
        with pytest.raises(ZeroDivisionError):
            predict_module.predict(replace(model, header=header), universe.atoms)
        assert given[-1].first_frame == first
        np.testing.assert_allclose(given[-1].frames, made.frames[first : frame + 1], atol=1e-5)
        assert universe.trajectory.frame == frame


def test_hydrogens_are_left_out_on_demand(tmp_path: Path, data_dir: Path) -> None:
    pdb = write_pdb(tmp_path / "one.pdb", ethanol(data_dir), frames=1)
    assert read(pdb, select="heavy").particles.elements == ("C", "C", "O")
    assert len(read(pdb, select="element C").particles.names) == 2


def test_an_npz_as_md17_has_it(tmp_path: Path, data_dir: Path) -> None:
    made = ethanol(data_dir)
    z = [{"C": 6, "O": 8, "H": 1}[symbol] for symbol in made.particles.elements]
    np.savez(tmp_path / "m.npz", R=made.frames[:20].astype(np.float64), z=np.array(z))
    system = read(tmp_path / "m.npz", first=5, stop=8, select="heavy")
    np.testing.assert_array_equal(system.frames, made.frames[5:8, :3])
    assert system.particles.bonds == ((0, 1), (1, 2))
    assert system.frame_time_s is None


def test_the_vertical_of_a_motion_may_be_said_and_that_of_others_not(
    tmp_path: Path, data_dir: Path
) -> None:
    with open_input(write_amc(tmp_path, frames=4), up_axis="z") as recording:
        assert recording.up_axis == recording.read(recording.select("all")).up_axis == "z"
    pdb = write_pdb(tmp_path / "one.pdb", ethanol(data_dir), frames=1)
    with pytest.raises(RequestError, match="is no file of motion capture"):
        open_input(pdb, up_axis="z")


def test_a_motion_finds_the_skeleton_beside_it(tmp_path: Path) -> None:
    amc = write_amc(tmp_path, frames=4)
    system = read(amc)
    assert (system.kind, system.length_unit, system.up_axis) == ("motion", "ASF unit", "y")
    assert system.particles.names == ("root", "hip", "knee")
    assert system.particles.bonds == ((0, 1), (1, 2))
    assert system.frames.shape == (4, 3, 3)
    amc.with_name("7.asf").rename(tmp_path / "x.skeleton")
    with pytest.raises(RequestError, match="no skeleton"):
        read(amc)
    assert read(amc, topology=tmp_path / "x.skeleton").frames.shape == (4, 3, 3)


def test_a_time_in_place_of_the_files_own_is_said(tmp_path: Path, data_dir: Path) -> None:
    top, dcd = write_trajectory(tmp_path, ethanol(data_dir), frames=3, dt=0.002)
    said = "ethanol: 5 fs between its frames are taken, as given, in place of 2 fs"
    assert said in read(dcd, topology=top, frame_time_s=5e-15).notes
    same = read(dcd, topology=top, frame_time_s=2e-15)
    assert not any("as given" in note for note in same.notes)


def test_a_dataset_by_name_or_folder(data_dir: Path) -> None:
    by_name = read(Path("sample"), data_dir=data_dir, first=-2)
    folder = read(data_dir / "sample", first=-2)
    np.testing.assert_array_equal(by_name.frames, open_dataset(data_dir / "sample").frames[-2:])
    np.testing.assert_array_equal(by_name.frames, folder.frames)
    assert by_name.kind == "dataset"


def test_a_jump_across_the_box_is_no_motion(tmp_path: Path, data_dir: Path) -> None:
    made = ethanol(data_dir)
    box = np.array([20, 20, 20, 90, 90, 90], dtype=np.float32)
    frames = made.frames[:2].copy()
    frames[1, 0] += [20, 0, -20]
    pdb, dcd = write_trajectory(tmp_path, made, frames=2, positions=frames, box=box)
    system = read(dcd, topology=pdb)
    np.testing.assert_allclose(system.frames, made.frames[:2], atol=1e-5)


def test_bonds_a_pdb_lists_for_a_ligand_alone_are_completed(tmp_path: Path, data_dir: Path) -> None:
    made = ethanol(data_dir)
    pdb = write_pdb(tmp_path / "one.pdb", made, frames=1)
    lines = [row for row in pdb.read_text().splitlines() if not row.startswith(("CONECT", "END"))]
    pdb.write_text("\n".join([*lines, "CONECT    1    2", "END", ""]))
    assert {(0, 1), (1, 2)} <= set(read(pdb).particles.bonds)


def test_bad_files(tmp_path: Path, data_dir: Path) -> None:
    made = ethanol(data_dir)
    with pytest.raises(RequestError, match="no such file"):
        read(tmp_path / "none.pdb")
    psf = Path(MDAnalysis.__file__).parent  # a folder that is no dataset
    with pytest.raises(RequestError, match="no prepared dataset"):
        read(psf)
    one = write_pdb(tmp_path / "atom.pdb", made, frames=1, atoms=1)
    with pytest.raises(RequestError, match="a single particle"):
        read(one)
    pdb = write_pdb(tmp_path / "all.pdb", made, frames=1)
    with pytest.raises(RequestError, match="select="):
        read(pdb, select="resname XYZ")
    frames = made.frames[:3].copy()
    frames[2, 0, 0] = np.nan
    np.savez(tmp_path / "nan.npz", R=frames, z=np.array([6, 6, 8, 1, 1, 1, 1, 1, 1]))
    with pytest.raises(RequestError, match="frame 2 holds a coordinate that is NaN"):
        read(tmp_path / "nan.npz")
    np.savez(tmp_path / "odd.npz", positions=frames)
    with pytest.raises(RequestError, match="not both R and z"):
        read(tmp_path / "odd.npz")
    np.savez(tmp_path / "element.npz", R=frames, z=np.array([6, 6, 8, 1, 1, 1, 1, 1, 200]))
    with pytest.raises(RequestError, match="200 is no atomic number"):
        read(tmp_path / "element.npz")


def test_a_topology_has_no_coordinates(tmp_path: Path) -> None:
    psf = tmp_path / "a.psf"
    psf.write_text(
        "PSF\n\n       1 !NTITLE\n REMARKS two atoms\n\n       2 !NATOM\n"
        "       1 A    1    ALA  N    NH3   -0.300000       14.0070           0\n"
        "       2 A    1    ALA  CA   CT1    0.210000       12.0110           0\n\n"
        "       1 !NBOND: bonds\n       1       2\n\n       0 !NTHETA: angles\n\n"
        "       0 !NPHI: dihedrals\n\n       0 !NIMPHI: impropers\n\n       0 !NDON: donors\n\n"
        "       0 !NACC: acceptors\n\n"
    )
    with pytest.raises(RequestError, match="holds no coordinates"):
        open_input(psf)
