"""`painet prepare motion`: takes of one skeleton as a dataset that is learned from."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from painet_cli.data.motion.bvh_writer import write_bvh
from painet_cli.data.sources.prepare import prepare
from painet_cli.errors import RequestError
from takes import BONDS, NAMES, take
from typed import Say


def test_every_take_is_a_segment(tmp_path: Path) -> None:
    files = [take(tmp_path / "one.bvh"), take(tmp_path / "two.bvh", 100)]
    dataset = prepare("motion", data_dir=tmp_path, files=files, name="mine", delta_frames=5)
    manifest = dataset.manifest
    assert manifest.particles.names == NAMES
    assert manifest.particles.bonds == BONDS
    assert [(one.name, one.length) for one in manifest.segments] == [("one", 120), ("two", 100)]
    assert manifest.units.frame_time_s == pytest.approx(0.01)
    assert manifest.up_axis == "y"


def test_takes_must_be_of_one_skeleton_and_rate(tmp_path: Path) -> None:
    one = take(tmp_path / "one.bvh")
    other = take(tmp_path / "other.bvh", names=("hips", "knee", "paw", "chest", "head"))
    with pytest.raises(RequestError, match=r"other\.bvh: other joints .*: only one has foot, paw"):
        prepare("motion", data_dir=tmp_path, files=[one, other], name="m", delta_frames=5)
    fast = take(tmp_path / "fast.bvh", step=0.005)
    with pytest.raises(RequestError, match=r"fast\.bvh: 5 ms between frames, .* 10 ms"):
        prepare("motion", data_dir=tmp_path, files=[one, fast], name="m", delta_frames=5)
    (tmp_path / "a.pdb").write_text("ATOM\n")
    with pytest.raises(RequestError, match=r"a\.pdb: PDB is no format of motion capture"):
        prepare("motion", data_dir=tmp_path, files=[tmp_path / "a.pdb"], name="m")


def test_takes_in_two_units_are_refused(tmp_path: Path) -> None:
    """Centimetres and inches, neither of which a BVH says, nor its size tells."""
    one, other = take(tmp_path / "one.bvh"), take(tmp_path / "other.bvh", 100)
    text = re.sub(
        r"(?m)^(\s*OFFSET )(.*)$",
        lambda line: line[1] + " ".join(f"{float(x) / 2.54:.6f}" for x in line[2].split()),
        other.read_text(),
    )
    other.write_text(text)
    with pytest.raises(RequestError, match=r"other\.bvh: all its bones are 0\.3937 times as long"):
        prepare("motion", data_dir=tmp_path, files=[one, other], name="m", delta_frames=5)


def test_a_take_given_twice_is_refused(tmp_path: Path) -> None:
    """Its windows would be trained on and tested with, which no leak report sees."""
    one, copied = take(tmp_path / "one.bvh"), take(tmp_path / "one (copy).bvh")
    with pytest.raises(RequestError, match=r"one \(copy\)\.bvh: the same frames as .*one\.bvh"):
        prepare("motion", data_dir=tmp_path, files=[one, copied], name="m", delta_frames=5)


def test_a_unit_that_makes_a_giant_is_refused(tmp_path: Path) -> None:
    files = [take(tmp_path / "one.bvh")]
    with pytest.raises(RequestError, match=r"one\.bvh: it is 1\d\d m across by unit='m'"):
        prepare("motion", data_dir=tmp_path, files=files, name="m", delta_frames=5, unit="m")


def markers_file(path: Path, names: str, unseen: str, count: int = 80) -> Path:
    """A take of markers that move together, of which one is not seen in a frame."""
    rows = []
    for frame in range(count):
        x = [
            "\t\t" if name == unseen and frame == 20 else f"{at + frame}\t{300 * (at % 3)}\t{at**2}"
            for at, name in enumerate(names)
        ]
        rows.append("\t".join([str(frame + 1), f"{frame / 50:.2f}", *x]))
    heading = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits",
        f"50\t50\t{count}\t{len(names)}\tmm",
        "Frame#\tTime\t" + "\t\t\t".join(names),
        "",
    ]
    path.write_text("\n".join([*heading, *rows, ""]))
    return path


def test_a_marker_with_gaps_in_one_take_is_left_out_of_all(tmp_path: Path) -> None:
    files = [
        markers_file(tmp_path / "one.trc", "ABCDE", "B"),
        markers_file(tmp_path / "two.trc", "EDCBA", "D"),  # in another order, too
        markers_file(tmp_path / "three.trc", "ABCDE", "", 70),
    ]
    dataset = prepare("motion", data_dir=tmp_path, files=files, name="m", delta_frames=5)
    assert dataset.manifest.particles.names == ("A", "C", "E")
    assert len(dataset.manifest.particles.bonds) == 2
    assert "markers that are not in every take are left out of all: D, B." in (
        dataset.manifest.origin.notes
    )
    first, second = dataset.frames[0], dataset.frames[80]
    np.testing.assert_allclose(first[:, 0], [0, 0.002, 0.004], atol=1e-6)
    np.testing.assert_allclose(second[:, 0], [0.004, 0.002, 0], atol=1e-6)


def test_takes_without_two_markers_in_common_are_refused(tmp_path: Path) -> None:
    files = [
        markers_file(tmp_path / "one.trc", "ABC", ""), markers_file(tmp_path / "two.trc", "CDE", "")
    ]  # fmt: skip
    with pytest.raises(RequestError, match="of 5 markers 1 are in all 2 takes"):
        prepare("motion", data_dir=tmp_path, files=files, name="m", delta_frames=5)


def test_takes_are_along_one_vertical_which_may_be_given(tmp_path: Path) -> None:
    walks = np.array([[0, 0, 0], [0.2, 0, 1.7]]) + np.arange(80)[:, None, None] * [0.02, 0, 0]
    files = [tmp_path / "walks.bvh", tmp_path / "stands.bvh"]
    for path, x in zip(files, (walks, walks - walks[:, :1]), strict=True):
        write_bvh(path, ("hip", "head"), {1: 0}, walks[0], x.astype(np.float32), 0.02)
    asked = {"data_dir": tmp_path, "files": files, "name": "m", "delta_frames": 5}
    with pytest.raises(RequestError, match=r"stands\.bvh: y is up, and z in .*walks\.bvh"):
        prepare("motion", **asked)
    assert prepare("motion", **asked, up="z").manifest.up_axis == "z"
    manifest = prepare("motion", **asked, up="y", force=True).manifest
    assert manifest.up_axis == "y"
    assert "is taken as up" not in manifest.origin.notes


def test_one_trains_evaluates_and_predicts_on_it(tmp_path: Path, say: Say) -> None:
    take(tmp_path / "one.bvh")
    take(tmp_path / "two.bvh", 130)
    small = ["--set", "model.layers=1", "--set", "model.hidden=8", "--set", "train.epochs=1"]
    status, _, err = say(
        "prepare", "motion", tmp_path / "one.bvh", tmp_path / "two.bvh",
        "--name", "mine", "--delta-frames", "10", "--horizon", "2",
    )  # fmt: skip
    assert status == 0
    assert "painet train --preset motion --set data.dataset=mine" in err
    status, _, err = say(
        "train", "--preset", "motion", "--set", "data.dataset=mine", "--set",
        "data.delta_frames=10", "--set", "data.horizon=2", *small, "--device", "cpu",
    )  # fmt: skip
    assert status == 0, err
    run = next(Path("runs").rglob("best.safetensors")).parent
    status, _, err = say("evaluate", run)
    assert status == 0, err
    status, _, err = say("predict", tmp_path / "one.bvh", "-T", "2", "--checkpoint", run)
    assert status == 0, err
    assert Path("predictions/one/one_predicted.bvh").is_file()
