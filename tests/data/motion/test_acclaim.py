from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from painet_cli.data.motion.acclaim import (
    joint_positions,
    parse_amc,
    parse_asf,
    read_asf,
    read_noted_motion,
)
from painet_cli.data.motion.skeleton import rotations
from painet_cli.errors import RequestError

# A chain of two bones along x: root -- arm (2 long) -- hand (3 long).
ASF = """\
# a comment
:version 1.10
:name TEST
:units
  length 0.45
  angle deg
:documentation
   begin with anything
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name arm
    direction 1 0 0
    length 2
    axis 0 0 0 XYZ
    dof rz
    limits (-10 10)
           (-10 10)
  end
  begin
    name hand
    direction 1 0 0
    length 3
    axis 0 0 0 XYZ
    dof rx rz
  end
:hierarchy
  begin
    root arm
    arm hand
  end
"""
AMC = """\
#!OML:ASF test.asf
:FULLY-SPECIFIED
:DEGREES
1
root 0 0 0 0 0 0
arm 0
hand 0 0
2
root 0 0 0 0 0 0
arm 90
hand 0 0
"""


def positions(asf: str, amc: str) -> NDArray[np.float64]:
    skeleton = parse_asf(asf.encode(), "t.asf")
    return joint_positions(skeleton, *parse_amc(amc.encode(), "t.amc", skeleton))


def one_frame(root: str = "0 0 0 0 0 0", arm: str = "0", hand: str = "0 0") -> str:
    return f"1\nroot {root}\narm {arm}\nhand {hand}\n"


def test_a_skeleton_is_read_in_the_order_of_its_file() -> None:
    skeleton = parse_asf(ASF.encode(), "t.asf")
    assert skeleton.names == ("root", "arm", "hand")
    assert skeleton.parents == (-1, 0, 1)
    assert skeleton.bonds == ((0, 1), (1, 2))
    assert skeleton.dof == (("tx", "ty", "tz", "rx", "ry", "rz"), ("rz",), ("rx", "rz"))
    assert skeleton.length.tolist() == [0, 2, 3]


@pytest.mark.parametrize(
    ("asf", "amc", "arm", "hand"),
    [
        pytest.param(ASF, one_frame(), (2, 0, 0), (5, 0, 0), id="at rest, unscaled"),
        pytest.param(ASF, one_frame(arm="90"), (0, 2, 0), (0, 5, 0), id="a child turns along"),
        pytest.param(ASF, one_frame(hand="0 90"), (2, 0, 0), (2, 3, 0), id="a right angle"),
        pytest.param(
            ASF, one_frame(arm="90", hand="0 90"), (0, 2, 0), (-3, 2, 0), id="two right angles"
        ),
        pytest.param(
            ASF, one_frame(root="7 8 9 0 90 0"), (7, 8, 7), (7, 8, 4), id="the root moves all"
        ),
        pytest.param(
            ASF.replace("direction 1 0 0\n    length 3", "direction 0 1 0\n    length 3"),
            one_frame(hand="90 90"),
            (2, 0, 0),
            (2, 0, 3),
            id="about x before about z",
        ),
        pytest.param(
            ASF.replace("length 3\n    axis 0 0 0", "length 3\n    axis 0 0 90"),
            one_frame(hand="90 0"),
            (2, 0, 0),
            (2, 0, -3),
            id="the axis turned by 90 about z makes rx a turn about y",
        ),
        pytest.param(
            ASF.replace("length 3\n    axis 0 0 0", "length 3\n    axis 90 0 90"),
            one_frame(hand="0 90"),
            (2, 0, 0),
            (5, 0, 0),
            id="the axis turned about x before z makes rz a turn about x, along the bone",
        ),
        pytest.param(
            ASF.replace("direction 1 0 0\n    length 3", "direction 0 1 0\n    length 3").replace(
                "dof rx rz", "dof rz rx"
            ),
            one_frame(hand="90 90"),
            (2, 0, 0),
            (-1, 0, 0),
            id="about z before about x, as dof has it",
        ),
        pytest.param(
            ASF.replace("length 3\n    axis 0 0 0 XYZ", "length 3\n    axis 90 0 90 ZYX"),
            one_frame(hand="0 90"),
            (2, 0, 0),
            (2, 0, 3),
            id="the axis turned about z before x makes rz a turn about minus y",
        ),
        pytest.param(
            ASF.replace("    dof rz\n", ""),
            one_frame().replace("arm 0\n", ""),
            (2, 0, 0),
            (5, 0, 0),
            id="a bone without dof has no line",
        ),
        pytest.param(
            ASF.replace("TX TY TZ RX RY RZ", "RX RY RZ TZ TY TX"),
            one_frame(root="0 0 90 9 8 7"),
            (7, 10, 9),
            (7, 13, 9),
            id="the root's order names its columns",
        ),
        pytest.param(
            ASF.replace("position 0 0 0", "position 10 0 0").replace(
                "orientation 0 0 0", "orientation 0 0 90"
            ),
            one_frame(root="0 0 1 0 0 0"),
            (10, 2, 1),
            (10, 5, 1),
            id="the root has a pose at rest",
        ),
        pytest.param(
            ASF.replace("angle deg", "angle rad"),
            one_frame(arm=repr(np.pi / 2)),
            (0, 2, 0),
            (0, 5, 0),
            id="radians in the skeleton",
        ),
        pytest.param(
            ASF,
            ":RADIANS\n" + one_frame(arm=repr(np.pi / 2)),
            (0, 2, 0),
            (0, 5, 0),
            id="radians in the motion",
        ),
    ],
)
def test_joint_positions_worked_out_by_hand(
    asf: str, amc: str, arm: tuple[float, ...], hand: tuple[float, ...]
) -> None:
    np.testing.assert_allclose(positions(asf, amc)[0, 1:], [arm, hand], atol=1e-12)


def test_a_child_may_be_listed_before_its_parent() -> None:
    before, arm, hand = ASF.partition("  end\n:hierarchy")[0].split("  begin\n")
    swapped = f"{before}  begin\n{hand}  end\n  begin\n{arm}:hierarchy\nroot arm\narm hand\n"
    assert parse_asf(swapped.encode(), "t.asf").names == ("root", "hand", "arm")
    np.testing.assert_allclose(
        positions(swapped, one_frame(arm="90"))[0], [(0, 0, 0), (0, 5, 0), (0, 2, 0)], atol=1e-12
    )


def test_rotations_are_about_x_then_y_then_z() -> None:
    x, y, z = np.eye(3) * 0.3
    np.testing.assert_allclose(
        rotations(x + y + z), rotations(z) @ rotations(y) @ rotations(x), atol=1e-15
    )


@pytest.mark.parametrize(
    "respell",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(lambda text: text.replace(" ", "\t"), id="tabs"),
        pytest.param(lambda text: text.rstrip("\n"), id="no newline at the end"),
        pytest.param(lambda text: text.replace("\n", " # why\n\n"), id="comments, blank lines"),
    ],
)
def test_spelling_does_not_matter(respell: Callable[[str], str]) -> None:
    np.testing.assert_array_equal(positions(respell(ASF), respell(AMC)), positions(ASF, AMC))


def test_frames_may_begin_anywhere_and_bones_stand_in_any_order() -> None:
    amc = "41\nroot 0 0 0 0 0 0\narm 0\nhand 0 0\n42\nhand 0 0\narm 90\nroot 0 0 0 0 0 0\n"
    np.testing.assert_array_equal(positions(ASF, amc), positions(ASF, AMC))


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("hand 0 0\n2", "2", 4, "frame 1 has no line for bone 'hand'"),
        ("90\nhand 0 0\n", "90\n", 8, "frame 2 has no line for bone 'hand'"),
        ("arm 90\nhand 0 0", "arm 90\nhand 0", 11, "1 value(s) for bone 'hand', not 2"),
        ("arm 90", "arm 90 1", 10, "2 value(s) for bone 'arm', not 1"),
        ("arm 90", "leg 90", 10, "unknown bone 'leg'"),
        ("arm 90", "arm 90\narm 90", 11, "bone 'arm' stands twice in this frame"),
        ("\n2\n", "\n3\n", 8, "frame '3' where frame 2 should be"),
        ("\n2\n", "\n02\n", 8, "frame '02' where frame 2 should be"),
        ("\n1\n", f"\n{'1' * 9999}\n", 4, f"frame '{'1' * 37}...' where frame 111111111 should"),
        ("\n2\n", "\n", 8, "bone 'root' stands twice in this frame"),
        ("arm 90", "arm x90", 10, "'x90' is not a finite number"),
        ("arm 90", "arm nan", 10, "'nan' is not a finite number"),
        ("arm 90", "arm -inf", 10, "'-inf' is not a finite number"),
        ("arm 90", "arm 1e300", 10, "'1e300' is not a finite number"),
        ("arm 90", "arm 9_0", 10, "'9_0' is not a finite number"),
        ("\n1\n", "\n", 4, "'root' before the first frame"),
        (AMC[AMC.index("1\n") :], "", 3, "there is no frame"),
        (AMC, "", 1, "the file is empty"),
        ("arm 90", "arm \0", 10, "not text (a zero byte)"),
    ],
)
def test_a_bad_motion_is_refused_with_its_line(old: str, new: str, line: int, what: str) -> None:
    assert old in AMC
    with pytest.raises(RequestError) as error:
        positions(ASF, AMC.replace(old, new, 1))
    assert error.value.what.startswith(f"t.amc:{line}: {what}")
    assert error.value.hint


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("    arm hand\n", "    arm leg\n", 35, "unknown bone 'leg'"),
        ("    arm hand\n", "", 32, "bone 'hand' does not hang from 'root'"),
        # hand below arm below hand
        ("root arm\n", "hand arm\n", 34, "bone 'arm' does not hang from 'root'"),
        ("arm hand\n", "arm hand root\n", 35, "'root' below a second parent"),
        ("arm hand\n", "arm hand arm\n", 35, "'arm' below a second parent"),
        ("    length 3\n", "", 25, "bone 'hand' has no 'length' line"),
        ("    direction 1 0 0\n", "", 15, "bone 'arm' has no 'direction' line"),
        ("    name hand\n", "", 25, "a bone has no 'name' line"),
        ("name hand", "name arm", 26, "'arm' cannot name a bone"),
        ("name hand", "name root", 26, "'root' cannot name a bone"),
        ("name hand", "name left hand", 26, "'left hand' cannot name a bone"),
        ("  end\n  begin\n", "", 24, "a second 'name' line"),
        ("length 3", "length 3 4", 28, "bone 'hand': 'length 3 4' is not read"),
        ("length 3", "length long", 28, "'long' is not a finite number"),
        ("direction 1 0 0", "direction 1 0", 18, "bone 'arm': 'direction 1 0' is not read"),
        ("axis 0 0 0 XYZ", "axis 0 0 0 XXY", 20, "bone 'arm': 'axis 0 0 0 XXY' is not read"),
        ("axis XYZ", "axis XXY", 11, "root: 'axis XXY' is not read"),
        ("dof rx rz", "dof rx rz l", 30, "bone 'hand' moves by 'rx rz l', which is not read"),
        ("dof rx rz", "dof tx", 30, "bone 'hand' moves by 'tx', which is not read"),
        ("dof rx rz", "dof rx rx", 30, "bone 'hand' moves by 'rx rx', which is not read"),
        ("RX RY RZ", "RX RX RZ", 10, "root moves by 'TX TY TZ RX RX RZ', which is not read"),
        ("order TX TY TZ RX RY RZ", "order", 10, "root moves by '', which is not read"),
        ("  position 0 0 0\n", "", 9, "root has no 'position' line"),
        ("angle deg", "angle grad", 6, "'angle grad' is an unknown unit"),
        (ASF[ASF.index(":hierarchy") :], "", 31, "there is no ':hierarchy' section"),
        (":documentation", ":root", 9, "a second ':root' section"),
        ("# a comment", "GIF89a", 1, "'GIF89a' is not the beginning of an ASF skeleton"),
        ("arm\n", "\0\n", 17, "not text (a zero byte)"),
        (ASF, "", 1, "the file is empty"),
    ],
)
def test_a_bad_skeleton_is_refused_with_its_line(old: str, new: str, line: int, what: str) -> None:
    assert old in ASF
    with pytest.raises(RequestError) as error:
        parse_asf(ASF.replace(old, new, 1).encode(), "t.asf")
    assert error.value.what.startswith(f"t.asf:{line}: {what}")
    assert error.value.hint


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"none\.asf: cannot be read \(No such file"):
        read_asf(tmp_path / "none.asf")
    with pytest.raises(RequestError, match="cannot be read"):
        read_noted_motion(tmp_path, parse_asf(ASF.encode(), "t.asf"))


def test_a_motion_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("painet_cli.data.motion.acclaim.LARGEST_MOTION", 5)
    with pytest.raises(RequestError, match="2 frames of 3 joints are more than can be read"):
        positions(ASF, AMC)


@st.composite
def mutated(draw: st.DrawFn, text: str) -> bytes:
    """The text with a few stretches of it replaced by words of either format or by any bytes."""
    word = st.sampled_from(
        ["begin", "end", "root", "arm", ":root", "1", "-1e9", "1e999", "\n", " "]
    )
    raw = text.encode()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(raw)))
        end = start + draw(st.integers(0, 30))
        raw = raw[:start] + draw(word.map(str.encode) | st.binary(max_size=8)) + raw[end:]
    return raw


@settings(deadline=None)
@given(mutated(ASF) | st.binary(), mutated(AMC) | st.binary())
def test_whatever_the_bytes_they_are_read_or_refused(asf: bytes, amc: bytes) -> None:
    sound = parse_asf(ASF.encode(), "t.asf")
    for content, skeleton in ((AMC.encode(), None), (amc, sound)):
        try:
            read = skeleton or parse_asf(asf, "t.asf")
            x = joint_positions(read, *parse_amc(content, "t.amc", read))
        except RequestError as error:
            assert error.hint
        else:
            assert x.shape[1:] == (len(read.names), 3)
            assert np.isfinite(x).all()


@pytest.mark.parametrize("trial", ["35_01", "35_28", "35_34"])
def test_bones_of_a_real_recording_keep_their_length(shared: Path, trial: str) -> None:
    folder = shared / "data" / "mocap" / "subject35"
    skeleton = read_asf(folder / "35.asf")
    x, _ = read_noted_motion(folder / f"{trial}.amc", skeleton)
    parent, child = np.transpose(skeleton.bonds)
    lengths = np.linalg.norm(x[:, child] - x[:, parent], axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(skeleton.length[1:], lengths.shape), 1e-5)


def test_a_real_walker_stands_upright_on_the_ground(shared: Path) -> None:
    folder = shared / "data" / "mocap" / "subject35"
    skeleton = read_asf(folder / "35.asf")
    height = read_noted_motion(folder / "35_01.amc", skeleton)[0][:, :, 1]
    lowest = height.min(axis=1)
    assert np.abs(lowest).max() < 1.5  # 8 cm
    assert (height[:, skeleton.names.index("head")] > 28).all()
