"""`painet predict` and `painet checkpoints`, as a user types them."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest

from painet_cli.cli.app import main
from painet_cli.prediction.checkpoints import shipped
from tiny_files import ethanol, write_pdb, write_trajectory
from typed import Say


@pytest.fixture
def here(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> Path:
    """Folder with a trajectory, and a run in `runs`."""
    shutil.copytree(finished_run, tmp_path / "runs" / "small" / "a")
    write_trajectory(tmp_path, ethanol(data_dir), frames=60)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_structure_becomes_files_that_others_open(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "ethanol.pdb", "-T", "5", "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told == json.loads(Path("predictions/ethanol/summary.json").read_text())
    assert "runs/small/a" in err
    assert "velocity zero" in err
    assert told["checkpoint"] == "runs/small/a"
    assert (told["steps"], told["particles"], told["start_frame"]) == (5, 9, 0)
    assert told["time_per_step"] == pytest.approx(5e-15)
    assert told["mse_against_input"] is None
    files = [Path(one["path"]) for one in told["outputs"]]
    assert all(file.is_file() for file in files)
    (pdb,) = [file for file in files if file.name.endswith("predicted.pdb")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MDAnalysis misses a box in its own files
        universe, given = MDAnalysis.Universe(str(pdb)), MDAnalysis.Universe("ethanol.pdb")
    assert universe.trajectory.n_frames == 6
    assert universe.atoms.names.tolist() == given.atoms.names.tolist()
    np.testing.assert_allclose(universe.atoms.positions, given.atoms.positions, atol=2e-3)
    assert not list(Path("predictions").glob(".*"))


def test_the_promised_spelling_and_a_shipped_checkpoint(
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_pdb(tmp_path / "traj.pdb", ethanol(data_dir), frames=3)
    monkeypatch.chdir(tmp_path)
    assert main(["predict", "traj.pdb", "-T", "5"]) == 0
    assert "checkpoint sample, shipped with painet" in capsys.readouterr().err
    assert Path("predictions/traj/traj_predicted.pdb").is_file()


def test_all_starts_are_compared_and_checked(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["predict", "ethanol.dcd", "--topology", "ethanol.pdb", "-T", "2", "--start", "all"]
    assert main([*command, "--physics", "-o", "out"]) == 0
    out = capsys.readouterr().out
    assert "nothing moves" in out
    assert "straight on" in out
    told = json.loads(Path("out/summary.json").read_text())
    assert told["start_frames"] == [*range(1, 40)]
    assert told["mse_against_input"] == pytest.approx(np.mean(told["step_mse"]["prediction"]))
    assert told["physics"]["findings"]


def test_nothing_is_overwritten_or_half_written(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("out").mkdir()
    assert main(["predict", "ethanol.pdb", "-o", "out"]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["predict", "ethanol.pdb", "-o", "out", "--force"]) == 0
    assert Path("out/report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.pdb"], "no such file"),
        (["ethanol.pdb", "-T", "0"], "greater than or equal to 1"),
        (["ethanol.pdb", "-T", "1000000000"], "GiB"),
        (["ethanol.pdb", "--checkpoint", "pickle.safetensors"], "not a checkpoint"),
        (["ethanol.pdb", "--checkpoint", "nowhere"], "no run folder, file or shipped"),
        (["ethanol.pdb", "--start", "9"], "--start 9: there are 1 frames"),
        (["ethanol.pdb", "--select", "name XX"], "none of the 9 atoms"),
        (["methylamine.pdb", "--checkpoint", "runs/small/a"], "N: unknown to it"),
        (["atom.pdb"], "a single particle"),
        (["ethanol.pdb", "--frame-time", "soon"], "not a time"),
    ],
)
def test_bad_requests_end_with_2(
    here: Path,
    data_dir: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    Path("pickle.safetensors").write_bytes(pickle.dumps({"weights": [1.0]}))
    write_pdb(Path("atom.pdb"), ethanol(data_dir), frames=1, atoms=1)
    made = ethanol(data_dir)
    made = type(made)(
        made.particles.model_copy(update={"elements": tuple("CNOHHHHHH")}), made.frames
    )
    write_pdb(Path("methylamine.pdb"), made, frames=1)
    assert main(["predict", *arguments, "-o", "out"]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.strip().splitlines()) <= 3
    assert not Path("out").exists()


def _left_out(words: list[str], packages: set[str]) -> None:
    """Fail unless a command ends with 2 and these are not imported then."""
    code = (
        "import sys; from painet_cli.cli.app import main; "
        f"status = main({words!r}); print(status, sorted({packages!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2 []\n"


def test_a_mistyped_name_is_refused_before_torch_is_loaded() -> None:
    _left_out(["predict", "missing.pdb"], {"torch", "scipy", "MDAnalysis", "matplotlib"})


def test_a_prediction_does_not_wait_for_what_trains(here: Path) -> None:
    Path("text.pdb").write_text("no atoms\n")
    late = {"painet_cli.training.trainer", "scipy.optimize", "scipy.interpolate"}
    _left_out(["predict", "text.pdb"], late)


def test_checkpoints_are_listed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoints", "--json"]) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)["checkpoints"]}
    assert listed["runs/small/a"]["horizon"] == 2
    assert listed["runs/small/a"]["step_s"] == pytest.approx(5e-15)
    assert main(["checkpoints"]) == 0
    assert "sample" in capsys.readouterr().out


def test_the_list_of_checkpoints_is_a_line_each(say: Say) -> None:
    status, out, _ = say("checkpoints")
    assert not status
    table, *_ = out.split("\n\n")
    lines = table.splitlines()
    assert len(lines) == 2 + len(shipped())
    assert max(map(len, out.splitlines())) <= 80


def test_distributions_are_held_against_what_happened_or_the_frames_before(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", "ethanol.dcd", "--topology", "ethanol.pdb", "-T", "2", "--distribution"]
    for start, held in (("20:30", "what happened"), ("last", "the frames up to the start")):
        assert main([*words, "--start", start, "--json", "--force"]) == 0
        told = json.loads(capsys.readouterr().out)["distribution"]
        assert told["reference"] == held
        names = [row["name"] for row in told["rows"]]
        assert names[:3] == ["prediction", "nothing moves", "straight on"]
        assert names[-2:] == ["second half", held]
        assert told["rows"][-1]["figures"]["JS rotatable"] == 0.0


def test_a_structure_has_no_frames_to_be_held_against(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "ethanol.pdb", "-T", "2", "--distribution"]) == 2
    said = capsys.readouterr().err
    assert "--distribution: ethanol has 1 frame" in said
    assert not Path("predictions/ethanol").exists()
