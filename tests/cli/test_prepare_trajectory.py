"""`painet prepare trajectory` and `painet prepare adk` as a user types them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest

from typed import Say


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Options that give six argon atoms in a row and 120 frames of them, 2 ps apart."""
    made = MDAnalysis.Universe.empty(6, trajectory=True)
    made.add_TopologyAttr("names", ["Ar"] * 6)
    row = 3.0 * np.arange(6)[:, None] * [1, 0, 0]
    steps = np.random.default_rng(0).normal(0, 0.1, (120, 6, 3))
    made.load_new((row + steps).astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.atoms.write(tmp_path / "argon.xyz")
        with MDAnalysis.Writer(str(tmp_path / "argon.dcd"), 6, dt=2.0) as writer:
            for _ in made.trajectory:
                writer.write(made.atoms)
    return ["--topology", "argon.xyz", "--trajectory", "argon.dcd"]


def test_what_was_made_and_what_comes_next(say: Say, files: list[str]) -> None:
    status, out, err = say("prepare", "trajectory", *files, "--name", "argon", "--horizon", 5)
    assert status == 0
    assert "120 in 1 segment" in out
    assert "2 ps" in out
    assert "data.cutoff" in err, "argon has no bonds"
    assert (
        "painet train --preset trajectory --set data.dataset=argon --set data.delta_frames=10 "
        "--set data.horizon=5"
    ) in err
    assert {path.name for path in Path("data").iterdir()} == {"argon"}


def test_as_json(say: Say, files: list[str]) -> None:
    words = ["--name", "argon", "--stride", 2, "--delta-frames", 2, "--bond-length", 3.6, "--quiet"]
    status, out, err = say("prepare", "trajectory", *files, *words, "--json")
    seen = json.loads(out)
    assert (status, err) == (0, "")
    assert {"dataset", "name", "frames", "particles", "segments", "windows", "sha256"} <= set(seen)
    assert (seen["frames"], seen["particles"]) == (60, 6)
    assert seen["frame_time_s"] == pytest.approx(4e-12, abs=0)


def test_the_preset_trains_on_it(say: Say, files: list[str]) -> None:
    assert say("prepare", "trajectory", *files, "--name", "argon")[0] == 0
    small = ["--set", "model.hidden=8", "--set", "model.layers=1", "--epochs", 1, "--device", "cpu"]
    words = ["train", "--preset", "trajectory", "--set", "data.dataset=argon", *small]
    status, out, err = say(*words, "--json")
    assert status == 0, err
    assert json.loads(out)["test"]["mse"] > 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--name", "a/b"], "--name 'a/b': not a name"),
        (["--name", ".."], "--name '..': not a name"),
        (["--name", "a", "--horizon", "11"], "--horizon 11: targets do not fit"),
        (["--name", "a", "--split", "published"], "'published' is not one of 'blocks', 'random'"),
        (["--name", "a", "--select", "name Ne"], "--select 'name Ne': none of the 6 atoms"),
        (["--name", "a", "--select", "protein"], "--select protein: MDAnalysis cannot select"),
        (["--name", "a", "--frame-time", "5"], "'5': not a time"),
        (["--name", "a", "--unwrap"], "has no periodic box in frame 0"),
        (["--name", "a", "--trajectory", "gone.dcd"], "gone.dcd: no such file"),
        (["--name", "a", "--stride", "0"], "--stride"),
        (["--name", "a", "--bond-length", "nan"], "--bond-length nan"),
        ([], "--name"),
    ],
)
def test_requests_that_cannot_be_carried_out(
    say: Say, files: list[str], words: list[str], expected: str
) -> None:
    status, out, err = say("prepare", "trajectory", *files, *words)
    assert (status, out) == (2, "")
    assert expected in err
    assert len(err.strip().splitlines()) <= 3
    assert not list(Path("data").glob("*"))


def test_adk_from_files_at_hand(say: Say, shared: Path) -> None:
    folder = shared / "data" / "protein" / "adk"
    files = ["--topology", folder / "adk.psf", "--trajectory", folder / "adk_dims.dcd"]
    status, out, err = say("prepare", "adk", *files, "--delta-frames", 5)
    assert status == 0
    assert "painet train --preset adk --set data.dataset=adk --set data.delta_frames=5" in err
    assert "published" in out
    status, _, err = say("prepare", "adk", "--topology", folder / "adk.psf", "--name", "other")
    assert status == 2
    assert "--topology and --trajectory belong together" in err


def test_a_trajectory_without_a_topology_asks_for_one(say: Say, files: list[str]) -> None:
    status, _, err = say("prepare", "trajectory", *files[2:], "--name", "argon")
    assert status == 2
    assert "Missing option '--topology'" in err


def test_a_few_frames_are_said_to_be_too_few(say: Say, files: list[str]) -> None:
    status, _, err = say("prepare", "trajectory", *files, "--name", "argon", "--stop", 2)
    assert status == 2
    assert "no room for training, validation and test in 2 frames" in err
    assert "prepare a longer trajectory" in err
