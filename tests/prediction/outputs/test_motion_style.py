"""How predicted motion capture is written: unit, rate, known frames, bones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from painet_cli.data.motion.bvh_reader import read_bvh
from painet_cli.data.motion.trc import read_trc
from painet_cli.data.particles.particles import Particles
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.outputs.motion_style import MotionStyle, motion_style
from painet_cli.prediction.outputs.write import write_files

NAMES = ("root", "chest", "hand")
START = 4
TIMES = np.array([0.05, 0.1])


def swing(times: np.ndarray) -> np.ndarray:
    """(F, 3, 3) two rigid bones, the second of which turns."""
    frames = np.zeros((len(times), 3, 3))
    frames[:, 0, 0] = times
    frames[:, 1] = frames[:, 0] + [0, 1, 0]
    frames[:, 2] = frames[:, 1] + np.stack([np.cos(times), np.sin(times), 0 * times], axis=1)
    return frames


@pytest.fixture
def system() -> Input:
    particles = Particles(names=NAMES, types=(0, 1, 2), type_names=NAMES, bonds=((0, 1), (1, 2)))
    frames = swing((np.arange(20) - START) / 100).astype(np.float32)
    return Input("take", "motion", None, particles, frames, 0.01, "ASF unit", up_axis="y")


def written(system: Input, folder: Path, style: MotionStyle) -> Path:
    positions = swing(TIMES)[None].astype(np.float32)
    write_files(system, positions, TIMES, np.array([START]), folder, style=style)
    return folder / "take_predicted"


def test_frames_have_the_rate_of_the_recording_and_begin_with_what_is_known(
    system: Input, tmp_path: Path
) -> None:
    path = written(system, tmp_path, motion_style("cm", "source", with_past=True))
    seen = read_bvh(path.with_suffix(".bvh"))
    assert seen.frame_time_s == pytest.approx(0.01)
    assert len(seen.positions) == START + 1 + 10
    expected = swing((np.arange(15) - START) / 100) * 5.644
    np.testing.assert_allclose(seen.positions, expected, atol=2e-4)


def test_a_trc_goes_on_by_the_recordings_clock(system: Input, tmp_path: Path) -> None:
    late = replace(system, times_s=7 + 0.01 * np.arange(len(system.frames)))
    path = written(late, tmp_path, motion_style("m", "source", with_past=True))
    np.testing.assert_allclose(read_trc(path.with_suffix(".trc")).times_s, 7 + 0.01 * np.arange(15))


def test_a_rate_of_ones_own_lies_between_the_steps(system: Input, tmp_path: Path) -> None:
    path = written(system, tmp_path, motion_style("m", "40", with_past=False))
    seen = read_trc(path.with_suffix(".trc"))
    assert seen.frame_time_s == pytest.approx(1 / 40)
    np.testing.assert_allclose(seen.positions, swing(np.arange(5) / 40) * 0.05644, atol=1e-5)


def test_bones_that_are_rigid_at_the_steps_are_so_between_them(
    system: Input, tmp_path: Path
) -> None:
    fast = swing(20 * TIMES)[None].astype(np.float32)  # a radian a step
    style = motion_style("m", "100", with_past=False)
    write_files(system, fast, TIMES, np.array([START]), tmp_path, style=style)
    seen = read_trc(tmp_path / "take_predicted.trc").positions
    lengths = np.linalg.norm(np.diff(seen, axis=1), axis=-1)
    np.testing.assert_allclose(lengths, 0.05644, rtol=1e-5)
    posed = read_bvh(tmp_path / "take_predicted.bvh").positions
    np.testing.assert_allclose(posed, seen, atol=1e-5)


def test_without_a_style_the_steps_are_as_predicted(system: Input, tmp_path: Path) -> None:
    path = written(system, tmp_path, MotionStyle())
    assert len(read_bvh(path.with_suffix(".bvh")).positions) == 3
    assert path.with_suffix(".glb").is_file()


def test_steps_that_are_not_evenly_spaced_are_written_at_the_rate_of_the_recording(
    system: Input, tmp_path: Path
) -> None:
    """12 frames in five steps are 2, 5, 7, 10 and 12 ahead: a file of one time step would limp."""
    times = np.array([2, 5, 7, 10, 12]) * 0.01
    write_files(system, swing(times)[None], times, np.array([START]), tmp_path)
    found = read_bvh(tmp_path / "take_predicted.bvh")
    assert found.frame_time_s == pytest.approx(0.01)
    np.testing.assert_allclose(found.positions, swing(np.arange(13) * 0.01), atol=1e-4)


@pytest.mark.parametrize(
    ("unit", "fps", "past"),
    [("km", None, False), (None, "fast", False), (None, "0", False), (None, "30", True)],
)
def test_a_style_that_makes_no_sense_is_refused(
    unit: str | None, fps: str | None, past: bool
) -> None:
    with pytest.raises(RequestError):
        motion_style(unit, fps, with_past=past)


def test_a_unit_that_is_not_known_in_metres_is_not_made_up(system: Input, tmp_path: Path) -> None:
    strange = replace(system, length_unit="cubit")
    with pytest.raises(RequestError, match="how long a cubit is"):
        written(strange, tmp_path, MotionStyle(unit="m"))
    path = written(strange, tmp_path, MotionStyle())
    assert path.with_suffix(".bvh").is_file()
    assert not path.with_suffix(".glb").exists()


def test_a_bvh_has_the_lengths_of_the_file_that_was_brought_to_another_unit(
    system: Input, tmp_path: Path
) -> None:
    """In centimetres, as most BVH files are, which a checkpoint of CMU's unit predicted."""
    brought = replace(system, scaled=1 / 5.644)
    files = write_files(brought, swing(TIMES)[None], TIMES, np.array([START]), tmp_path)
    (bvh,) = [one for one in files if one.path.suffix == ".bvh"]
    assert "lengths as in the file, y is up" in bvh.what
    assert "Scale 0.01," in bvh.open_with[-1]
    expected = np.concatenate([system.frames[START : START + 1], swing(TIMES)]) * 5.644
    np.testing.assert_allclose(read_bvh(bvh.path).positions, expected, atol=1e-4)
    in_metres = written(brought, tmp_path, MotionStyle(unit="m")).with_suffix(".bvh")
    np.testing.assert_allclose(read_bvh(in_metres).positions, expected / 100, atol=1e-4)


@pytest.mark.parametrize(
    ("up", "order", "signs"), [("z", (0, 2, 1), (1, 1, -1)), ("x", (1, 0, 2), (-1, 1, 1))]
)
def test_files_for_animators_have_y_up_whatever_the_recording_has(
    system: Input, tmp_path: Path, up: str, order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    turned = np.empty_like(system.frames)
    turned[..., list(order)] = system.frames / np.array(signs)
    positions = np.empty((1, 2, 3, 3), dtype=np.float32)
    positions[..., list(order)] = swing(TIMES)[None] / np.array(signs)
    recorded = replace(system, frames=turned, up_axis=up)  # type: ignore[arg-type]
    write_files(recorded, positions, TIMES, np.array([START]), tmp_path)
    path = tmp_path / "take_predicted"
    expected = np.concatenate([system.frames[START : START + 1], swing(TIMES)])
    np.testing.assert_allclose(read_bvh(path.with_suffix(".bvh")).positions, expected, atol=1e-4)
    in_metres = read_trc(path.with_suffix(".trc")).positions
    np.testing.assert_allclose(in_metres, expected * 0.05644, atol=1e-5)
    table = np.loadtxt(path.with_suffix(".csv"), delimiter=",", skiprows=1)[1:, 2:]
    np.testing.assert_allclose(table, positions[0].reshape(2, -1), atol=1e-5)
