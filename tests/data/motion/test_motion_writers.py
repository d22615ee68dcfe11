"""GLB, TRC and the T-pose, written and read back."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from painet_cli.data.motion.bvh_writer import parents_of
from painet_cli.data.motion.glb_writer import write_glb
from painet_cli.data.motion.rest_pose import t_pose
from painet_cli.data.motion.trc import read_trc
from painet_cli.data.motion.trc_writer import write_trc

BONDS = ((0, 1), (1, 2), (2, 3), (2, 4), (0, 5), (5, 6))
NAMES = ("root", "spine", "thorax", "lhand", "rhand", "lfemur", "ltibia")
WIDTH = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


@pytest.fixture
def walk() -> NDArray[np.float64]:
    """Frames of a branching skeleton whose bones keep their lengths."""
    generator = np.random.default_rng(1)
    rest = generator.normal(size=(7, 3))
    parents = parents_of(BONDS, 7) or {}
    frames = np.zeros((9, 7, 3))
    frames[:, 0] = generator.normal(size=(9, 3))
    for joint, parent in parents.items():
        turns = Rotation.from_rotvec(np.linspace(0, 1.2, 9)[:, None] * generator.normal(size=3))
        frames[:, joint] = frames[:, parent] + turns.apply(rest[joint] - rest[parent])
    return frames


def read_glb(path: Path) -> tuple[dict[str, Any], bytes]:
    """Both chunks of a GLB file, whose lengths are held against the file's."""
    raw = path.read_bytes()
    magic, version, total = struct.unpack_from("<4sII", raw)
    assert (magic, version, total) == (b"glTF", 2, len(raw))
    size, kind = struct.unpack_from("<I4s", raw, 12)
    assert (kind, size % 4) == (b"JSON", 0)
    content = json.loads(raw[20 : 20 + size])
    length, kind = struct.unpack_from("<I4s", raw, 20 + size)
    assert (kind, length % 4) == (b"BIN\0", 0)
    assert 28 + size + length == len(raw)
    assert content["buffers"] == [{"byteLength": length}]
    return content, raw[28 + size :]


def numbers(content: dict[str, Any], binary: bytes, accessor: int) -> NDArray[Any]:
    """Values of an accessor, which have to lie in its view and in the buffer."""
    one = content["accessors"][accessor]
    view = content["bufferViews"][one["bufferView"]]
    kind = {5126: "<f4", 5123: "<u2"}[one["componentType"]]
    width = WIDTH[one["type"]]
    assert view["byteLength"] == one["count"] * width * np.dtype(kind).itemsize
    assert view["byteOffset"] % 4 == 0
    assert view["byteOffset"] + view["byteLength"] <= len(binary)
    values = np.frombuffer(binary, kind, one["count"] * width, view["byteOffset"])
    values = values.reshape(one["count"], width)
    np.testing.assert_allclose(values.min(axis=0), one["min"], rtol=1e-6)
    np.testing.assert_allclose(values.max(axis=0), one["max"], rtol=1e-6)
    return values


def posed(content: dict[str, Any], binary: bytes, frames: int) -> dict[str, NDArray[np.float64]]:
    """Where the far end of every bone is in every frame, by the nodes and their channels."""
    animation = content["animations"][0]
    tracks = {}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        assert content["accessors"][sampler["input"]]["count"] == frames
        target = channel["target"]
        tracks[target["node"], target["path"]] = numbers(content, binary, sampler["output"])
    ends: dict[str, NDArray[np.float64]] = {}

    def go(index: int, at: NDArray[np.float64], turn: NDArray[np.float64]) -> None:
        node = content["nodes"][index]
        moved = tracks.get((index, "translation"))
        step = np.array(node.get("translation", [0, 0, 0]), float) if moved is None else moved
        at = at + np.einsum("fij,fj->fi", turn, np.broadcast_to(step, (frames, 3)))
        own = tracks.get((index, "rotation"), np.array([node.get("rotation", [0, 0, 0, 1])]))
        turn = turn @ Rotation.from_quat(np.broadcast_to(own, (frames, 4))).as_matrix()
        if "mesh" in node:
            ends[node["name"].removesuffix(" (shape)")] = at + node["scale"][0] * turn[..., 1]
        for child in node.get("children", []):
            go(child, at, turn)

    top = content["scenes"][content["scene"]]["nodes"]
    assert len(top) == 1
    go(top[0], np.zeros((frames, 3)), np.broadcast_to(np.eye(3), (frames, 3, 3)))
    return ends


@pytest.mark.parametrize("up", ["y", "z"])
def test_a_glb_moves_its_nodes_as_the_joints_move(
    walk: NDArray[np.float64], up: Any, tmp_path: Path
) -> None:
    path = tmp_path / "walk.glb"
    write_glb(path, NAMES, parents_of(BONDS, 7) or {}, walk[0], walk, 0.02, up)
    content, binary = read_glb(path)
    ends = posed(content, binary, len(walk))
    expected = walk if up == "y" else walk[..., [0, 2, 1]] * [1, 1, -1]
    for joint, name in enumerate(NAMES[1:], start=1):
        np.testing.assert_allclose(ends[name], expected[:, joint], atol=1e-5)
    times = numbers(content, binary, content["animations"][0]["samplers"][0]["input"])
    np.testing.assert_allclose(times.ravel(), np.arange(9) * 0.02, atol=1e-6)


def test_every_bone_of_a_glb_has_one_channel_and_the_root_two(
    walk: NDArray[np.float64], tmp_path: Path
) -> None:
    path = tmp_path / "walk.glb"
    write_glb(path, NAMES, parents_of(BONDS, 7) or {}, walk[0], walk, 0.02)
    content, _ = read_glb(path)
    targets = [channel["target"] for channel in content["animations"][0]["channels"]]
    assert len(targets) == len(NAMES) + 1
    assert len({(one["node"], one["path"]) for one in targets}) == len(targets)
    children = [child for node in content["nodes"] for child in node.get("children", [])]
    assert sorted(children) == list(range(len(content["nodes"]) - 1)), "a node has one parent"
    assert all(node.get("children", True) for node in content["nodes"]), "no empty lists"


def test_a_glb_says_which_of_its_numbers_are_corners_and_which_faces(
    walk: NDArray[np.float64], tmp_path: Path
) -> None:
    path = tmp_path / "walk.glb"  # glTF's validator asks for it
    write_glb(path, NAMES, parents_of(BONDS, 7) or {}, walk[0], walk, 0.02)
    content, _ = read_glb(path)
    (shape,) = content["meshes"][0]["primitives"]
    used = [shape["attributes"]["POSITION"], shape["indices"]]
    views = [content["bufferViews"][content["accessors"][one]["bufferView"]] for one in used]
    assert [view["target"] for view in views] == [34962, 34963]


def test_a_glb_of_joints_has_every_node_where_its_joint_is(tmp_path: Path) -> None:
    rest = np.random.default_rng(5).normal(size=(7, 3))
    turns = Rotation.from_rotvec(np.linspace(0, 2, 9)[:, None] * np.array([0.3, 1.0, 0.2]))
    frames = np.einsum("fij,kj->fki", turns.as_matrix(), rest)
    path, parents = tmp_path / "walk.glb", parents_of(BONDS, 7) or {}
    write_glb(path, NAMES, parents, rest, frames, 0.02, of_joints=True)
    content, binary = read_glb(path)
    nodes = {node["name"]: node for node in content["nodes"]}
    for joint, parent in parents.items():
        offset = nodes[NAMES[joint]]["translation"]
        np.testing.assert_allclose(offset, rest[joint] - rest[parent], atol=1e-12)
    ends = posed(content, binary, len(frames))
    for joint, name in enumerate(NAMES[1:], start=1):
        np.testing.assert_allclose(ends[name], frames[:, joint], atol=1e-3)


@pytest.mark.parametrize(("unit", "metres"), [("m", 1.0), ("cm", 0.01)])
def test_a_trc_is_read_back(
    walk: NDArray[np.float64], unit: str, metres: float, tmp_path: Path
) -> None:
    path = tmp_path / "walk.trc"
    write_trc(path, [*NAMES[:-1], "left shin"], walk / metres, 0.01, unit)
    motion = read_trc(path)
    assert motion.names == (*NAMES[:-1], "left_shin")
    assert motion.frame_time_s == pytest.approx(0.01)
    np.testing.assert_allclose(motion.positions, walk, atol=1e-6)


CMU = {
    "root": "", "lhipjoint": "root", "lfemur": "lhipjoint", "ltibia": "lfemur", "lfoot": "ltibia",
    "rhipjoint": "root", "rfemur": "rhipjoint", "rtibia": "rfemur", "rfoot": "rtibia",
    "thorax": "root", "head": "thorax", "lclavicle": "thorax", "lhumerus": "lclavicle",
    "rclavicle": "thorax", "rhumerus": "rclavicle",
}  # fmt: skip
MIXAMO = {
    "Hips": "", "LeftUpLeg": "Hips", "LeftLeg": "LeftUpLeg", "LeftFoot": "LeftLeg",
    "LeftToeBase": "LeftFoot", "RightUpLeg": "Hips", "RightLeg": "RightUpLeg",
    "RightFoot": "RightLeg", "RightToeBase": "RightFoot", "Spine": "Hips", "Head": "Spine",
    "LeftShoulder": "Spine", "LeftForeArm": "LeftShoulder", "RightShoulder": "Spine",
    "RightForeArm": "RightShoulder",
}  # fmt: skip


@pytest.mark.parametrize("skeleton", [CMU, MIXAMO], ids=["CMU", "Mixamo"])
def test_a_t_pose_stands_upright_with_its_arms_out(skeleton: dict[str, str]) -> None:
    names = list(skeleton)
    bonds = [(names.index(above), k) for k, above in enumerate(skeleton.values()) if above]
    parents = parents_of(bonds, len(names)) or {}
    start = np.random.default_rng(2).normal(size=(len(names), 3))
    place = t_pose(names, parents, start, "y")
    assert place is not None
    at = dict(zip(names, place, strict=True))
    foot, shin, arm = (names[k] for k in (4, 3, 12))
    assert at[arm][0] > 0 > at[names[14]][0], "the left is along x"
    assert at[names[10]][1] > 0 > at[shin][1], "the head is above the root, the shin below"
    assert at[foot][1] == pytest.approx(at[shin][1])
    assert at[foot][2] > at[shin][2], "feet point ahead"
    for joint, parent in parents.items():
        length = np.linalg.norm(start[joint] - start[parent])
        assert np.linalg.norm(place[joint] - place[parent]) == pytest.approx(length)


def test_a_skeleton_without_left_and_right_has_no_t_pose() -> None:
    assert t_pose(["a", "b"], {1: 0}, np.eye(2, 3), "y") is None
