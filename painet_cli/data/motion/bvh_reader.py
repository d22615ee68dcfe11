r"""BVH files as joint positions, whatever the order of their channels.

A joint lies at its parent's place, moved by its offset as its parent is turned:

.. math:: x = x_{parent} + G_{parent} o, \qquad G = G_{parent} R_1 R_2 R_3

with R the rotations of its channels in the order in which they stand; where it has channels of
position, these stand for its offset. Ends of bones (`End Site`) are joints too.

Format: https://research.cs.wisc.edu/graphics/Courses/cs-838-1999/Jeff/BVH.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from painet_cli.data.motion.acclaim_text import NOT_WHOLE, bad_line, decoded, numbers, quote
from painet_cli.data.motion.motion import Motion
from painet_cli.data.motion.plausible import radians_note
from painet_cli.storage.archives import read_bytes

_POSITIONS = ("xposition", "yposition", "zposition")
_ROTATIONS = ("xrotation", "yrotation", "zrotation")
_LARGEST_MOTION = 20_000_000
"""Frames times channels."""


@dataclass
class _Joint:
    name: str
    parent: int
    line: int
    offset: list[float] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)


def read_bvh(path: Path) -> Motion:
    """Read a BVH file up to where it is cut; its unit of length is not in the file.

    Raises
    ------
    RequestError
        With file and line: no hierarchy, a joint without an offset, an unknown channel, a frame
        with another number of values than there are channels, more frames than the file says, or a
        number that is not finite.
    """
    where = str(path)
    text = decoded(read_bytes(path))
    lines = [(k, line.split()) for k, line in enumerate(text.splitlines(), start=1) if line.split()]
    if not lines or lines[0][1][0].upper() != "HIERARCHY":
        raise bad_line(where, 1, "does not begin with HIERARCHY", "expected a BVH file")
    begin = next((k for k, (_, words) in enumerate(lines) if words[0].upper() == "MOTION"), None)
    if begin is None:
        raise bad_line(where, lines[-1][0], "there is no MOTION", NOT_WHOLE)
    joints = _hierarchy(lines[1:begin], where)
    width = sum(len(one.channels) for one in joints)
    is_ended = text.endswith(("\n", "\r"))
    frame_time_s, values, missing = _motion(lines[begin:], width, where, is_ended=is_ended)
    names, parents, kept = _places(joints)
    turning = [name in _ROTATIONS for one in joints for name in one.channels]
    notes = (
        f"{path.name} is cut short: of its {len(values) + missing:,} frames the {len(values):,} "
        "whole ones before the cut are read"
        if missing
        else "",
        radians_note(path.name, values[:, turning], "BVH has degrees: multiply them by 57.2958"),
    )
    return Motion(
        names=names,
        parents=parents,
        positions=_posed(joints, values)[:, kept],
        frame_time_s=frame_time_s,
        length_unit="BVH unit",
        up_axis="y",
        notes=tuple(note for note in notes if note),
    )


def _hierarchy(lines: list[tuple[int, list[str]]], where: str) -> list[_Joint]:
    """Joints and ends of bones, each after its parent."""
    joints: list[_Joint] = []
    open_joints: list[int] = []
    pending: int | None = None
    for line, words in lines:
        key = words[0].upper()
        if key in ("ROOT", "JOINT", "END") and pending is None:
            parent = open_joints[-1] if open_joints else -1
            if (key == "ROOT") != (parent < 0) or (key == "ROOT" and joints):
                what = f"{quote(' '.join(words))} does not belong here"
                raise bad_line(where, line, what, "expected one ROOT, and joints within it")
            own = " ".join(words[1:]) or f"joint{len(joints)}"
            name = f"{joints[parent].name}_end" if key == "END" else own
            taken = sum(one.name == name or one.name.startswith(f"{name}#") for one in joints)
            joints.append(_Joint(f"{name}#{taken + 1}" if taken else name, parent, line))
            pending = len(joints) - 1
        elif key == "{" and pending is not None:
            open_joints.append(pending)
            pending = None
        elif key == "}" and open_joints:
            closed = joints[open_joints.pop()]
            if not closed.offset:
                raise bad_line(where, closed.line, f"{quote(closed.name)} has no OFFSET", NOT_WHOLE)
        elif key == "OFFSET" and open_joints and len(words) == 4:
            joints[open_joints[-1]].offset = numbers(words[1:], where, line)
        elif key == "CHANNELS" and open_joints:
            joints[open_joints[-1]].channels = _channels(words, where, line)
        else:
            what = f"{quote(' '.join(words))} does not belong here"
            raise bad_line(where, line, what, "expected JOINT, OFFSET, CHANNELS, End Site, { or }")
    if open_joints or pending is not None or not joints:
        raise bad_line(where, lines[-1][0] if lines else 1, "a joint is not closed", NOT_WHOLE)
    return joints


def _channels(words: list[str], where: str, line: int) -> list[str]:
    found = [word.lower() for word in words[2:]]
    known = {*found} <= {*_POSITIONS, *_ROTATIONS} and len({*found}) == len(found)
    if len(words) < 2 or words[1] != str(len(found)) or not known:
        what = f"{quote(' '.join(words))} are no channels"
        hint = "expected their number, then each once out of Xposition ... Zrotation"
        raise bad_line(where, line, what, hint)
    return found


def _motion(
    lines: list[tuple[int, list[str]]], width: int, where: str, *, is_ended: bool
) -> tuple[float, NDArray[np.float64], int]:
    """Seconds between frames, the channels' values, (F, C), and how many frames are cut off.

    The last line counts as cut where it has no end (`is_ended`), and numbers or frames are missing.
    """
    hint = "expected 'Frames: N', 'Frame Time: SECONDS', and a line a frame"
    if len(lines) < 4 or lines[1][1][0].lower() != "frames:":
        raise bad_line(where, lines[0][0], "no frames follow MOTION", hint)
    (frames_line, said), (time_line, time) = lines[1], lines[2]
    frame_time = numbers(time[-1:], where, time_line)[0]
    if [word.lower() for word in time[:2]] != ["frame", "time:"] or not frame_time > 0:
        raise bad_line(where, time_line, f"{quote(' '.join(time))} is no time of a frame", hint)
    rows = lines[3:]
    count = int(said[1]) if len(said) == 2 and said[1].isdecimal() and len(said[1]) < 10 else 0
    if not is_ended and rows and (len(rows) < count or len(rows[-1][1]) < width):
        rows = rows[:-1]
    if not 0 < len(rows) <= count:
        what = f"{len(rows):,} frames follow, not {quote(' '.join(said[1:]))}"
        raise bad_line(where, frames_line, what, NOT_WHOLE)
    if len(rows) * width > _LARGEST_MOTION:
        raise bad_line(where, frames_line, "more frames than can be read", "cut it")
    for line, words in rows:
        if len(words) != width:
            what = f"{len(words)} values, not {width} as there are channels"
            raise bad_line(where, line, what, NOT_WHOLE)
    values = np.array([numbers(words, where, line) for line, words in rows])
    return frame_time, values, count - len(rows)


def _places(joints: list[_Joint]) -> tuple[tuple[str, ...], tuple[int, ...], list[int]]:
    """Names, parents and indices of joints that are places of their own.

    Joints that always lie at one place are one. Where the children of every joint are, and those of
    the root lie at the root, the file names bones by the joints at their far ends, as painet and
    others write it; otherwise a place is called by the first joint that lies there.
    """
    offsets = [tuple(one.offset) for one in joints]
    moves = [any(name in _POSITIONS for name in one.channels) for one in joints]
    children: dict[int, list[int]] = {}
    for k, one in enumerate(joints[1:], start=1):
        children.setdefault(one.parent, []).append(k)
    of_bones = not any(moves[1:]) and all(
        len({offsets[k] for k in own}) == 1 and (parent or not any(offsets[own[0]]))
        for parent, own in children.items()
    )
    place, kept, names, parents = {0: 0}, [0], [joints[0].name], [-1]
    at: dict[tuple[int, tuple[float, ...]], int] = {}
    for k, one in enumerate(joints[1:], start=1):
        above = place[one.parent]
        if not moves[k] and not any(offsets[k]):
            place[k] = above
            continue
        key = (above, offsets[k])
        if moves[k] or key not in at:
            at[key] = len(kept)
            kept.append(k)
            names.append(joints[one.parent].name if of_bones else one.name)
            parents.append(above)
        place[k] = at[key]
    return tuple(names), tuple(parents), kept


def _posed(joints: list[_Joint], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions of all joints, (F, J, 3), of the channels' values, (F, C)."""
    positions = np.zeros((len(values), len(joints), 3))
    turns: list[Rotation] = []
    at = 0
    for k, joint in enumerate(joints):
        own = dict(zip(joint.channels, values[:, at : at + len(joint.channels)].T, strict=True))
        at += len(joint.channels)
        moved = np.tile(joint.offset, (len(values), 1))
        for axis, name in enumerate(_POSITIONS):
            if name in own:
                moved[:, axis] = own[name]
        order = [name for name in joint.channels if name in _ROTATIONS]
        turn = Rotation.identity(len(values))
        for name in order:
            turn = turn * Rotation.from_euler(name[0], own[name][:, None], degrees=True)
        if joint.parent < 0:
            positions[:, k] = moved
            turns.append(turn)
        else:
            parent = turns[joint.parent]
            positions[:, k] = positions[:, joint.parent] + parent.apply(moved)
            turns.append(parent * turn)
    return positions
