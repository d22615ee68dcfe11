"""Frames that cannot be as far apart in time as their file says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from painet_cli.data.particles.smooth import smooth_note
from painet_cli.data.sources.prepare import prepare
from painet_cli.prediction.checkpoints import find_checkpoint
from painet_cli.prediction.inputs.open import open_input
from recordings import forecast_recording
from tiny_files import ethanol

PICOSECOND = 1e-12


@pytest.mark.parametrize("stride", [1, 2, 4])  # 0.5, 1 and 2 fs
def test_bonds_that_go_on_smoothly_are_no_picoseconds_apart(data_dir: Path, stride: int) -> None:
    made = ethanol(data_dir)
    bonds = np.array(made.particles.bonds)
    said = smooth_note("a.xtc", made.frames[::stride], bonds, 2 * PICOSECOND)
    assert said.startswith("a.xtc: lengths of bonds go on smoothly from frame to frame")
    assert "not over 2 ps" in said
    assert not smooth_note("a.xtc", made.frames[::stride], bonds, stride * 0.5e-15)
    assert not smooth_note("a.xtc", made.frames[::stride], bonds, None)


def test_of_bonds_that_have_vibrated_in_between_nothing_is_said() -> None:
    rng = np.random.default_rng(0)
    chain = np.arange(10.0)[:, None] * [1.5, 0.0, 0.0]
    frames = chain + rng.normal(scale=0.03, size=(64, 10, 3))
    bonds = np.stack([np.arange(9), np.arange(1, 10)], axis=1)
    assert not smooth_note("a", frames, bonds, PICOSECOND)


def test_of_rigid_bonds_and_few_nothing_is_known() -> None:
    turning = np.linspace(0, 1, 64)
    chain = np.stack([np.cos(turning), np.sin(turning), 0 * turning], axis=1)[:, None]
    frames = chain * np.arange(10.0)[:, None] * 1.5
    bonds = np.stack([np.arange(9), np.arange(1, 10)], axis=1)
    assert not smooth_note("a", frames, bonds, PICOSECOND)
    frames = frames * (1 + 0.05 * np.sin(np.arange(64) / 9))[:, None, None]
    assert smooth_note("a", frames, bonds, PICOSECOND)
    assert not smooth_note("a", frames, bonds[:5], PICOSECOND)
    assert not smooth_note("a", frames[:19], bonds, PICOSECOND)


def xyz(folder: Path, data_dir: Path) -> Path:
    made = ethanol(data_dir)
    path = folder / "e.xyz"
    names = [made.particles.type_names[k] for k in made.particles.types]
    with path.open("w") as file:
        for frame in made.frames[:100]:
            rows = (
                f"{name} {x:.5f} {y:.5f} {z:.5f}"
                for name, (x, y, z) in zip(names, frame, strict=True)
            )
            file.write("9\n\n" + "\n".join(rows) + "\n")
    return path


def test_prepare_notes_it_and_predict_warns_of_it(tmp_path: Path, data_dir: Path) -> None:
    path = xyz(tmp_path, data_dir)
    made = prepare(
        "trajectory", data_dir=tmp_path, name="e", topology=path, trajectory=path,
        frame_time="1ps", delta_frames=5,
    )  # fmt: skip
    assert "go on smoothly from frame to frame" in made.manifest.origin.notes
    with open_input(path, frame_time_s=PICOSECOND) as recording:
        done = forecast_recording(recording, 1, [find_checkpoint("sample")])
    assert "go on smoothly from frame to frame" in " ".join(done.forecast.warnings)
