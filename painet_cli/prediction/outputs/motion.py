"""Predicted motion capture as BVH, GLB and TRC for animators, and CSV for everyone."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from painet_cli.data.motion.bvh_writer import parents_of, write_bvh
from painet_cli.data.motion.glb_writer import write_glb
from painet_cli.data.motion.motion import METRES
from painet_cli.data.motion.rest_pose import t_pose
from painet_cli.data.motion.trc_writer import write_trc
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.outputs.motion_style import AS_PREDICTED, MotionStyle
from painet_cli.prediction.outputs.track import Course, Even
from painet_cli.prediction.outputs.viewers import Written, open_bvh, open_csv, open_glb, open_trc


def write_motion(
    system: Input,
    courses: Sequence[tuple[Course, Path]],
    style: MotionStyle = AS_PREDICTED,
) -> list[Written]:
    """Write every course as BVH and GLB, where the bonds are a tree, as TRC, and as a table.

    GLB and TRC need a unit of length that is known in metres.

    Parameters
    ----------
    courses
        Motions, and the names of their files without endings.
    style
        Unit, rate and known frames of all but the table, which has the steps as predicted.

    Raises
    ------
    RequestError
        The unit or rate that is asked for is not known.
    """
    names, unit = system.particles.names, system.length_unit
    parents = parents_of(system.particles.bonds, len(names))
    up = f", {system.up_axis} is up" if system.up_axis else ""
    metres = style.metres_in(unit)
    written: list[Written] = []
    evens = [(course, style.frames_of(course, system), stem) for course, stem in courses]
    for course, even, stem in evens if parents else ():
        written += _write_skeletons(system, course, even, stem, parents or {}, style, metres)
    for course, even, stem in evens if metres else ():
        path, told = stem.with_name(f"{stem.name}.trc"), style.unit or "m"
        frames = even.frames * (metres or 1.0) / METRES[told]
        write_trc(path, names, frames, even.frame_time_s, told)
        what = f"{course.what}: {even.said}; joints as markers, in {told}"
        written.append(Written(path, what, len(frames), open_trc(path.name)))
    for course, _, stem in evens:
        path = stem.with_name(f"{stem.name}.csv")
        _write_table(path, names, course)
        frames_of_table = len(course.frames)
        what = f"{course.what}: the start frame and {frames_of_table - 1} steps, a row each, in "
        what += f"{unit}{up}"
        if not parents:
            what += "; no BVH, whose bones would have to form a tree"
        written.append(Written(path, what, frames_of_table, open_csv(path.name)))
    return written


def _write_skeletons(
    system: Input,
    course: Course,
    even: Even,
    stem: Path,
    parents: dict[int, int],
    style: MotionStyle,
    metres: float | None,
) -> list[Written]:
    """The BVH and GLB files of a course."""
    names, up_axis = system.particles.names, system.up_axis
    rest, pose = t_pose(names, parents, course.frames[0], up_axis), "a T-pose"
    if rest is None:
        rest, pose = course.frames[0].astype(np.float64), "the start frame"
    scale, unit = style.scale(system.length_unit), style.unit or system.length_unit
    path = stem.with_name(f"{stem.name}.bvh")
    off = write_bvh(path, names, parents, rest * scale, even.frames * scale, even.frame_time_s)
    up = f", {up_axis} is up" if up_axis else ""
    what = (
        f"{course.what}: {even.said}; lengths in {unit}{up}; at rest it is in {pose}. Bones keep "
        f"the lengths of the start frame, which puts joints up to {off:.2g} {unit} off"
    )
    written = [Written(path, what, len(even.frames), open_bvh(path.name))]
    if metres:
        path = stem.with_name(f"{stem.name}.glb")
        write_glb(
            path, names, parents, rest * metres, even.frames * metres, even.frame_time_s, up_axis
        )
        what = f"{course.what}: {even.said}; the same skeleton, in metres, y is up"
        written.append(Written(path, what, len(even.frames), open_glb(path.name)))
    return written


def _write_table(path: Path, names: Sequence[str], course: Course) -> None:
    rows = course.frames.reshape(len(course.frames), -1)
    sigma = course.sigma if course.sigma is not None else np.empty((len(rows), 0))
    sure = [f"{name}_sigma" for name in names] if sigma.size else []
    with path.open("w", encoding="utf-8", newline="") as file:
        # lines end as numpy's do
        csv.writer(file, lineterminator="\n").writerow(
            ["step", "time_s", *(f"{name}_{axis}" for name in names for axis in "xyz"), *sure]
        )
        numbered = np.column_stack([np.arange(len(rows)), course.times_s, rows, sigma])
        digits = "%.7g" if rows.dtype == np.float32 else "%.10g"
        formats = ["%d", "%.9g", *[digits] * rows.shape[1], *["%.4g"] * sigma.shape[1]]
        np.savetxt(file, numbered, fmt=formats, delimiter=",")
