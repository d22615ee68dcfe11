"""Joint positions as GLB, the binary glTF 2.0 that Blender, Unity and browsers open.

A node a bone, named as the joint at its far end and placed at its near end, or of a skeleton of
joints a node a joint, with a rotation in every frame; the root has a translation too. A thin shape
along every bone makes the skeleton visible without a skin. glTF is in metres and has y up.

Format: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from painet_cli.data.motion.bone_turns import pose
from painet_cli.data.particles.names import Axis

_MAGIC, _VERSION, _JSON, _BIN = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
_FLOAT, _UNSIGNED_SHORT = 5126, 5123
_VERTICES, _INDICES = 34962, 34963
_WAIST, _GIRTH = 0.15, 0.06
"""Where a bone of length 1 is thickest, and its half width there."""
_Z_UP = [-(2**-0.5), 0.0, 0.0, 2**-0.5]
"""Quaternion that turns z onto y."""


def write_glb(
    path: Path,
    names: Sequence[str],
    parents: dict[int, int],
    rest: NDArray[np.floating],  # (J, 3)
    frames: NDArray[np.floating],  # (F, J, 3)
    frame_time_s: float,
    up_axis: Axis | None = "y",
    *,
    of_joints: bool = False,
) -> None:
    """Write joint positions as an animated skeleton.

    Parameters
    ----------
    names
        (J,) names of the joints.
    parents
        Parent of every joint but 0, each joint after its parent.
    rest
        (J, 3) positions whose bones are those of the nodes at rest, metres.
    frames
        (F, J, 3) finite positions, metres.
    frame_time_s
        Seconds between frames.
    up_axis
        Direction of height of the positions.
    of_joints
        As `names_joints` of `bone_turns` says.
    """
    posed = pose(parents, rest, frames, of_joints=of_joints)
    buffer = _Buffer()
    _add_bone_shape(buffer)
    times = buffer.add(np.arange(len(frames), dtype=np.float32) * frame_time_s, "SCALAR")
    nodes: list[dict[str, Any]] = [
        {"name": names[0], "translation": posed.root[0].tolist(), "children": []}
    ]
    places = {0: 0}  # node of the root and of every bone, by the joint at its far end, or joint
    tracks = [
        (0, "translation", buffer.add(posed.root.astype(np.float32), "VEC3")),
        (0, "rotation", _rotations(buffer, posed.turns[0])),
    ]
    for joint, parent in parents.items():
        bone = posed.bones[joint]
        local = posed.turns[parent].swapaxes(-1, -2) @ posed.turns[joint]
        near = bone if of_joints else posed.bones[parent]
        places[joint] = len(nodes)
        nodes[places[parent]]["children"].append(len(nodes))
        nodes.append({"name": names[joint], "translation": near.tolist(), "children": []})
        tracks.append((places[joint], "rotation", _rotations(buffer, local)))
        if (length := float(np.linalg.norm(bone))) > 0:
            turn, _ = Rotation.align_vectors(bone[None] / length, [[0.0, 1.0, 0.0]])
            nodes[places[parent if of_joints else joint]]["children"].append(len(nodes))
            nodes.append(
                {
                    "name": f"{names[joint]} (shape)",
                    "mesh": 0,
                    "rotation": turn.as_quat().tolist(),
                    "scale": [length] * 3,
                }
            )
    top = {"name": "skeleton", "children": [0]} | ({"rotation": _Z_UP} if up_axis == "z" else {})
    nodes.append(top)
    for node in nodes:
        if not node.get("children", True):
            del node["children"]  # an empty list is not allowed
    content = _document(path.stem, nodes, times, tracks, buffer)
    path.write_bytes(_chunks(content, bytes(buffer.data)))


def _document(
    name: str,
    nodes: list[dict[str, Any]],
    times: int,
    tracks: list[tuple[int, str, int]],
    buffer: _Buffer,
) -> dict[str, Any]:
    """GlTF's JSON of nodes, the last of them the scene's, that move along tracks.

    Parameters
    ----------
    times
        Number of the accessor of the frames' times.
    tracks
        Number of a node, what of it moves, and the number of the accessor that says how.
    """
    return {
        "asset": {"version": "2.0", "generator": "painet"},
        "scene": 0,
        "scenes": [{"nodes": [len(nodes) - 1]}],
        "nodes": nodes,
        "meshes": [{"name": "bone", "primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "animations": [
            {
                "name": name,
                "samplers": [
                    {"input": times, "output": values, "interpolation": "LINEAR"}
                    for _, _, values in tracks
                ],
                "channels": [
                    {"sampler": k, "target": {"node": node, "path": what}}
                    for k, (node, what, _) in enumerate(tracks)
                ],
            }
        ],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(buffer.data)}],
    }


class _Buffer:
    """The binary chunk, and what lies where in it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, int]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, values: NDArray[Any], kind: str) -> int:
        """Append numbers, every accessor at a multiple of four bytes; gives its index."""
        short = values.dtype == np.uint16
        raw = np.ascontiguousarray(values).astype("<u2" if short else "<f4")
        rows = raw.reshape(len(raw), -1)
        self.views.append(
            {"buffer": 0, "byteOffset": len(self.data), "byteLength": int(raw.nbytes)}
        )
        self.accessors.append(
            {
                "bufferView": len(self.views) - 1,
                "componentType": _UNSIGNED_SHORT if short else _FLOAT,
                "count": len(raw),
                "type": kind,
                "min": rows.min(axis=0).tolist(),
                "max": rows.max(axis=0).tolist(),
            }
        )
        self.data += raw.tobytes() + b"\0" * (-raw.nbytes % 4)
        return len(self.accessors) - 1


def _add_bone_shape(buffer: _Buffer) -> None:
    """Two pyramids along y, from 0 to 1: the first two accessors, which the one mesh is made of."""
    corners = [(1, 1), (1, -1), (-1, -1), (-1, 1)]
    waist = [[_GIRTH * x, _WAIST, _GIRTH * z] for x, z in corners]
    points = np.array([[0, 0, 0], *waist, [0, 1, 0]], dtype=np.float32)
    faces = [
        corner
        for k in range(4)
        for corner in (0, 1 + k, 1 + (k + 1) % 4, 5, 1 + (k + 1) % 4, 1 + k)
    ]
    buffer.add(points, "VEC3")
    buffer.add(np.array(faces, dtype=np.uint16), "SCALAR")
    buffer.views[0]["target"], buffer.views[1]["target"] = _VERTICES, _INDICES


def _rotations(buffer: _Buffer, turns: NDArray[np.float64]) -> int:
    """Quaternions (x, y, z, w) that go on from frame to frame without a change of sign."""
    quaternions = Rotation.from_matrix(turns).as_quat()
    signs = np.sign((quaternions[1:] * quaternions[:-1]).sum(axis=1))
    quaternions[1:] *= np.cumprod(np.where(signs == 0, 1, signs))[:, None]
    return buffer.add(quaternions.astype(np.float32), "VEC4")


def _chunks(content: dict[str, Any], binary: bytes) -> bytes:
    """The file: a header, and two chunks that are multiples of four bytes."""
    text = json.dumps(content, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(binary)
    return b"".join(
        [
            struct.pack("<III", _MAGIC, _VERSION, total),
            struct.pack("<II", len(text), _JSON),
            text,
            struct.pack("<II", len(binary), _BIN),
            binary,
        ]
    )
