"""Inputs that once gave a prediction that only looked right, each with what is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from MDAnalysis.lib.mdamath import triclinic_vectors
from numpy.typing import NDArray

from painet_cli.cli.app import main
from painet_cli.data.sources.prepare import prepare
from painet_cli.errors import RequestError

CASES = Path(__file__).parents[1] / "cases"
HEAVY = Path(__file__).parents[1] / "reference/ethanol-heavy.safetensors"
"""Ethanol without its hydrogens, 187.5 fs a step: a mean, which shrinks, is what it predicts."""
Predict = Any


@pytest.fixture
def predict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Predict:
    """Predict a file with the shipped checkpoints: exit status, `summary.json`, what was said."""

    def typed(file: str | Path, *words: object) -> tuple[int, dict[str, Any], str]:
        out = tmp_path / "out"
        command = ["predict", str(CASES / file), *map(str, words), "-T", "5", "--force"]
        status = main([*command, "-o", str(out), "--run-dir", str(tmp_path / "none")])
        summary = json.loads((out / "summary.json").read_text()) if status == 0 else {}
        return status, summary, capsys.readouterr().err

    return typed


def start_of(summary: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Positions of the start, and bonds."""
    with np.load(Path(summary["folder"]) / "prediction.npz") as arrays:
        return arrays["start_positions"][0], arrays["bonds"]


def longest_bond(summary: dict[str, Any]) -> float:
    x, bonds = start_of(summary)
    return float(np.linalg.norm(x[bonds[:, 0]] - x[bonds[:, 1]], axis=1).max())


def xyz(path: Path, names: list[str], frames: NDArray[np.floating], comment: str = "") -> Path:
    lines = []
    for frame in frames:
        lines += [str(len(names)), comment]
        lines += [f"{n} {x:.5f} {y:.5f} {z:.5f}" for n, (x, y, z) in zip(names, frame, strict=True)]
    path.write_text("\n".join([*lines, ""]))
    return path


def read_xyz(name: str) -> tuple[list[str], NDArray[np.float64]]:
    """Names and frames of one of the cases."""
    rows = [line.split() for line in (CASES / name).read_text().splitlines()]
    count = int(rows[0][0])
    atoms = [row for k, row in enumerate(rows) if k % (count + 2) > 1]
    return [row[0] for row in atoms[:count]], np.array(
        [row[1:4] for row in atoms], dtype=float
    ).reshape(-1, count, 3)


def turned(seed: int) -> NDArray[np.float64]:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return np.asarray(q * np.sign(np.linalg.det(q)))


# ---- boxes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [("box.xtc", "--topology", CASES / "box.pdb"), ("box.pdb",)], ids=["xtc", "pdb"]
)
def test_a_molecule_that_the_box_cuts_is_made_whole(predict: Predict, words: Any) -> None:
    status, summary, _ = predict(*words)
    assert status == 0
    assert longest_bond(summary) < 1.6
    assert summary["sanity"]["verdict"] == "plausible"


def test_without_bonds_in_the_file_it_is_made_whole_too(predict: Predict) -> None:
    status, summary, _ = predict("broken.gro")
    assert status == 0
    assert len(start_of(summary)[1]) == 8
    assert longest_bond(summary) < 1.6


@pytest.mark.parametrize("angles", [(90, 90, 90), (70, 80, 65), (60, 60, 90)])
@pytest.mark.parametrize("copies", [1, 3])
def test_in_boxes_of_any_shape_and_among_others(
    predict: Predict, tmp_path: Path, angles: tuple[float, ...], copies: int
) -> None:
    names, frames = read_xyz("mol.xyz")
    box = triclinic_vectors((24, 25, 26, *angles), dtype=np.float64)
    x = np.concatenate([frames[0] + 5.0 * k for k in range(copies)])
    inside = x @ np.linalg.inv(box)
    cut = (inside - np.floor(inside)) @ box
    lattice = " ".join(f"{value:.6f}" for value in box.ravel())
    file = xyz(tmp_path / "cut.xyz", names * copies, cut[None], f'Lattice="{lattice}"')
    status, summary, _ = predict(file, "--checkpoint", "sample")
    assert status == 0
    assert longest_bond(summary) < 1.6
    assert len(start_of(summary)[1]) == 8 * copies


def test_a_molecule_in_pieces_without_a_box_is_refused(predict: Predict, tmp_path: Path) -> None:
    text = (CASES / "box.pdb").read_text().splitlines(keepends=True)
    (tmp_path / "cut.pdb").write_text("".join(line for line in text if "CRYST1" not in line))
    status, _, said = predict(tmp_path / "cut.pdb", "--checkpoint", "protein-backbone")
    assert status == 2
    assert "angstrom long, at most" in said
    assert "box" in said


def test_a_trajectory_whose_molecules_are_cut_in_the_first_frame_only(tmp_path: Path) -> None:
    names, frames = read_xyz("mol.xyz")
    x = np.repeat(frames + 6.0, 60, axis=0)
    x[0, 2] -= [12.0, 0, 0]
    file = xyz(tmp_path / "cut.xyz", names, x, 'Lattice="12 0 0 0 12 0 0 0 12"')
    how: dict[str, Any] = {
        "data_dir": tmp_path,
        "name": "cut",
        "topology": file,
        "frame_time": "1fs",
        "delta_frames": 3,
    }
    with pytest.raises(RequestError, match="in frame 0 the periodic box cuts a molecule") as error:
        prepare("trajectory", **how)
    assert "unwrap=True" in error.value.hint
    made = prepare("trajectory", unwrap=True, **how)
    np.testing.assert_allclose(np.ptp(made.frames, axis=0), 0, atol=1e-4)
    assert made.manifest.treatment == ("unwrapped",)


def test_a_whole_protein_that_tumbles_is_not_broken(tmp_path: Path) -> None:
    names, frames = read_xyz("mol.xyz")
    chain = np.concatenate([frames[0] + [4.0 * k, 0, 0] for k in range(4)])
    chain = chain - chain.mean(axis=0)
    x = np.stack([chain @ turned(k) + 9.0 for k in range(60)])
    file = xyz(tmp_path / "turning.xyz", names * 4, x, 'Lattice="18 0 0 0 18 0 0 0 18"')
    made = prepare(
        "trajectory",
        data_dir=tmp_path,
        name="turning",
        topology=file,
        frame_time="100ps",
        delta_frames=3,
        bond_length=3.0,  # one chain of four
    )
    np.testing.assert_allclose(made.frames, x, atol=1e-4)


def test_unwrapping_by_a_bond_length_sends_no_one_in_a_circle(tmp_path: Path) -> None:
    made = prepare(
        "trajectory",
        data_dir=tmp_path,
        name="u",
        topology=CASES / "mol.xyz",
        trajectory=[CASES / "run.lammpstrj"],
        frame_time="20fs",
        delta_frames=3,
        unwrap=True,
        bond_length=1.9,
    )
    bonds = np.array(made.manifest.particles.bonds)
    apart = np.linalg.norm(made.frames[:, bonds[:, 0]] - made.frames[:, bonds[:, 1]], axis=-1)
    assert apart.max() < 2.5
    assert np.abs(np.diff(made.frames, axis=0)).max() < 1.0


# ---- run-away and nonsense ----------------------------------------------------------------------


def test_models_without_times_are_no_motion(predict: Predict, tmp_path: Path) -> None:
    status, _, said = predict("models.pdb")
    assert status == 2  # these models are no molecule, either: bonds of 0.6 and 2.5 angstrom
    assert "no checkpoint is like this system" in said
    lines = (CASES / "peptide.pdb").read_text().splitlines(keepends=True)
    atoms = [line for line in lines if line.startswith("ATOM")]
    models = ""
    for k in range(20):
        x = np.array([[float(a[30 + 8 * i : 38 + 8 * i]) for i in range(3)] for a in atoms])
        x = x + np.random.default_rng(k).normal(0, 0.05, x.shape)
        rows = [
            a[:30] + "".join(f"{value:8.3f}" for value in row) + a[54:]
            for a, row in zip(atoms, x, strict=True)
        ]
        models += f"MODEL     {k + 1:4}\n{''.join(rows)}ENDMDL\n"
    (tmp_path / "nmr.pdb").write_text(models)
    status, summary, said = predict(tmp_path / "nmr.pdb")
    assert status == 0
    assert summary["velocity"]["used"] == ["none"]
    assert "20 models have no times" in said
    timed = (tmp_path / "nmr.pdb", "--frame-time", "1ps")
    status, summary, said = predict(*timed)
    assert (status, summary["predicted_by"]) == (0, "mean of the last frames")  # of noise
    assert "nothing was learned from nmr" in said
    status, summary, _ = predict(*timed, "--adapt", "never")
    assert (status, summary["velocity"]["used"]) == (0, ["before"])


def test_frames_in_random_order_are_refused(predict: Predict, tmp_path: Path) -> None:
    status, _, said = predict("shuffled.xyz")
    assert status == 2
    assert "which no molecule does" in said
    with pytest.raises(RequestError, match="which no molecule does"):
        prepare(
            "trajectory",
            data_dir=tmp_path,
            name="shuffled",
            topology=CASES / "shuffled.xyz",
            frame_time="0.5fs",
            delta_frames=3,
        )
    assert not list(tmp_path.glob("shuffled*"))


def test_atoms_that_change_their_order_are_refused(predict: Predict) -> None:
    status, _, said = predict("reorder.xyz")
    assert status == 2
    assert "change their order" in said


def test_a_whole_that_drifts_faster_than_any_it_knew_moves_straight_on(predict: Predict) -> None:
    status, summary, said = predict("multi.gro")
    assert (status, summary["start_frame"]) == (0, 6)
    with np.load(Path(summary["folder"]) / "prediction.npz") as arrays:
        moved = (arrays["positions"][0] - arrays["start_positions"]).mean(axis=1)
        np.testing.assert_allclose(moved[:, 0], 1e15 * arrays["times_s"], rtol=0.05)
    assert "drifts faster" in said
    assert summary["sanity"]["verdict"] == "plausible"


def test_what_is_distorted_is_marked_without_being_asked(predict: Predict) -> None:
    status, summary, said = predict("mol.xyz", "--select", "heavy", "--checkpoint", HEAVY)
    assert status == 0
    assert summary["sanity"]["verdict"] == "distorted"
    assert "the prediction is distorted" in said
    page = (Path(summary["folder"]) / "report.html").read_text(encoding="utf-8")
    assert "distorted" in page


# ---- identity -----------------------------------------------------------------------------------


def test_a_peptide_gets_the_model_of_a_protein(predict: Predict) -> None:
    status, summary, _ = predict("peptide.pdb")
    assert (status, summary["checkpoint"]) == (0, "protein-backbone")
    assert summary["sanity"]["verdict"] == "plausible"


def test_cyclohexane_fits_no_checkpoint_and_is_said_to_be_another_system(
    predict: Predict, tmp_path: Path
) -> None:
    status, _, said = predict("cyclohexane.xyz")
    assert status == 2
    assert "the time between the frames is not known" in said
    assert "--frame-time" in said
    status, _, said = predict("cyclohexane.xyz", "--frame-time", "200fs")
    assert status == 2
    assert "it was trained on another system" in said
    assert "molecule: it serves frames 1 fs to 50 fs apart" in said
    names, frames = read_xyz("cyclohexane.xyz")
    carbons = [k for k, name in enumerate(names) if name == "C"]
    bare = xyz(tmp_path / "bare.xyz", ["C"] * 6, frames[:1, carbons])
    assert predict(bare)[0] == 2  # without hydrogens, its bonds are too long
    status, _, said = predict(bare, "--checkpoint", HEAVY)
    assert status in (0, 1)
    assert "another system" in said


def test_alanine_dipeptide_without_hydrogens_fits_no_checkpoint(
    predict: Predict, tmp_path: Path
) -> None:
    names = ["C", "C", "O", "N", "C", "C", "C", "O", "N", "C"]
    x = np.array(
        [
            [2.0, 1.0, 0.0], [3.43, 1.54, 0.0], [4.39, 0.72, 0.0], [3.56, 2.87, 0.0],
            [4.85, 3.54, 0.0], [5.66, 3.22, 1.23], [5.66, 3.16, -1.24], [5.12, 2.85, -2.30],
            [6.95, 3.20, -1.10], [7.85, 2.86, -2.19],
        ]
    )  # fmt: skip
    file = xyz(tmp_path / "ace-ala-nme.xyz", names, x[None])
    status, _, said = predict(file)
    assert status == 2
    assert "no checkpoint is like this system" in said


def test_another_skeleton_of_the_same_joints_is_told_apart(predict: Predict) -> None:
    skeleton = "--topology", CASES / "invented.asf"
    status, _, said = predict("invented.amc", *skeleton)
    assert status == 2
    assert "bone lengths differ" in said
    status, _, said = predict("invented.amc", *skeleton, "--checkpoint", "mocap-walk")
    assert "another skeleton" in said


# ---- times and velocities -----------------------------------------------------------------------


def test_a_velocity_is_by_the_time_before_its_start(predict: Predict) -> None:
    shifts = {}
    for name, start in (("gap.xtc", 4), ("even.xtc", 5)):
        words = "--topology", CASES / "mol.xyz", "--start", start
        status, summary, said = predict(name, *words)
        assert status == 0
        x, _ = start_of(summary)
        with np.load(Path(summary["folder"]) / "prediction.npz") as arrays:
            shifts[name] = float((arrays["positions"][0, 0] - x)[:, 0].mean())
        assert ("not evenly spaced" in said) == (name == "gap.xtc")
    assert shifts["gap.xtc"] == pytest.approx(0.08, abs=0.01)
    assert shifts["even.xtc"] == pytest.approx(0.08, abs=0.01)


def test_velocities_that_a_file_holds_are_used(predict: Predict) -> None:
    status, summary, _ = predict("vel.gro")
    assert (status, summary["velocity"]["used"]) == (0, ["file"])
    with np.load(Path(summary["folder"]) / "prediction.npz") as arrays:
        moved = (arrays["positions"][0] - arrays["start_positions"])[:, :, 0].mean(axis=1)
        np.testing.assert_allclose(moved, 5e12 * arrays["times_s"], rtol=0.3)
