"""Motion capture of any format that is read, as `Motion`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from painet_cli.data.motion.acclaim import read_asf, read_noted_motion
from painet_cli.data.motion.bvh_reader import read_bvh
from painet_cli.data.motion.c3d import read_c3d
from painet_cli.data.motion.motion import Motion
from painet_cli.data.motion.plausible import standing_axis, with_jumps_apart
from painet_cli.data.motion.trc import read_trc
from painet_cli.data.particles.names import LONGEST_NAME, Axis
from painet_cli.errors import RequestError, option

AMC_FRAME_TIME_S = 1 / 120
"""AMC does not say its rate: that of CMU."""


_FASTEST_S, _SLOWEST_S = 1e-5, 1.0
"""Seconds between frames of the fastest and the slowest recordings."""


def read_motion_file(
    path: Path, name: str, skeleton: Path | None = None, up_axis: Axis | None = None
) -> Motion:
    """Read a recording.

    Parameters
    ----------
    path
        The file.
    name
        Its format: `AMC`, `BVH`, `TRC` or `C3D`.
    skeleton
        ASF file of an AMC; by default the one beside it.
    up_axis
        Direction of height; by default what the motion or its format says.

    Raises
    ------
    RequestError
        It is damaged, or holds fewer than two joints.
    """
    if name == "AMC":
        motion = _acclaim(path, skeleton)
    else:
        if skeleton is not None:
            raise RequestError(
                f"{skeleton}: {name} holds its own joints", f"leave {option('topology')} out"
            )
        motion = {"BVH": read_bvh, "TRC": read_trc, "C3D": read_c3d}[name](path)
    if len(motion.names) < 2:
        raise RequestError(
            f"{path}: a single joint, and none that it moves with", "give a skeleton of several"
        )
    if motion.frame_time_s is not None and not _FASTEST_S <= motion.frame_time_s <= _SLOWEST_S:
        raise RequestError(
            f"{path}: {motion.frame_time_s:.3g} seconds from frame to frame, as in no recording",
            "correct it in the file: BVH takes seconds (120 a second are 0.008333), TRC and C3D a "
            "rate",
        )
    for name in motion.names:
        if not name.isprintable() or len(name) > LONGEST_NAME:
            raise RequestError(
                f"{path}: a joint is called {name[:40]!r}, which would not print on a line",
                "is it the right file?",
            )
    motion = replace(motion, up_axis=up_axis) if up_axis else _upright(motion, path)
    return with_jumps_apart(motion, path.name)


def _upright(motion: Motion, path: Path) -> Motion:
    """A motion with the vertical along which people walk upright in it, where that is another."""
    if motion.up_axis is None:
        return motion
    found = standing_axis(motion.positions, motion.up_axis)
    if found is None:
        return motion
    other, certain = found
    if not certain:
        note = (
            f"{path.name}: {motion.up_axis} is taken as up, as is usual, but it reaches farthest "
            f"along {other}: where it stands along that, give {option('up', other)}"
        )
        return replace(motion, notes=(*motion.notes, note))
    note = (
        f"{path.name}: {other} is taken as up, along which it stands as it walks, and not "
        f"{motion.up_axis}, as is usual"
    )
    return replace(motion, up_axis=other, notes=(*motion.notes, note))


def _acclaim(path: Path, skeleton: Path | None) -> Motion:
    if path.suffix.lower() == ".asf":
        raise RequestError(
            f"{path}: a skeleton, which holds no motion",
            f"give a motion of it (.amc), and this with {option('topology')}",
        )
    bones = read_asf(skeleton or skeleton_of(path))
    positions, note = read_noted_motion(path, bones)
    return Motion(
        names=bones.names,
        parents=bones.parents,
        positions=positions,
        frame_time_s=AMC_FRAME_TIME_S,
        length_unit="ASF unit",
        up_axis="y",
        notes=(note,) if note else (),
        asf_scale=bones.scale,
    )


def skeleton_of(path: Path) -> Path:
    """The ASF file beside a motion: of its subject (35.asf for 35_01.amc), or the only one.

    Raises
    ------
    RequestError
        There is none, or several.
    """
    beside = sorted(p for p in path.parent.iterdir() if p.suffix.lower() == ".asf")
    subject = path.stem.partition("_")[0]
    same = [p for p in beside if p.stem in (subject, path.stem)]
    if len(same) == 1 or len(beside) == 1:
        return (same or beside)[0]
    raise RequestError(
        f"{path}: {'several skeletons' if beside else 'no skeleton'} (.asf) beside it",
        f"give the one it was recorded with: {option('topology', f'{subject}.asf')}",
    )
