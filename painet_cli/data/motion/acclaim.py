"""The Acclaim formats: an ASF skeleton, and AMC motion as joint positions.

Lengths stay as the files have them: the scale in the `:units` section tells their unit alone.
Rotations are taken in the order that a bone's `axis` and `dof` name, x, y, z in all CMU files.

Format: https://research.cs.wisc.edu/graphics/Courses/cs-838-1999/Jeff/ASF-AMC.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.motion.acclaim_text import (
    NOT_WHOLE,
    Block,
    Row,
    bad_line,
    numbers,
    quote,
    rows,
)
from painet_cli.data.motion.plausible import radians_note
from painet_cli.data.motion.skeleton import ROTATIONS, Skeleton, joint_positions, rotations
from painet_cli.storage.archives import read_bytes

ROOT = "root"
CHANNELS = ("tx", "ty", "tz", "rx", "ry", "rz")
ROOT_KEYS = ("order", "axis", "position", "orientation")
BONE_KEYS = ("name", "direction", "length", "axis", "dof")

_RADIANS = re.compile(rb"^:RADIANS", re.IGNORECASE | re.MULTILINE)
LARGEST_MOTION = 2_000_000
"""Frames times joints, far above any real recording: it bounds time and memory."""


def read_asf(path: Path) -> Skeleton:
    """Read an ASF file; see `parse_asf`."""
    return parse_asf(read_bytes(path), str(path))


def read_noted_motion(path: Path, skeleton: Skeleton) -> tuple[NDArray[np.float64], str]:
    """Joint positions of an AMC file, (frames, J, 3) in ASF units; see `parse_amc`.

    The sentence is on degrees that look like radians; empty where they do not.
    """
    raw = read_bytes(path)
    root, angles = parse_amc(raw, str(path), skeleton)
    note = ""
    if not _RADIANS.search(raw):
        degrees = np.degrees(angles).reshape(len(angles), -1)
        note = radians_note(path.name, degrees, "write :RADIANS in place of :DEGREES at its head")
    return joint_positions(skeleton, root, angles), note


def parse_asf(raw: bytes, where: str) -> Skeleton:
    """Read the bytes of an ASF file, which errors call `where`.

    Raises
    ------
    RequestError
        With file and line: no ASF text, an incomplete or repeated bone, a hierarchy that is no tree
        of the bones, or an unknown unit or order of rotations.
    """
    sections = _sections(rows(raw, where), where)
    degrees = _in_degrees(sections.get(":units", []), where)
    root = Block.collect(where, ROOT, sections[":root"], ROOT_KEYS)
    root_order = root.order(0)
    bones = _bones(sections[":bonedata"], where)
    names = (ROOT, *bones)
    parents, order = _hierarchy(sections[":hierarchy"], names, where)
    axis = [bone.numbers("axis", 3, tail=1) for bone in bones.values()]
    turned = np.array([root.numbers("orientation", 3), *axis])
    turned = np.radians(turned) if degrees else turned
    orders = [root_order, *(bone.order(3) for bone in bones.values())]
    return Skeleton(
        names=names,
        parents=parents,
        direction=np.array([[0.0] * 3, *(b.numbers("direction", 3) for b in bones.values())]),
        length=np.array([0.0, *(b.numbers("length", 1)[0] for b in bones.values())]),
        axis=np.stack([rotations(one, how) for one, how in zip(turned, orders, strict=True)]),
        dof=(
            _channels(root, "order", CHANNELS),
            *(_channels(b, "dof", ROTATIONS) if "dof" in b.fields else () for b in bones.values()),
        ),
        root_position=np.array(root.numbers("position", 3)),
        degrees=degrees,
        order=order,
        scale=_scale(sections.get(":units", [])),
    )


def parse_amc(
    raw: bytes, where: str, skeleton: Skeleton
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read the bytes of an AMC file, which errors call `where`.

    Returns
    -------
    tuple
        The root's translation, (frames, 3) in ASF units, and the angles of all joints,
        (frames, J, 3) in radians: the arguments of `joint_positions`.

    Raises
    ------
    RequestError
        With file and line: no AMC text, no frames, a frame out of order or incomplete, an unknown
        or repeated bone, too many or too few values, or one that is not a finite number.
    """
    lines = rows(raw, where)
    starts = [k for k, (_, words) in enumerate(lines) if len(words) == 1 and words[0].isdecimal()]
    if not starts:
        raise bad_line(where, lines[-1][0], "there is no frame", NOT_WHOLE)
    if len(starts) * len(skeleton.names) > LARGEST_MOTION:
        what = f"{len(starts)} frames of {len(skeleton.names)} joints are more than can be read"
        raise bad_line(where, 1, what, f"expected at most {LARGEST_MOTION} joint positions")
    degrees = _motion_in_degrees(lines[: starts[0]], where, default=skeleton.degrees)
    dof = dict(zip(skeleton.names, skeleton.dof, strict=True))
    first = int(lines[starts[0]][1][0][:9])
    values = []
    for number, (start, end) in enumerate(pairwise([*starts, len(lines)]), start=first):
        line, words = lines[start]
        if words != [str(number)]:
            what = f"frame {quote(words[0])} where frame {number} should be"
            raise bad_line(where, line, what, "frames are numbered one after the other")
        pose = _pose(lines[start + 1 : end], where, dof)
        for name in dof:
            if dof[name] and name not in pose:
                what = f"frame {number} has no line for bone {quote(name)}"
                raise bad_line(where, line, what, NOT_WHOLE)
        values.append([value for name in dof for value in pose.get(name, ())])
    motion = np.zeros((len(values), len(dof), len(CHANNELS)))
    columns = [(joint, CHANNELS.index(c)) for joint, name in enumerate(dof) for c in dof[name]]
    motion[:, *np.transpose(columns)] = values
    angles = motion[:, :, 3:]
    return motion[:, 0, :3], np.radians(angles) if degrees else angles


def _sections(lines: Sequence[Row], where: str) -> dict[str, list[Row]]:
    """Rows of each section, from its `:heading` on."""
    sections: dict[str, list[Row]] = {}
    section: list[Row] = []
    for line, words in lines:
        if words[0].startswith(":"):
            section = sections.setdefault(words[0].lower(), [])
            if section:
                what = f"a second {quote(words[0])} section"
                raise bad_line(where, line, what, "expected one of each")
        elif not sections:
            what = f"{quote(words[0])} is not the beginning of an ASF skeleton"
            raise bad_line(where, line, what, "expected ':version 1.10' or another section")
        section.append((line, words))
    for name in (":root", ":bonedata", ":hierarchy"):
        if name not in sections:
            raise bad_line(where, lines[-1][0], f"there is no '{name}' section", NOT_WHOLE)
    return sections


def _bones(lines: Sequence[Row], where: str) -> dict[str, Block]:
    """Bones by name, from the `begin` ... `end` blocks of the `:bonedata` section."""
    bones: dict[str, Block] = {}
    begins = [k for k, (_, words) in enumerate(lines) if words == ["begin"]]
    for begin, end in pairwise([*begins, len(lines)]):
        bone = Block.collect(where, "a bone", lines[begin:end], BONE_KEYS)
        line, words = bone.row("name")
        name = " ".join(words)
        if len(words) != 1 or name in bones or name == ROOT or not name.isprintable():
            what = f"{quote(name)} cannot name a bone"
            raise bad_line(where, line, what, "expected one word that names no other bone")
        bones[name] = replace(bone, title=f"bone {quote(name)}")
    return bones


def _channels(block: Block, key: str, known: Sequence[str]) -> tuple[str, ...]:
    """Channels of a `dof` or `order` line."""
    line, words = block.row(key)
    found = [word.lower() for word in words]
    once = found and len({*found}) == len(found)
    if not once or not {*found} <= {*known}:
        what = f"{block.title} moves by {quote(' '.join(words))}, which is not read"
        hint = f"expected channels out of {' '.join(known)}, each once"
        raise bad_line(block.where, line, what, hint)
    return tuple(found)


def _hierarchy(
    lines: Sequence[Row], names: Sequence[str], where: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Parent of each joint, and the joints in an order in which each follows its parent."""
    index = {name: joint for joint, name in enumerate(names)}
    parents, declared = [-1] * len(names), [lines[0][0]] * len(names)
    children: list[list[int]] = [[] for _ in names]
    for line, words in lines[1:]:
        if words in (["begin"], ["end"]):
            continue
        unknown = [name for name in words if name not in index]
        if unknown:
            what = f"unknown bone {quote(unknown[0])}"
            raise bad_line(where, line, what, "expected names of the ':bonedata' section")
        parent, *below = (index[name] for name in words)
        for child in below:
            if child == 0 or parents[child] >= 0:
                what = f"{quote(names[child])} below a second parent"
                raise bad_line(
                    where, line, what, "the bones must form a tree that begins at 'root'"
                )
            parents[child], declared[child] = parent, line
        children[parent] += below
    order = [0]
    for joint in order:
        order += children[joint]
    for joint in sorted({*range(len(names))} - {*order})[:1]:
        what = f"bone {quote(names[joint])} does not hang from 'root'"
        hint = "the bones must form a tree that begins at 'root'"
        raise bad_line(where, declared[joint], what, hint)
    return tuple(parents), tuple(order)


def _in_degrees(units: Sequence[Row], where: str) -> bool:
    for line, words in units:
        if words[0] == "angle" and words[1:] not in (["deg"], ["rad"]):
            what = f"{quote(' '.join(words))} is an unknown unit"
            raise bad_line(where, line, what, "expected 'angle deg' or 'angle rad'")
    return all(words != ["angle", "rad"] for _, words in units)


def _scale(units: Sequence[Row]) -> float | None:
    """What inches are multiplied by to be the lengths of the file; None where it is not said."""
    for _, (key, *words) in units:
        if key.lower() == "length" and len(words) == 1:
            with suppress(ValueError):
                return float(words[0])
    return None


def _motion_in_degrees(header: Sequence[Row], where: str, *, default: bool) -> bool:
    degrees = default
    for line, (word, *_) in header:
        if not word.startswith(":"):
            raise bad_line(where, line, f"{quote(word)} before the first frame", "expected '1'")
        degrees = {":DEGREES": True, ":RADIANS": False}.get(word.upper(), degrees)
    return degrees


def _pose(
    lines: Sequence[Row], where: str, dof: Mapping[str, Sequence[str]]
) -> dict[str, list[float]]:
    """Values of each bone in one frame."""
    pose: dict[str, list[float]] = {}
    for line, (name, *words) in lines:
        if name not in dof:
            hint = "expected a bone of the skeleton: is this the ASF file of the same subject?"
            raise bad_line(where, line, f"unknown bone {quote(name)}", hint)
        if name in pose:
            what = f"bone {quote(name)} stands twice in this frame"
            raise bad_line(where, line, what, "is a frame number missing between them?")
        if len(words) != len(dof[name]):
            what = f"{len(words)} value(s) for bone {quote(name)}, not {len(dof[name])}"
            hint = f"its degrees of freedom in the skeleton: {' '.join(dof[name]) or 'none'}"
            raise bad_line(where, line, what, hint)
        pose[name] = numbers(words, where, line)
    return pose
