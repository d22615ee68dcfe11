"""`painet predict` on real files with the shipped checkpoints; what it wrote, opened again."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest

from painet_cli.cli.app import main

ADK = ["protein/adk/adk_dims.dcd", "--topology", "protein/adk/adk.psf", "--start", "40"]
DHFR = [
    *("protein/dhfr/1rx2_5ns.nc", "--topology", "protein/dhfr/1rx2-CA.pdb"),
    *("--drop-extra", "--frame-time", "5ps", "--checkpoint", "protein-backbone"),
]


def predicted(shared: Path, words: list[str]) -> dict[str, object]:
    """What `painet predict` says of a file below the shared data, in the present folder."""
    data = shared / "data"
    arguments = [str(data / word) if (data / word).is_file() else word for word in words]
    assert main(["predict", *arguments, "-T", "5", "-o", "out", "--quiet"]) == 0
    told: dict[str, object] = json.loads(Path("out/summary.json").read_text())
    return told


@pytest.mark.parametrize(
    ("words", "checkpoint", "particles", "trajectory"),
    [
        (ADK, "protein-backbone", 855, "adk_dims_predicted.dcd"),
        (DHFR, "protein-backbone", 159, "1rx2_5ns_predicted.nc"),
        (["md17/ethanol_dft_2000.npz"], "sample", 9, "ethanol_dft_2000_predicted.dcd"),
    ],
    ids=["adk", "dhfr", "ethanol"],
)
def test_a_trajectory_goes_on_and_opens_again(
    words: list[str],
    checkpoint: str,
    particles: int,
    trajectory: str,
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    told = predicted(shared, words)
    assert (told["checkpoint"], told["particles"], told["steps"]) == (checkpoint, particles, 5)
    topology = next(Path("out").glob("*_topology.pdb"))
    with np.load("out/prediction.npz", allow_pickle=False) as arrays:
        expected = np.concatenate([arrays["start_positions"], arrays["positions"][0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MDAnalysis misses a box in its own files
        universe = MDAnalysis.Universe(str(topology), f"out/{trajectory}")
        frames = np.stack([universe.atoms.positions.copy() for _ in universe.trajectory])
        step_ps = universe.trajectory.dt
    np.testing.assert_allclose(frames, expected, atol=1e-4)
    assert step_ps == pytest.approx(float(str(told["time_per_step"])) * 1e12, rel=1e-3)


def test_a_walk_goes_on_as_motion(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = predicted(shared, ["mocap/subject35/35_01.amc"])
    assert told["checkpoint"] == "mocap-walk"
    names = Path("out/35_01_predicted.csv").read_text().splitlines()[0].split(",")
    places = [name.rpartition("_")[2] in ("x", "y", "z") for name in names]
    rows = np.genfromtxt("out/35_01_predicted.csv", delimiter=",", skip_header=1)[:, places]
    with np.load("out/prediction.npz", allow_pickle=False) as arrays:
        expected = np.concatenate([arrays["start_positions"], arrays["positions"][0]])
    np.testing.assert_allclose(rows, expected.reshape(6, -1), atol=1e-3)
    assert Path("out/35_01_predicted.bvh").read_text().startswith("HIERARCHY")


def test_distributions_of_a_motion_without_a_unit_are_in_that_of_the_checkpoint(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    walk = ["mocap/subject35/35_05.amc", "--adapt", "never", "--with-past", "--fps", "source"]
    predicted(shared, [*walk, "--unit", "m"])
    Path("out/35_05_predicted.bvh").rename("walk.bvh")
    told = predicted(shared, ["walk.bvh", "--adapt", "never", "--distribution", "--force"])
    assert "does not say its unit of length" in " ".join(told["warnings"])  # type: ignore[arg-type]
    rows = told["distribution"]["rows"]  # type: ignore[index]
    figures = {row["name"]: row["figures"] for row in rows}
    assert figures["mean of the last frames"]["bones off %"] < 5
