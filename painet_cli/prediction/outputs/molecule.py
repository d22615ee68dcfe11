"""Predicted motion of molecules, and of all that moves like them, as trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.extxyz import write_extxyz
from painet_cli.data.trajectories.formats import FORMATS, PDB, Format, FormatError, check_fits
from painet_cli.data.trajectories.universe import PICOSECOND, element_symbols
from painet_cli.data.trajectories.writer import write_frames, write_topology
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.outputs.track import Course
from painet_cli.prediction.outputs.viewers import Written, open_extxyz, open_models, open_trajectory

MOST_MODELS = 100
"""Frames of a PDB; longer motion goes to a DCD, which is a seventh of the size."""
MOST_ROWS = 1_000_000
"""Rows of an extended XYZ file, 100 MB; longer ones are not written."""
_DCD = FORMATS[".dcd"]
_PACKED = {".gz", ".bz2"}
_ALIASES = {".ent": ".pdb"}


def write_molecule(
    system: Input, courses: Sequence[tuple[Course, Path]], topology: Path
) -> list[Written]:
    """Write every course as a trajectory; names and bonds once; extended XYZ of all courses.

    Parameters
    ----------
    courses
        Motions, and the names of their files without endings.
    topology
        The PDB beside trajectories that hold no names and bonds.
    """
    ending, kind, instead = _format_for(system, [course for course, _ in courses])
    unit = system.length_unit
    notes = [f"written by painet predict for {system.name}, lengths in {unit}"]
    written = []
    for course, stem in courses:
        even = course.even()
        path = stem.with_name(f"{stem.name}{ending}")
        velocities = None
        if even.velocities is not None and kind.velocities:
            velocities = (even.velocities * PICOSECOND).astype(np.float32)
        write_frames(
            path,
            kind,
            system.particles,
            even.frames,
            even.frame_time_s,
            first_time_s=even.first_time_s,
            velocities=velocities,
            box=_box(system, course),
            b_factors=even.sigma,
            remarks=[*notes, f"{course.what}: {even.said}"],
        )
        what = f"{course.what}: {even.said}"
        if velocities is not None:
            what += f"; velocities in {unit} a picosecond, from frame to frame"
        opened = (
            open_models(path.name)
            if kind.bonds
            else open_trajectory(path.name, topology.name, kind)
        )
        written.append(Written(path, what + instead, len(even.frames), opened))
    if not kind.bonds:
        written.append(_write_names(system, courses[0][0], topology, notes))
    if element_symbols(system.particles) and unit == "angstrom":
        for title in ("predicted", "reference"):
            own = [course for course, _ in courses if course.title == title]
            if 0 < sum(course.frames[..., 0].size for course in own) <= MOST_ROWS:
                written.append(_write_extxyz(system, own, topology.parent))
    return written


def _box(system: Input, course: Course) -> NDArray[np.float64] | None:
    """Edges (3, 3) of the periodic box at a start frame, where there is one."""
    if system.boxes is None:
        return None
    box = system.boxes[course.start - system.first_frame]
    return box if box.any() else None


def _format_for(system: Input, courses: Sequence[Course]) -> tuple[str, Format, str]:
    """Ending and format of trajectories, and why they are not in the input's own, if so."""
    if system.kind != "molecule" or system.path is None:
        return ".dcd", _DCD, ""
    suffixes = [suffix.lower() for suffix in system.path.suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    own = suffixes[-1] if suffixes else ""
    kind = FORMATS.get(_ALIASES.get(own, own))
    if kind is None:
        return ".dcd", _DCD, ""
    reason = ""
    frames = max(len(course.frames) for course in courses)
    if kind is PDB and frames > MOST_MODELS:
        reason = f"{frames:,} frames would make a PDB of that many models"
    try:
        for course in courses:
            check_fits(Path(system.path.name), course.even().frames, kind)
    except FormatError as refused:
        reason = reason or refused.why
    if reason:
        return ".dcd", _DCD, f". DCD instead of {kind.name}: {reason}"
    return _ALIASES.get(own, own), kind, ""


def _write_names(system: Input, course: Course, path: Path, notes: list[str]) -> Written:
    particles, first = system.particles, course.frames[0]
    write_topology(path, particles, first, box=_box(system, course), remarks=notes)
    what = "names, residues and bonds, which trajectories do not hold"
    if len(first) > PDB.most_particles:
        what += (
            f"; numbers of particles begin again after {PDB.most_particles:,}, all that PDB has "
            "columns for, and bonds are left out"
        )
    if not PDB.has_room(first):
        what += "; positions do not fit PDB's columns and are moved, or zero"
    return Written(path, what, 1, [])  # it is opened with the trajectories


def _write_extxyz(system: Input, courses: Sequence[Course], folder: Path) -> Written:
    predicted = courses[0].title == "predicted"
    path = folder / ("prediction.extxyz" if predicted else "reference.extxyz")
    symbols = element_symbols(system.particles)
    with path.open("w", encoding="ascii") as file:
        for course in courses:
            write_extxyz(
                file,
                symbols,
                course.frames,
                course.times_s,
                course.velocities(),
                _box(system, course),
                sigma=course.sigma,
                start=course.start,
            )
    what = courses[0].what
    if len(courses) > 1:
        what += f" and {len(courses) - 1} more starts, one after the other"
    return Written(
        path,
        f"{what}: with elements, times in fs and velocities in A/fs, from frame to frame",
        sum(len(course.frames) for course in courses),
        open_extxyz(path.name),
    )
