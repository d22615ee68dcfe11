"""The commands that are printed open the files: run where the programs are, else read."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from MDAnalysis import Universe
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.outputs.motion_style import AS_PREDICTED, MotionStyle
from painet_cli.prediction.outputs.write import write_files

NAMES = ("root", "spine", "head", "arm")
TIMES = np.array([0.05, 0.1, 0.15])
PATIENCE_S = 120
LOOK = """
import bpy, json
scene, figure, seen = bpy.context.scene, bpy.data.objects["take_predicted"], []
for frame in range(scene.frame_start, scene.frame_end + 1):
    scene.frame_set(frame)
    bones = [figure.pose.bones[name] for name in ("spine", "head", "arm")]
    seen.append([[*(figure.matrix_world @ bone.tail)] for bone in bones])
json.dump([scene.render.fps / scene.render.fps_base, seen], open("seen.json", "w"))
"""
"""Tells Blender's rate and the far end of every bone in every frame, in its world."""


def swung(times: NDArray[np.float64]) -> NDArray[np.float32]:
    """(F, 4, 3) rigid bones, y up, two of which turn."""
    frames = np.zeros((len(times), 4, 3))
    frames[:, 0, 2] = 10 * times
    frames[:, 1] = frames[:, 0] + [0, 10, 0]
    frames[:, 2] = frames[:, 1] + 4 * np.stack([np.sin(times), np.cos(times), 0 * times], axis=1)
    frames[:, 3] = frames[:, 1] + 9 * np.stack([np.cos(times), 0 * times, np.sin(times)], axis=1)
    return frames.astype(np.float32)


def recording(unit: str) -> Input:
    particles = Particles(
        names=NAMES, types=(0, 1, 2, 3), type_names=NAMES, bonds=((0, 1), (1, 2), (1, 3))
    )
    frames = swung(np.arange(4) / 20 - 0.15)
    return Input("take", "motion", None, particles, frames, 0.05, unit, up_axis="y")


@pytest.fixture
def ethene() -> Input:
    particles = Particles(
        names=("C1", "C2", "H1", "H2", "H3", "H4"),
        types=(0, 0, 1, 1, 1, 1),
        type_names=("C", "H"),
        bonds=((0, 1), (0, 2), (0, 3), (1, 4), (1, 5)),
        elements=("C", "C", "H", "H", "H", "H"),
    )
    x = np.array([[0.67, 0, 0], [-0.67, 0, 0], [1.23, 0.92, 0], [1.23, -0.92, 0]])
    flat = np.concatenate([x, x[2:] * [-1, 1, 1]])
    frames = (flat + np.linspace(0, 0.3, 4)[:, None, None]).astype(np.float32)
    return Input("ethene", "molecule", Path("ethene.dcd"), particles, frames, 1e-12, "angstrom")


def commands(
    system: Input, steps: NDArray[np.float32], folder: Path, style: MotionStyle = AS_PREDICTED
) -> list[str]:
    written = write_files(system, steps[None], TIMES, np.array([3]), folder, style=style)
    return [command for one in written for command in one.open_with]


def run(command: str, *more: str, folder: Path) -> str:
    """Run a command as it is typed in a folder, with options behind it; gives what it says."""
    program, *rest = shlex.split(command)
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"needs {program}")
    # a program's own Python may be that of its own folder
    environment = os.environ | {"PATH": f"{Path(path).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [path, *rest, *more],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("unit", "told", "scale"),
    [("ASF unit", None, "0.05644"), ("ASF unit", "cm", "0.01"), ("ell", None, "1")],
)
def test_blender_is_told_the_unit_the_rate_and_the_frames_of_a_bvh(
    tmp_path: Path, unit: str, told: str | None, scale: str
) -> None:
    said = commands(recording(unit), swung(TIMES), tmp_path, MotionStyle(told))
    command, menu, *_ = said
    assert command.startswith("blender --python-expr ")
    for part in (f"global_scale={scale},", "update_scene_fps=True", "frame_end = 4"):
        assert part in command
    assert menu.endswith(f"take_predicted.bvh, Scale {scale}, Update Scene FPS")


def test_blender_sees_the_predicted_joints_in_metres(tmp_path: Path) -> None:
    system, steps = recording("ASF unit"), swung(TIMES)
    command = commands(system, steps, tmp_path)[0]
    background = command.replace("blender ", "blender -b --factory-startup ", 1)
    said = run(background, "--python-expr", LOOK, folder=tmp_path)
    if "invalid mode: 'rU'" in said:
        pytest.skip("this Blender's importer of BVH does not run on its own Python")
    rate, seen = json.loads((tmp_path / "seen.json").read_text())
    assert rate == pytest.approx(20)
    x, y, z = 0.05644 * np.moveaxis(np.concatenate([system.frames[[3]], steps])[:, 1:], -1, 0)
    np.testing.assert_allclose(seen, np.stack([x, -z, y], axis=-1), atol=1e-3)


@pytest.mark.parametrize("ending", [".dcd", ".xtc", ".trr", ".pdb", ".xyz"])
def test_pymol_sees_the_predicted_frames_with_their_bonds(
    ethene: Input, tmp_path: Path, ending: str
) -> None:
    system = replace(ethene, path=Path(f"ethene{ending}"))
    steps = system.frames[:3] + 0.5
    opens = next(one for one in commands(system, steps, tmp_path) if one.startswith("pymol "))
    name = "painet" if "painet" in opens else "ethene_predicted"
    quiet = opens.replace("pymol ", "pymol -cq ", 1)
    said = run(quiet, "-d", f"save seen.pdb, {name}, state=0", folder=tmp_path)
    assert "error" not in said.lower()
    seen = Universe(str(tmp_path / "seen.pdb"))
    with closing(seen.trajectory) as frames:
        assert frames.n_frames == 4
        assert len(seen.bonds) == 5
        expected = np.concatenate([system.frames[[3]], steps])
        for step, frame in zip(frames, expected, strict=True):
            np.testing.assert_allclose(step.positions, frame, atol=2e-3)


def test_pymol_is_asked_for_helices_where_it_does_not_look_for_them(
    ethene: Input, tmp_path: Path
) -> None:
    opens = commands(replace(ethene, path=Path("one.pdb")), ethene.frames[:3], tmp_path)
    assert "pymol ethene_predicted.pdb -d dss" in opens
