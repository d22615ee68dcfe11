"""Predicted motion capture as BVH for animators and CSV for everyone."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from painet_cli.data.motion.bvh_writer import parents_of, write_bvh
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.outputs.track import Course
from painet_cli.prediction.outputs.viewers import Written, open_bvh, open_csv


def write_motion(system: Input, courses: Sequence[tuple[Course, Path]]) -> list[Written]:
    """Write every course as a BVH file, where the bonds are a tree, and as a table.

    Parameters
    ----------
    courses
        Motions, and the names of their files without endings.
    """
    names, unit = system.particles.names, system.length_unit
    parents = parents_of(system.particles.bonds, len(names))
    up = f", {system.up_axis} is up" if system.up_axis else ""
    written = []
    for course, stem in courses if parents else ():
        even = course.even()
        path = stem.with_name(f"{stem.name}.bvh")
        off = write_bvh(
            path, names, parents or {}, course.frames[0], even.frames, even.frame_time_s
        )
        what = (
            f"{course.what}: {even.said}; lengths in {unit}{up}. Bones keep the lengths of the "
            f"start frame, which puts joints up to {off:.2g} {unit} off"
        )
        written.append(Written(path, what, len(even.frames), open_bvh(path.name)))
    for course, stem in courses:
        path = stem.with_name(f"{stem.name}.csv")
        _write_table(path, names, course)
        frames = len(course.frames)
        what = f"{course.what}: the start frame and {frames - 1} steps, a row each, in {unit}{up}"
        if not parents:
            what += "; no BVH, whose bones would have to form a tree"
        written.append(Written(path, what, frames, open_csv(path.name)))
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
