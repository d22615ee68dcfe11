"""Skeletons of joints, as most BVH files have them: written with every joint in its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.motion.bone_turns import names_joints
from painet_cli.data.motion.bvh_reader import read_bvh
from painet_cli.data.motion.motion import Motion
from painet_cli.data.particles.particles import Particles
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.outputs.write import write_files

TURNS = "CHANNELS 3 Zrotation Xrotation Yrotation"
HIERARCHY = f"""HIERARCHY
ROOT hips
{{
OFFSET 0 0 0
CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
JOINT thigh
{{
OFFSET 1 -1 0
{TURNS}
JOINT shin
{{
OFFSET 0 -4 0
{TURNS}
End Site
{{
OFFSET 0 -3 0
}}
}}
}}
JOINT spine
{{
OFFSET 0 2 1
{TURNS}
End Site
{{
OFFSET 0 3 0
}}
}}
}}
"""


@pytest.fixture
def take(tmp_path: Path) -> Motion:
    values = np.random.default_rng(4).normal(size=(8, 15)).cumsum(axis=0)
    rows = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in values)
    path = tmp_path / "take.bvh"
    path.write_text(f"{HIERARCHY}MOTION\nFrames: 8\nFrame Time: 0.01\n{rows}\n")
    return read_bvh(path)


def written(take: Motion, frames: NDArray[np.floating], folder: Path) -> Path:
    bonds = tuple((parent, k) for k, parent in enumerate(take.parents) if parent >= 0)
    count = len(take.names)
    particles = Particles(
        names=take.names, types=tuple(range(count)), type_names=take.names, bonds=bonds
    )
    system = Input("take", "motion", None, particles, frames, 0.01, "BVH unit", up_axis="y")
    folder.mkdir()
    times = 0.01 * np.arange(1, len(frames))
    write_files(system, frames[None, 1:], times, np.array([0]), folder)
    return folder / "take_predicted.bvh"


def test_joints_come_back_with_their_names_in_their_places(take: Motion, tmp_path: Path) -> None:
    assert take.names == ("hips", "thigh", "shin", "shin_end", "spine", "spine_end")
    path = written(take, take.positions, tmp_path / "out")
    lines = path.read_text().split("MOTION")[0].split()
    joints = [lines[k + 1] for k, word in enumerate(lines) if word in ("ROOT", "JOINT")]
    assert joints == ["hips", "thigh", "shin", "spine"], "as in the file that was read"
    assert lines.count("End") == 2
    offsets = [lines[k + 1 : k + 4] for k, word in enumerate(lines) if word == "OFFSET"]
    lengths = np.linalg.norm(np.array(offsets, dtype=float), axis=1)
    np.testing.assert_allclose(lengths, [0, 2**0.5, 4, 3, 5**0.5, 3], atol=1e-5)
    again = read_bvh(path)
    assert again.names == take.names
    np.testing.assert_allclose(again.positions, take.positions, atol=1e-2)


def test_bones_of_a_joint_that_do_not_turn_together_are_written_each_by_itself(
    take: Motion, tmp_path: Path
) -> None:
    """Such as those of hips that carry a lower back of no length, and the spine on it."""
    frames = take.positions.copy()
    frames[1:, 1:4] += 1.0
    path = written(take, frames, tmp_path / "out")
    assert "JOINT shin_end" in path.read_text()


def test_a_skeleton_that_names_bones_is_none_of_joints() -> None:
    frames = np.random.default_rng(0).normal(size=(1, 3, 3))
    parents = {1: 0, 2: 1}
    assert not names_joints(("root", "lfemur", "ltibia"), parents, frames)
    assert names_joints(("root", "lfemur", "lfemur_end"), parents, frames)
