"""Recorded motion whose file does not say, or says wrongly, what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.motion.files import read_motion_file
from painet_cli.data.motion.motion import Motion
from painet_cli.data.motion.plausible import (
    jumps,
    leap_note,
    radians_note,
    standing_axis,
    with_jumps_apart,
    with_likely_unit,
)
from painet_cli.data.sources.prepare import prepare
from painet_cli.errors import RequestError

NAMES = ("head", "hip", "knee", "foot")


def walk(count: int = 120, rate: float = 60.0) -> NDArray[np.float64]:
    """Four joints of someone 1.6 m tall who walks 1.2 m a second along x, y up, metres."""
    t = np.arange(count) / rate
    swing = 0.2 * np.sin(2 * np.pi * t)
    rest = np.array([[0.0, 1.6, 0.0], [0.0, 0.9, 0.0], [0.0, 0.45, 0.1], [0.0, 0.02, 0.0]])
    x = np.tile(rest, (count, 1, 1))
    x[..., 0] += 1.2 * t[:, None] + swing[:, None] * [0.0, 0.0, 0.5, 1.0]
    return x


def motion(positions: NDArray[np.float64], unit: str = "BVH unit") -> Motion:
    return Motion(NAMES, (-1, 0, 1, 2), positions, 1 / 60, unit, "y")


def trc(
    folder: Path,
    x: NDArray[np.float64],
    times: NDArray[np.float64] | None = None,
    rate: float = 60.0,
    unit: str = "m",
) -> Path:
    """Markers as a TRC file; those that are NaN are left empty."""
    shown = np.arange(len(x)) / rate if times is None else times
    lines = [
        "PathFileType\t4\t(X/Y/Z)\ttake.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits",
        f"{rate}\t{rate}\t{len(x)}\t{len(NAMES)}\t{unit}",
        "Frame#\tTime\t" + "\t\t\t".join(NAMES),
        "\t\t" + "\t".join(f"X{k}\tY{k}\tZ{k}" for k in range(1, 5)),
        "",
    ]
    for k, (frame, time) in enumerate(zip(x, shown, strict=True), start=1):
        values = ["" if np.isnan(v) else f"{v:.6f}" for v in frame.ravel()]
        lines.append("\t".join([str(k), f"{time:.5f}", *values]))
    path = folder / "take.trc"
    path.write_text("\n".join(lines) + "\n")
    return path


def bvh(folder: Path, *, degrees: bool, count: int = 50) -> Path:
    """A leg that swings by half a radian as it gets on."""
    path = folder / "r.bvh"
    swing = 0.5 * np.sin(np.arange(count) / 5)
    rows = "".join(
        f"0 90 {2 * k} {angle:.5f} 0 0 0 0 0\n"
        for k, angle in enumerate(np.degrees(swing) if degrees else swing)
    )
    turns = "Zrotation Xrotation Yrotation"
    path.write_text(
        "HIERARCHY\nROOT hip\n{\nOFFSET 0 0 0\n"
        f"CHANNELS 6 Xposition Yposition Zposition {turns}\n"
        f"JOINT leg\n{{\nOFFSET 0 -90 0\nCHANNELS 3 {turns}\n"
        "End Site\n{\nOFFSET 0 0 15\n}\n}\n}\n"
        f"MOTION\nFrames: {count}\nFrame Time: 0.02\n{rows}"
    )
    return path


# ---- unit ---------------------------------------------------------------------------------------


def test_a_unit_in_words_is_read(tmp_path: Path) -> None:
    found = read_motion_file(trc(tmp_path, walk() * 100, unit="Centimeters"), "TRC")
    np.testing.assert_allclose(found.positions, walk(), atol=1e-5)


@pytest.mark.parametrize(("scale", "unit"), [(1.0, "metre"), (1000.0, "millimetre")])
def test_a_skeleton_of_no_persons_size_in_centimetres_is_in_the_unit_that_makes_it_one(
    scale: float, unit: str
) -> None:
    found = with_likely_unit(motion(walk() * scale), "take.bvh")
    assert found.length_unit == unit
    assert f"taken as {unit}s, in which the skeleton is 1.6 m across" in found.notes[0]


def test_a_skeleton_of_a_persons_size_in_centimetres_is_in_them() -> None:
    given = motion(walk() * 100)
    assert with_likely_unit(given, "take.bvh") is given


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        (100 / 2.54, "0.62 m across, small for a person (1.6 m in inches)"),
        (200, "3.2 m across, large for a person"),
        (1e-3, "1.6e-05 m across, small for a person:"),
        (7.0, "0.11 m across, small for a person:"),
    ],
)
def test_where_that_leaves_a_doubt_the_unit_is_the_usual_one_and_it_is_said(
    scale: float, said: str
) -> None:
    found = with_likely_unit(motion(walk() * scale), "take.bvh")
    assert found.length_unit == "BVH unit"
    (note,) = found.notes
    assert said in note


def test_a_unit_that_a_file_says_is_not_guessed() -> None:
    given = motion(walk() * 100, "metre")
    assert with_likely_unit(given, "take.trc") is given


# ---- vertical -----------------------------------------------------------------------------------


def test_the_vertical_is_the_one_that_someone_stands_along_who_walks() -> None:
    upright = walk()
    assert standing_axis(upright, "y") is None
    assert standing_axis(upright[..., [0, 2, 1]], "y") == ("z", True)
    assert standing_axis(upright, "z") == ("y", True)


def test_of_someone_who_lies_or_stands_on_the_spot_both_are_said_to_be_possible(
    tmp_path: Path,
) -> None:
    still = walk() - walk().mean(axis=1, keepdims=True)
    turned = still[..., [0, 2, 1]] + [3.0, 1.0, 2.0]
    assert standing_axis(turned, "y") == ("z", False)
    found = read_motion_file(trc(tmp_path, turned), "TRC")
    assert found.up_axis == "y"
    assert "it reaches farthest along z: where it stands along that, give up='z'" in found.notes[0]
    assert not read_motion_file(trc(tmp_path, turned), "TRC", up_axis="y").notes


def test_arms_held_out_wider_than_someone_sits_high_are_no_vertical() -> None:
    wide = np.tile([[0.0, 1.1, 0.0], [0.8, 1.0, 0.2], [-0.8, 1.0, 0.2], [0.0, 0.0, 0.9]], (9, 1, 1))
    assert standing_axis(wide, "y") is None


def test_a_file_whose_people_walk_along_another_vertical_says_so(tmp_path: Path) -> None:
    turned = walk()[..., [0, 2, 1]] * [1, -1, 1]
    found = read_motion_file(trc(tmp_path, turned), "TRC")
    assert found.up_axis == "z"
    assert "z is taken as up, along which it stands as it walks" in found.notes[0]


# ---- angles -------------------------------------------------------------------------------------


def test_angles_that_are_as_small_as_radians_are_said() -> None:
    degrees = 30 * np.sin(np.arange(100) / 9)[:, None]
    assert not radians_note("take.bvh", degrees, "mend it")
    said = radians_note("take.bvh", np.radians(degrees), "mend it")
    assert said.startswith("take.bvh: no rotation is beyond 0.524 degrees")
    assert said.endswith("mend it")


def test_angles_that_hardly_change_may_be_degrees() -> None:
    assert not radians_note("take.bvh", 2.0 + 0.1 * np.sin(np.arange(100) / 9)[:, None], "")


def test_a_bvh_in_radians_is_said(tmp_path: Path) -> None:
    path = bvh(tmp_path, degrees=False)
    assert "BVH has degrees: multiply them by 57.2958" in read_motion_file(path, "BVH").notes[0]


# ---- time and gaps ------------------------------------------------------------------------------


def test_times_of_the_frames_count_for_more_than_the_rate_in_the_heading(tmp_path: Path) -> None:
    found = read_motion_file(trc(tmp_path, walk(), rate=120.0, times=np.arange(120) / 60), "TRC")
    assert found.frame_time_s == pytest.approx(1 / 60, rel=1e-3)
    assert (
        "its DataRate of 120 says 0.008333 s: the times of the frames are taken" in found.notes[0]
    )


def test_times_that_are_rounded_leave_the_rate(tmp_path: Path) -> None:
    times = np.round(np.arange(120) / 60, 2)
    path = trc(tmp_path, walk(), times=times)
    assert read_motion_file(path, "TRC").frame_time_s == 1 / 60


def test_a_last_row_that_was_cut_is_left_out(tmp_path: Path) -> None:
    path = trc(tmp_path, walk())
    path.write_text(path.read_text() + "121\n")
    assert len(read_motion_file(path, "TRC").positions) == 120


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_names_may_be_of_any_language(tmp_path: Path, encoding: str) -> None:
    path = trc(tmp_path, walk())
    names = ["Fuß", "Knöchel", "Å", "è"] if encoding == "latin-1" else ["頭", "腰", "Å", "Fuß"]
    text = path.read_text()
    for old, new in zip(NAMES, names, strict=True):
        text = text.replace(old, new)
    path.write_bytes(text.encode(encoding))
    assert read_motion_file(path, "TRC").names == tuple(names)


def test_a_motion_breaks_off_where_frames_are_missing(tmp_path: Path) -> None:
    kept = np.r_[0:40, 60:120]
    found = read_motion_file(trc(tmp_path, walk()[kept], times=kept / 60), "TRC")
    assert found.breaks == (40,)
    assert (
        "frames are missing in 1 place, first before 1.00000 s: no motion is taken across"
        in found.notes[0]
    )


def test_times_that_run_backwards_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r":8: its time, '1\.96667', is not after"):
        read_motion_file(trc(tmp_path, walk(), times=np.arange(120)[::-1] / 60), "TRC")


def test_frames_in_which_no_marker_was_seen_are_left_out(tmp_path: Path) -> None:
    x = walk()
    x[[0, 50, 51, 119]] = np.nan
    found = read_motion_file(trc(tmp_path, x), "TRC")
    assert found.positions.shape == (116, 4, 3)
    assert found.breaks == (49,)
    assert "4 frames in which no marker was seen are left out" in found.notes[0]


def test_a_marker_that_jumps_to_where_none_gets_is_left_out(tmp_path: Path) -> None:
    x = walk()
    x[30:40, 3] = 9.999
    found = read_motion_file(trc(tmp_path, x), "TRC")
    assert found.names == NAMES[:3]
    assert found.notes == ("take.trc: markers that jump faster than 100 m/s are left out: foot",)


def test_a_motion_breaks_off_after_a_pose_that_it_does_not_go_on_from() -> None:
    x = np.concatenate([walk()[:1] - [0.0, 0.9, 3.0], walk()])
    assert jumps(x, 1 / 60) == (1,)
    found = with_jumps_apart(motion(x * 100), "take.bvh")
    assert found.breaks == (1,)
    assert "take.bvh: the motion jumps to frame 1" in found.notes[0]


@pytest.mark.parametrize("scale", [1.0, 100.0, 1000.0])
def test_a_jump_is_one_in_the_unit_that_the_skeleton_is_in(scale: float) -> None:
    x = walk() * scale
    x[60:, :, 0] += 1.5 * scale
    assert with_jumps_apart(motion(x), "take.bvh").breaks == (60,)


def test_fast_movement_that_sets_in_gradually_is_no_jump() -> None:
    x = walk()
    x[..., 0] += 3 * np.tanh((np.arange(120) - 60) / 4)[:, None]
    assert jumps(x, 1 / 60) == ()
    assert jumps(10 * x, 1 / 60) == ()  # in another unit than it says


def test_a_joint_that_is_torn_away_is_told_of_with_its_frame_and_speed() -> None:
    x = walk()
    x[90, 2:] += [0.0, 0.5, 0.0]
    (note,) = with_jumps_apart(motion(x * 100), "take.bvh").notes
    assert "take.bvh: knee and 1 more leap to frame 90 (30 m/s)" in note
    torn_last = with_jumps_apart(motion(x[:91] * 100), "take.bvh")
    assert torn_last.notes == (note,)
    assert torn_last.breaks == ()


def test_labels_that_change_places_are_told_of() -> None:
    x = walk()
    x[70:, [1, 2]] = x[70:, [2, 1]]
    assert leap_note(x, 1 / 60, (), NAMES).startswith("hip and 1 more leap to frame 70 (28 m/s)")


def test_what_a_recording_breaks_off_at_what_sets_in_gradually_and_held_poses_are_no_leap() -> None:
    x = walk()
    x[60:, :, 0] += 1.5
    assert leap_note(x, 1 / 60, (60,), NAMES) == ""
    kick = walk()
    kick[..., 3, 0] += 0.6 * np.tanh((np.arange(120) - 60) / 6)
    assert leap_note(kick, 1 / 60, (), NAMES) == ""
    held = kick[np.arange(120) // 5 * 5]  # twelve poses a second in sixty frames
    assert leap_note(held, 1 / 60, (), NAMES) == ""


def test_no_window_of_a_dataset_crosses_a_break(tmp_path: Path) -> None:
    kept = np.r_[0:150, 200:400]
    path = trc(tmp_path, walk(400)[kept], times=kept / 60)
    made = prepare("motion", data_dir=tmp_path / "data", name="a", files=[path], delta_frames=8)
    segments = made.manifest.segments
    assert [(one.name, one.start, one.length) for one in segments] == [
        ("take-1", 0, 150),
        ("take-2", 150, 200),
    ]


def test_a_dataset_is_in_the_unit_that_was_asked_for(tmp_path: Path) -> None:
    path = bvh(tmp_path, degrees=True, count=200)
    made = prepare(
        "motion", data_dir=tmp_path, name="a", files=[path], unit="in", delta_frames=8
    ).manifest
    assert (made.units.length, made.units.length_in_metres) == ("inch", 0.0254)
