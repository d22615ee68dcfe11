"""Files that simulation programs wrote, each held against what the program itself says of it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from painet_cli.cli.app import main
from painet_cli.data.trajectories.readable import BY_NAME, format_of
from painet_cli.data.trajectories.reader import Trajectory, open_topology
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.open import open_input

ENGINES = Path(__file__).parents[2] / "engines"
CORPUS = ENGINES.parent / "fuzz" / "corpus"
DIPEPTIDE = CORPUS / "g96" / "dipeptide.g96"


def test_g96_of_one_frame_has_names_residues_velocities_time_and_box() -> None:
    with open_input(DIPEPTIDE) as recording:
        chosen = recording.select("all")
        found = recording.read(chosen, 0, 1)
    particles = chosen.particles
    assert particles.names[:3] == ("CH3", "HH31", "HH32")
    assert (particles.residues[0], particles.residues[-1]) == ("ACE", "NME")
    assert particles.residue_ids[-1] == 3
    assert particles.elements.count("H") == 12
    assert len(particles.bonds) == 21
    np.testing.assert_allclose(found.frames[0, 0], [17.31, 21.22, 9.96], rtol=1e-6)  # angstrom
    assert found.velocities is not None
    np.testing.assert_allclose(found.velocities[0, 0] * 1e-12, [1.817, -2.494, -0.757], rtol=1e-6)
    assert found.times_s is not None
    np.testing.assert_allclose(found.times_s, [0.5e-12])
    assert found.boxes is not None
    np.testing.assert_allclose(found.boxes[0, 2], [13.8671, 13.8671, 19.611], rtol=1e-6)


def test_g96_of_a_run_takes_a_topology_and_its_own_times(tmp_path: Path) -> None:
    run = ENGINES / "dipeptide-run.g96"
    with open_input(run, topology=DIPEPTIDE) as recording:
        assert recording.frame_count == 3
        assert recording.frame_time_s == pytest.approx(20e-15)
        assert recording.read(recording.select("all"), 0, 3).velocities is not None
    with pytest.raises(RequestError, match="without names"):
        open_input(run)
    going_on = tmp_path / "run.g96"  # its last frame is being written
    going_on.write_bytes(run.read_bytes()[:-400])
    with open_input(going_on, topology=DIPEPTIDE) as recording:
        assert recording.frame_count == 2
        found = recording.read(recording.select("all"), 0, 2)
    assert "cut short" in " ".join(found.notes)


def test_a_minimisation_of_gromacs_is_said_to_be_no_motion(tmp_path: Path) -> None:
    steepest = ENGINES / "minimised.trr"  # steps 10, 23, 37, 49 and 61, at as many picoseconds
    with closing(Trajectory(steepest, steepest, 22, drop_extra=False)) as file:
        assert "minimisations" in " ".join(file.notes)
    raw = steepest.read_bytes()
    at, length = 24 + 40 + 4, len(raw) // 5
    motion = tmp_path / "motion.trr"  # the same at steps of 2 fs
    steps = [int.from_bytes(raw[at + k * length :][:4]) * 500 for k in range(5)]
    frames = [raw[k * length : (k + 1) * length] for k in range(5)]
    motion.write_bytes(
        b"".join(
            one[:at] + step.to_bytes(4) + one[at + 4 :]
            for one, step in zip(frames, steps, strict=True)
        )
    )
    with closing(Trajectory(motion, motion, 22, drop_extra=False)) as file:
        assert file.notes == ()


def test_models_of_cp2k_have_the_times_of_their_remarks() -> None:
    with open_input(ENGINES / "water-pos-1.pdb") as recording:
        assert recording.frame_count == 3
        assert recording.frame_time_s == pytest.approx(1e-15)
        found = recording.read(recording.select("all"), 0, 3)
    assert found.times_s is not None
    np.testing.assert_allclose(found.times_s, [0, 1e-15, 2e-15])


def test_the_output_of_pw_has_its_time_step_between_frames(tmp_path: Path) -> None:
    pytest.importorskip("ase")
    with open_input(CORPUS / "espresso" / "pw.out") as recording:
        chosen = recording.select("all")
        assert recording.frame_time_s == pytest.approx(0.96755e-15, rel=1e-4)  # 20 Rydberg units
        found = recording.read(chosen, 0, recording.frame_count)
    assert chosen.particles.elements == ("O", "H", "H")
    expected = [-0.0156430901, 0.7493150517, -0.4857702487]  # what it prints of iteration 1
    np.testing.assert_allclose(found.frames[1, 1], expected, atol=1e-5)
    assert found.boxes is not None
    np.testing.assert_allclose(np.diag(found.boxes[0]), 5.29177, rtol=1e-5)
    other = tmp_path / "md.out"
    other.write_text("DBCSR| Multiplication driver\n")
    with pytest.raises(RequestError, match="a log: not read"):
        format_of(other)


def test_a_tng_that_cannot_be_read_has_another_way() -> None:
    assert "`gmx trjconv -f in.tng -o out.xtc`" in BY_NAME["TNG"].mends()


def predicted(name: str, to: Path) -> tuple[int, dict[str, Any]]:
    none = str(to / "none")
    status = main(["predict", str(ENGINES / name), "-o", str(to / "out"), "--run-dir", none])
    return status, json.loads((to / "out/summary.json").read_text()) if status == 0 else {}


@pytest.mark.parametrize("name", ["united-alanine.gro", "aspirin.pdbqt"])
def test_united_atoms_are_not_taken_for_bare_carbons(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predicted(name, tmp_path)[0] == 2
    assert "no checkpoint is like this system" in capsys.readouterr().err


def test_residues_of_a_mol2_have_their_names_without_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    universe = open_topology(ENGINES / "dipeptide.mol2")
    assert universe.residues.resnames.tolist() == ["ACE", "ALA", "NME"]
    assert universe.select_atoms("backbone").n_atoms == 7
    status, summary = predicted("smiles.mol2", tmp_path)  # one residue, atoms called C, N and O
    assert (status, summary["checkpoint"]) == (0, "molecule")
    assert "cut short" not in capsys.readouterr().err


def test_a_topology_of_gromacs_finds_its_force_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "topol.top"
    top.write_text('#include "mine.ff/water.itp"\n[ system ]\nwater\n[ molecules ]\nSOL 2\n')
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("GMXLIB", "GMXDATA"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RequestError, match="cannot be read") as refused:
        open_topology(top)
    assert "GMXLIB" in refused.value.hint
    force_field = tmp_path / "share/top/mine.ff"
    force_field.mkdir(parents=True)
    (force_field / "water.itp").write_text(
        "[ moleculetype ]\nSOL 2\n[ atoms ]\n1 OW 1 SOL OW 1 -0.8 16.0\n"
        "2 HW 1 SOL HW1 1 0.4 1.008\n3 HW 1 SOL HW2 1 0.4 1.008\n"
        "[ settles ]\n1 1 0.09572 0.15139\n"
    )
    monkeypatch.setenv("GMXDATA", str(tmp_path / "share"))
    universe = open_topology(top)
    assert universe.atoms.names.tolist() == ["OW", "HW1", "HW2"] * 2
    assert len(universe.bonds) == 4
