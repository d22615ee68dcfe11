"""BVH, TRC and C3D as joints and markers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.motion.bvh_reader import read_bvh
from painet_cli.data.motion.bvh_writer import parents_of, write_bvh
from painet_cli.data.motion.files import read_motion_file
from painet_cli.data.motion.trc import read_trc
from painet_cli.errors import RequestError

BVH = """HIERARCHY
ROOT hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT leg
  {
    OFFSET 1 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 2 0
    }
  }
  JOINT tail
  {
    OFFSET 0 0 -1
    CHANNELS 3 Zrotation Xrotation Yrotation
  }
}
MOTION
Frames: 2
Frame Time: 0.01
5 6 7 90 0 0 0 0 0 0 0 0
5 6 7 0 0 0 90 0 0 0 0 0
"""


def bvh(tmp_path: Path, text: str = BVH) -> Path:
    path = tmp_path / "take.bvh"
    path.write_text(text)
    return path


def test_joints_and_ends_of_bones_are_posed(tmp_path: Path) -> None:
    motion = read_bvh(bvh(tmp_path))
    assert motion.names == ("hips", "leg", "leg_end", "tail")
    assert motion.parents == (-1, 0, 1, 0)
    assert motion.frame_time_s == 0.01
    # the hips turn the leg from x to y and its end from y to -x; then the leg alone turns its end
    expected = [
        [[5, 6, 7], [5, 7, 7], [3, 7, 7], [5, 6, 6]],
        [[5, 6, 7], [6, 6, 7], [4, 6, 7], [5, 6, 6]],
    ]
    np.testing.assert_allclose(motion.positions, expected, atol=1e-9)


def test_joints_that_lie_at_one_place_are_one(tmp_path: Path) -> None:
    text = BVH.replace("JOINT leg\n  {\n    OFFSET 1 0 0", "JOINT leg\n  {\n    OFFSET 0 0 0")
    motion = read_bvh(bvh(tmp_path, text))
    assert motion.names == ("hips", "leg_end", "tail")
    assert motion.bonds == ((0, 1), (0, 2))


def test_what_painet_writes_is_read_back(tmp_path: Path) -> None:
    """A skeleton that branches, whose bones keep their lengths."""
    bonds = ((0, 1), (1, 2), (2, 3), (2, 4), (0, 5))
    names = ("root", "spine", "thorax", "left hand", "right", "leg")
    parents = parents_of(bonds, 6)
    assert parents is not None
    rest = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
    turned = [rest @ rotation(k) + k for k in range(4)]
    frames = np.stack(turned).astype(np.float32)
    path = tmp_path / "out.bvh"
    off = write_bvh(path, names, parents, frames[0], frames, 0.02)
    assert off < 1e-4
    motion = read_bvh(path)
    order = [motion.names.index(name.replace(" ", "_")) for name in names]
    assert sorted(order) == list(range(6))
    np.testing.assert_allclose(motion.positions[:, order], frames, atol=1e-4)
    found = {tuple(sorted((order.index(i), order.index(j)))) for i, j in motion.bonds}
    assert found == {*bonds}
    assert motion.frame_time_s == 0.02


def rotation(seed: int) -> NDArray[np.float64]:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return np.asarray(q * np.sign(np.linalg.det(q)))


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("HIERARCHY\n", "", r"take\.bvh:1: does not begin with HIERARCHY"),
        ("MOTION\n", "", "there is no MOTION"),
        ("Frames: 2", "Frames: 1", "2 frames follow, not '1'"),
        ("Frames: 2", "Frames: two", "2 frames follow, not 'two'"),
        ("Frame Time: 0.01", "Frame Time: 0", "no time of a frame"),
        ("5 6 7 90 0 0 0 0 0 0 0 0", "5 6 7 90", "4 values, not 12 as there are channels"),
        ("5 6 7 90 ", "5 6 nan 90 ", "'nan' is not a finite number"),
        ("CHANNELS 3 Zrotation", "CHANNELS 3 Wrotation", "are no channels"),
        ("    OFFSET 1 0 0\n", "", "'leg' has no OFFSET"),
        ("ROOT hips", "JOINT hips", "does not belong here"),
        ("}\nMOTION", "MOTION", "a joint is not closed"),
    ],
)
def test_a_bad_bvh_is_refused_with_its_line(
    tmp_path: Path, good: str, bad: str, message: str
) -> None:
    assert good in BVH
    with pytest.raises(RequestError, match=message) as caught:
        read_bvh(bvh(tmp_path, BVH.replace(good, bad, 1)))
    assert caught.value.hint


@pytest.mark.parametrize("kept", [": 2", ": 3"])
def test_a_bvh_that_is_cut_is_read_up_to_there(tmp_path: Path, kept: str) -> None:
    whole = read_bvh(bvh(tmp_path, BVH))
    text = BVH.replace("Frames: 2", f"Frames{kept}")
    motion = read_bvh(bvh(tmp_path, text if kept == ": 3" else text.rstrip()[:-5]))
    count = len(motion.positions)
    np.testing.assert_array_equal(motion.positions, whole.positions[:count])
    assert count == (2 if kept == ": 3" else 1)
    assert motion.notes[0].startswith(
        f"take.bvh is cut short: of its {count + 1} frames the {count} "
    )


def test_a_number_that_a_cut_may_have_shortened_is_not_taken(tmp_path: Path) -> None:
    text = BVH.replace("Frames: 2", "Frames: 3").rstrip()
    assert len(read_bvh(bvh(tmp_path, text)).positions) == 1


def trc(
    tmp_path: Path, unit: str = "mm", gap: bool = False, unseen: str = "", rate: str = "50"
) -> Path:
    """Four markers on two rigid pairs, of which one turns about the other; perhaps a fifth."""
    names = ["hip", "knee", "ankle", "toe", "lost"]
    lines = [
        "PathFileType\t4\t(X/Y/Z)\ttake.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits",
        f"{rate}\t{rate}\t20\t5\t{unit}",
        "Frame#\tTime\t" + "\t\t\t".join(names),
        "\t\t" + "\t".join(f"X{k}\tY{k}\tZ{k}" for k in range(1, 6)),
        "",
    ]
    for k in range(20):
        x = pose(k).ravel().tolist()
        last = [unseen] * 3 if gap and k == 7 else ["1", "200", f"{k}"]
        row = [f"{value:.6f}" for value in x] + last
        lines.append("\t".join([str(k + 1), f"{k / 50:.3f}", *row]))
    path = tmp_path / "take.trc"
    path.write_text("\n".join(lines) + "\n")
    return path


def pose(k: int) -> NDArray[np.float64]:
    a = 0.1 * k
    knee = np.array([0.0, -400, 0])
    ankle = knee + 400 * np.array([np.sin(a), -np.cos(a), 0])
    toe = ankle + 100 * np.array([np.cos(2 * a), np.sin(2 * a), 0])
    return np.stack([np.zeros(3), knee, ankle, toe]) + 3 * k


def test_trc_is_read_in_metres(tmp_path: Path) -> None:
    motion = read_trc(trc(tmp_path))
    assert motion.names == ("hip", "knee", "ankle", "toe", "lost")
    assert motion.length_unit == "metre"
    assert motion.frame_time_s == 0.02
    np.testing.assert_allclose(motion.positions[9, :4], pose(9) / 1000, atol=1e-8)


def test_names_of_markers_may_have_blanks_in_them(tmp_path: Path) -> None:
    path = trc(tmp_path)
    plain = read_trc(path)
    path.write_text(path.read_text().replace("\tknee", "\tleft knee").replace("\ttoe", "\tbig toe"))
    motion = read_trc(path)
    assert motion.names == ("hip", "left_knee", "ankle", "big_toe", "lost")
    np.testing.assert_array_equal(motion.positions, plain.positions)
    assert motion.notes == ()


def test_trc_with_more_values_than_names_is_refused(tmp_path: Path) -> None:
    path = trc(tmp_path)
    path.write_text(path.read_text().replace("\tlost", ""))
    with pytest.raises(RequestError, match=r"take.trc:7: 15 values, not 12 as there are markers"):
        read_trc(path)


@pytest.mark.parametrize("unseen", ["", "NaN", "0.00000"])
def test_a_marker_with_gaps_is_left_out_and_it_is_said(tmp_path: Path, unseen: str) -> None:
    motion = read_trc(trc(tmp_path, gap=True, unseen=unseen))
    assert motion.names == ("hip", "knee", "ankle", "toe")
    assert motion.notes == ("take.trc: markers with gaps are left out: lost",)


def test_markers_hang_from_those_they_move_with(tmp_path: Path) -> None:
    assert read_trc(trc(tmp_path, gap=True)).bonds == ((0, 1), (1, 2), (2, 3))


def test_the_times_of_a_trc_are_those_of_its_rows(tmp_path: Path) -> None:
    path = trc(tmp_path)
    text = re.sub(r"^(\d+)\t0\.(\d+)\t", r"\1\t7.\2\t", path.read_text(), flags=re.MULTILINE)
    path.write_text(text)
    np.testing.assert_allclose(read_trc(path).times_s, 7 + np.arange(20) / 50)
    kept = [line for line in text.splitlines() if not line.startswith(("6\t", "7\t"))]
    path.write_text("\n".join(kept) + "\n")
    cut = read_trc(path)
    assert cut.breaks == (5,)
    expected = 7 + np.delete(np.arange(20), [5, 6]) / 50
    np.testing.assert_allclose(cut.times_s, expected)


def test_trc_of_an_unknown_unit(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="'cubits' is no unit of length"):
        read_trc(trc(tmp_path, unit="cubits"))


@pytest.mark.parametrize(("unit", "apart"), [("m", r"1e\+03 m"), ("ft", "305 m")])
def test_markers_as_far_apart_as_no_one_is_are_refused(
    tmp_path: Path, unit: str, apart: str
) -> None:
    with pytest.raises(RequestError, match=f"{apart} across by the unit that it names"):
        read_trc(trc(tmp_path, unit=unit))


def test_a_rate_in_place_of_a_time_is_refused(tmp_path: Path) -> None:
    take = bvh(tmp_path, BVH.replace("Frame Time: 0.01", "Frame Time: 120"))
    with pytest.raises(RequestError, match="120 seconds from frame to frame"):
        read_motion_file(take, "BVH")
    without_times = trc(tmp_path, rate="0.0083333")
    lines = without_times.read_text().splitlines()
    without_times.write_text("\n".join(re.sub(r"^(\d+\t)[\d.]+", r"\1", x) for x in lines) + "\n")
    with pytest.raises(RequestError, match="120 seconds from frame to frame"):
        read_motion_file(without_times, "TRC")


def c3d(tmp_path: Path, labels: Sequence[str], **point: Sequence[str]) -> Path:
    """The same markers, and where there are more labels as many points that stay at one place."""
    ezc3d = pytest.importorskip("ezc3d")
    content = ezc3d.c3d()
    content["parameters"]["POINT"]["RATE"]["value"] = [50]
    content["parameters"]["POINT"]["LABELS"]["value"] = labels
    for key, value in {"UNITS": ("mm",), **point}.items():
        content.add_parameter("POINT", key, value)
    points = np.full((4, len(labels), 20), 20.0)
    points[:3, :4] = np.stack([pose(k) for k in range(20)]).transpose(2, 1, 0)
    content["data"]["points"] = points
    content.write(str(tmp_path / "take.c3d"))
    return tmp_path / "take.c3d"


MARKERS = ("hip", "knee", "ankle", "toe")


@pytest.mark.parametrize(("screen", "up"), [(None, "z"), ("+Y", "y"), ("-Z", "z"), ("", "z")])
def test_the_vertical_of_c3d_is_that_of_its_screen(
    tmp_path: Path, screen: str | None, up: str
) -> None:
    said = {"Y_SCREEN": (screen,)} if screen is not None else {}
    take = c3d(tmp_path, MARKERS, UNITS=("Millimeters",), **said)
    assert read_motion_file(take, "C3D").up_axis == up


def test_a_c3d_whose_vertical_points_down_is_turned_round(tmp_path: Path) -> None:
    """Markers are above a floor at 0: they lie below it along the axis, or the file is wrong."""
    ezc3d = pytest.importorskip("ezc3d")
    content = ezc3d.c3d(str(c3d(tmp_path, MARKERS, Y_SCREEN=("-Y",))))
    content["data"]["points"][1] += 1500  # millimetres
    content.write(str(tmp_path / "above.c3d"))
    content["data"]["points"][1:3] *= -1
    content.write(str(tmp_path / "below.c3d"))
    above, below = (read_motion_file(tmp_path / f"{one}.c3d", "C3D") for one in ("above", "below"))
    assert above.up_axis == below.up_axis == "y"
    assert above.positions[..., 1].min() > 0
    np.testing.assert_allclose(below.positions, above.positions, atol=1e-6)
    assert "above 0 along +Y: that is taken as up" in above.notes[0]
    assert "Y and Z are turned round, so that +Y is up" in below.notes[0]


def test_c3d_is_read_as_trc_is(tmp_path: Path) -> None:
    motion = read_motion_file(c3d(tmp_path, MARKERS), "C3D")
    assert motion.names == MARKERS
    assert motion.frame_time_s == pytest.approx(0.02)
    np.testing.assert_allclose(motion.positions[9], pose(9) / 1000, atol=1e-6)


def test_a_c3d_that_was_cut_begins_at_its_first_frame(tmp_path: Path) -> None:
    ezc3d = pytest.importorskip("ezc3d")
    content = ezc3d.c3d(str(c3d(tmp_path, MARKERS)))
    content["header"]["points"]["first_frame"] = 100
    content.write(str(tmp_path / "cut.c3d"))
    motion = read_motion_file(tmp_path / "cut.c3d", "C3D")
    np.testing.assert_allclose(motion.times_s, (100 + np.arange(20)) / 50)


def test_angles_and_forces_of_a_c3d_are_no_markers(tmp_path: Path) -> None:
    """Vicon's Plug-in Gait writes them as points, and lists which they are."""
    labels = (*MARKERS, "LKneeAngles", "LKneeForce")
    take = c3d(tmp_path, labels, ANGLES=("LKneeAngles",), FORCES=("LKneeForce",))
    motion = read_motion_file(take, "C3D")
    assert motion.names == MARKERS
    assert motion.notes[0].endswith("are left out: LKneeAngles, LKneeForce")


def test_a_c3d_names_more_than_255_markers(tmp_path: Path) -> None:
    labels = (*MARKERS, *(f"m{k}" for k in range(253)))
    assert read_motion_file(c3d(tmp_path, labels), "C3D").names == labels
