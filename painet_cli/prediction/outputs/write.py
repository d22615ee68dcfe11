"""A prediction as files that other programs open.

Every start's motion begins with the start frame, so that a viewer shows where it came from. Up to
20 starts have files of their own; of more, the first, the middle and the last. `prediction.npz`
holds all of them. What really came next, where it is known, has the same files called `reference`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.outputs.motion_style import AS_PREDICTED, MotionStyle
from painet_cli.prediction.outputs.track import Track
from painet_cli.prediction.outputs.viewers import Written, open_npz
from painet_cli.storage.atomic import file_stem

MOST_STARTS = 20
"""Starts that have files of their own."""


def write_files(
    system: Input,
    positions: NDArray[np.floating],  # (S, T, N, 3)
    times_s: NDArray[np.float64],  # (T,)
    starts: NDArray[np.int64],  # (S,)
    folder: Path,
    truth: NDArray[np.floating] | None = None,  # (S, T, N, 3)
    radius: NDArray[np.floating] | None = None,  # (S, T, N)
    style: MotionStyle = AS_PREDICTED,
) -> list[Written]:
    """Write a prediction's trajectories and arrays, in the formats that suit its system.

    Molecules: a trajectory in the input's own format where that holds it, otherwise DCD; beside it
    a PDB with names and bonds, and extended XYZ where elements are known and it is not too long.
    Motion capture: BVH, GLB, TRC and CSV. Everything: `prediction.npz`.

    Parameters
    ----------
    system
        Who moves, and the known frames.
    positions
        (S, T, N, 3) in the system's unit of length. Steps from the first that is not finite on are
        left out of all but `prediction.npz`.
    times_s
        (T,) seconds from the start to each step, rising.
    starts
        (S,) indices into the system's frames.
    folder
        An existing folder; files in it are replaced.
    truth
        (S, T, N, 3) what came next.
    radius
        (S, T, N) radii that hold 90 % of the particles, in the unit of length; written as `sigma`.
    style
        How motion capture is written.

    Returns
    -------
    list[Written]
        The files, those to open first at the front.

    Raises
    ------
    OSError
        A file cannot be written.
    """
    begins = system.frames[starts]
    numbers = starts + system.first_frame
    known_s = system.start_times_s(starts)
    begins_s = np.zeros(len(starts)) if known_s is None else known_s
    count = len(starts)
    chosen = range(count) if count <= MOST_STARTS else sorted({0, count // 2, count - 1})
    tracks = [
        Track.of(
            "predicted",
            int(numbers[k]),
            begins[k],
            positions[k],
            times_s,
            float(begins_s[k]),
            None if radius is None else radius[k],
        )
        for k in chosen
    ]
    if truth is not None:
        tracks += [
            Track.of("reference", int(numbers[k]), begins[k], truth[k], times_s, float(begins_s[k]))
            for k in chosen
        ]
    name = file_stem(system.name).lstrip("-.") or "system"
    files = [
        folder / f"{name}_{track.title}"
        if count == 1
        else folder / f"{name}_{track.title}_from_{track.start:06d}"
        for track in tracks
    ]
    if system.kind == "motion" or system.up_axis is not None:
        from painet_cli.prediction.outputs.motion import write_motion

        written = write_motion(system, list(zip(tracks, files, strict=True)), style)
    else:
        # MDAnalysis takes a second to import, and motion capture does without
        from painet_cli.prediction.outputs.molecule import write_molecule

        topology = folder / f"{name}_topology.pdb"
        written = write_molecule(system, list(zip(tracks, files, strict=True)), topology)
    arrays = folder / "prediction.npz"
    held: dict[str, Any] = {
        "positions": positions,
        "start_positions": begins,
        "times_s": times_s,
        "starts": numbers,
        "unit": np.array(system.length_unit),
        **_particle_arrays(system.particles),
    }
    if known_s is not None:
        held["start_times_s"] = known_s
    if truth is not None:
        held["truth"] = truth
    if radius is not None:
        held["sigma"] = radius
    np.savez(arrays, **held)
    what = f"all {count:,} starts as arrays" if count > 1 else "the same as arrays"
    return [*written, Written(arrays, what, positions.shape[1], open_npz(arrays.name))]


def _particle_arrays(particles: Particles) -> dict[str, NDArray[np.generic]]:
    """Names, bonds and what else is known of the particles, as arrays of text and numbers."""
    arrays: dict[str, NDArray[np.generic]] = {
        "names": np.array(particles.names, dtype=np.str_),
        "bonds": np.array(particles.bonds, dtype=np.int64).reshape(-1, 2),
    }
    for key in ("elements", "residues", "residue_ids", "chains"):
        values = getattr(particles, key)
        if values:
            arrays[key] = np.array(values)
    return arrays
