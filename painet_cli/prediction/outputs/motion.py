"""Predicted motion capture as BVH, GLB and TRC for animators, and CSV for everyone."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.motion.bone_turns import names_joints, pose
from painet_cli.data.motion.bvh_writer import parents_of, write_bvh
from painet_cli.data.motion.glb_writer import write_glb
from painet_cli.data.motion.length_units import METRES
from painet_cli.data.motion.rest_pose import t_pose
from painet_cli.data.motion.trc_writer import write_trc
from painet_cli.data.particles.names import Axis
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.outputs.motion_style import MotionStyle
from painet_cli.prediction.outputs.track import EvenlySpaced, Track
from painet_cli.prediction.outputs.viewers import Written, open_bvh, open_csv, open_glb, open_trc

_RIGID = 1e-5
"""Share of the longest bone by which bones may change and still count as rigid."""


def write_motion(
    system: Input,
    tracks: Sequence[tuple[Track, Path]],
    style: MotionStyle,
) -> list[Written]:
    """Write every track as BVH and GLB, where the bonds are a tree, as TRC, and as a table.

    GLB and TRC need a unit of length that is known in metres. In all but the table y is up.

    Parameters
    ----------
    tracks
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
    resampled = [(track, style.frames_of(track, system), stem) for track, stem in tracks]
    if parents:
        resampled = [
            (one, _rigid_between(one, x, parents) if style.resamples(one, system) else x, stem)
            for one, x, stem in resampled
        ]
        for track, spaced, stem in resampled:
            written += _write_skeletons(system, track, spaced, stem, parents, style, metres)
    if metres:
        told = style.unit or "m"
        for track, spaced, stem in resampled:
            path = stem.with_name(f"{stem.name}.trc")
            frames = _y_up(spaced.frames, system.up_axis) * metres / METRES[told]
            write_trc(path, names, frames, spaced.frame_time_s, told, spaced.first_time_s)
            what = f"{track.what}: {spaced.said}; joints as markers, in {told}"
            what += ", y is up" * bool(up)
            written.append(Written(path, what, len(frames), open_trc(path.name)))
    for track, _, stem in resampled:
        path = stem.with_name(f"{stem.name}.csv")
        _write_table(path, names, track)
        count = len(track.frames)
        what = f"{track.what}: the start frame and {count - 1} steps, a row each, in {unit}{up}"
        if not parents:
            what += "; no BVH, whose bones would have to form a tree"
        written.append(Written(path, what, count, open_csv(path.name)))
    return written


def _write_skeletons(
    system: Input,
    track: Track,
    spaced: EvenlySpaced,
    stem: Path,
    parents: dict[int, int],
    style: MotionStyle,
    metres: float | None,
) -> list[Written]:
    """The BVH and GLB files of a track."""
    names, up_axis = system.particles.names, system.up_axis
    of_joints = names_joints(names, parents, system.frames)
    rest, stands = t_pose(names, parents, track.frames[0], up_axis), "a T-pose"
    if rest is None:
        rest, stands = track.frames[0].astype(np.float64), "the start frame"
    elif of_joints:  # bones that a joint carries keep their angles
        rest = pose(parents, track.frames[0], rest[None], of_joints=True).reached[0]
    scale, unit = style.scale(system), style.unit or system.length_unit
    lengths = f"in {unit}"
    if style.unit is None and system.scaled != 1.0:
        lengths, unit = "as in the file", "of its units"
    path = stem.with_name(f"{stem.name}.bvh")
    posed = [_y_up(x, up_axis) * scale for x in (rest, spaced.frames)]
    off = write_bvh(
        path, names, parents, posed[0], posed[1], spaced.frame_time_s, of_joints=of_joints
    )
    up = ", y is up" if up_axis else ""
    what = (
        f"{track.what}: {spaced.said}; lengths {lengths}{up}; at rest it is in {stands}. Bones "
        f"keep the lengths of the start frame, which puts joints up to {off:.2g} {unit} off"
    )
    in_metres = metres and metres / scale
    opened = open_bvh(path.name, len(spaced.frames), in_metres)
    written = [Written(path, what, len(spaced.frames), opened)]
    if metres:
        path = stem.with_name(f"{stem.name}.glb")
        write_glb(
            path,
            names,
            parents,
            rest * metres,
            spaced.frames * metres,
            spaced.frame_time_s,
            up_axis,
            of_joints=of_joints,
        )
        what = f"{track.what}: {spaced.said}; the same skeleton, in metres, y is up"
        written.append(Written(path, what, len(spaced.frames), open_glb(path.name)))
    return written


def _rigid_between(track: Track, spaced: EvenlySpaced, parents: dict[int, int]) -> EvenlySpaced:
    """Frames between steps whose bones keep their lengths with bones that keep them, too."""
    bones = np.array(list(parents.items()))
    steps = track.frames.astype(np.float64)
    lengths = np.linalg.norm(steps[:, bones[:, 0]] - steps[:, bones[:, 1]], axis=-1)
    if np.ptp(lengths, axis=0).max() > _RIGID * lengths.max():
        return spaced
    return spaced._replace(frames=pose(parents, steps[0], spaced.frames).reached)


def _y_up(x: NDArray[np.floating], up_axis: Axis | None) -> NDArray[np.floating]:
    """Positions, (..., 3), turned so that y is up, as readers of BVH and TRC take it."""
    if up_axis == "z":
        return np.stack([x[..., 0], x[..., 2], -x[..., 1]], axis=-1)
    if up_axis == "x":
        return np.stack([-x[..., 1], x[..., 0], x[..., 2]], axis=-1)
    return x


def _write_table(path: Path, names: Sequence[str], track: Track) -> None:
    rows = track.frames.reshape(len(track.frames), -1)
    sigma = track.sigma if track.sigma is not None else np.empty((len(rows), 0))
    sure = [f"{name}_sigma" for name in names] if sigma.size else []
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        # lines end as numpy's do
        csv.writer(file, lineterminator="\n").writerow(
            ["step", "time_s", *(f"{name}_{axis}" for name in names for axis in "xyz"), *sure]
        )
        numbered = np.column_stack([np.arange(len(rows)), track.clock_s, rows, sigma])
        digits = "%.7g" if rows.dtype == np.float32 else "%.10g"
        formats = ["%d", "%.9g", *[digits] * rows.shape[1], *["%.4g"] * sigma.shape[1]]
        np.savetxt(file, numbered, fmt=formats, delimiter=",")
