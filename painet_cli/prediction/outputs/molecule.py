"""Predicted motion of molecules, and of all that moves like them, as trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from MDAnalysis.lib.mdamath import triclinic_box, triclinic_vectors
from numpy.typing import NDArray

from painet_cli.data.formats.extxyz import write_extxyz
from painet_cli.data.trajectories.formats import FORMATS, PDB, Format, FormatError, check_fits
from painet_cli.data.trajectories.universe import element_symbols
from painet_cli.data.trajectories.writer import write_frames, write_topology
from painet_cli.data.units import PICOSECOND, time_text
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.outputs.track import EvenlySpaced, Track
from painet_cli.prediction.outputs.viewers import Written, open_extxyz, open_models, open_trajectory

MOST_MODELS = 100
"""Frames of a PDB; longer motion goes to a DCD, which is a seventh of the size."""
MOST_ROWS = 1_000_000
"""Rows of an extended XYZ file, 100 MB; longer ones are not written."""
_DCD = FORMATS[".dcd"]
_PACKED = {".gz", ".bz2"}
_ALIASES = {".ent": ".pdb"}
_COARSE = 1e-2
"""Share of the time between frames that times may be rounded to."""
_TURNED = 1e-3
"""Share of its edges by which a box lies otherwise than sizes and angles of it say."""


def write_molecule(
    system: Input, tracks: Sequence[tuple[Track, Path]], topology: Path
) -> list[Written]:
    """Write every track as a trajectory; names and bonds once; extended XYZ of all tracks.

    Parameters
    ----------
    tracks
        Motions, and the names of their files without endings.
    topology
        The PDB beside trajectories that hold no names and bonds.
    """
    ending, kind, instead = _format_for(system, [track for track, _ in tracks])
    unit = system.length_unit
    notes = [f"written by painet predict for {system.name}, lengths in {unit}"]
    written = []
    for track, stem in tracks:
        spaced, box = track.evenly_spaced(), _plain_box(system, track)
        begins_s, clock = _clock(track, spaced, kind)
        path = stem.with_name(f"{stem.name}{ending}")
        velocities = None
        if spaced.velocities is not None and kind.velocities:
            velocities = (spaced.velocities * PICOSECOND).astype(np.float32)
        write_frames(
            path,
            kind,
            system.particles,
            spaced.frames,
            spaced.frame_time_s,
            first_time_s=begins_s,
            velocities=velocities,
            box=box,
            b_factors=spaced.sigma,
            remarks=[*notes, f"{track.what}: {spaced.said}"],
        )
        what = f"{track.what}: {spaced.said}{clock}"
        if box is None and _box(system, track) is not None:
            what += f"; without the box, for {kind.name} knows none that is turned or open"
        if velocities is not None:
            what += f"; velocities in {unit} a picosecond, from frame to frame"
        opened = (
            open_models(path.name)
            if kind.bonds
            else open_trajectory(path.name, topology.name, kind)
        )
        written.append(Written(path, what + instead, len(spaced.frames), opened))
    if not kind.bonds:
        written.append(_write_names(system, tracks[0][0], topology, notes))
    if element_symbols(system.particles) and unit == "angstrom":
        for title in ("predicted", "reference"):
            own = [track for track, _ in tracks if track.title == title]
            if 0 < sum(track.frames[..., 0].size for track in own) <= MOST_ROWS:
                written.append(_write_extxyz(system, own, topology.parent))
    return written


def _clock(track: Track, spaced: EvenlySpaced, kind: Format) -> tuple[float, str]:
    """Time of the first frame in a file, seconds, and what is said of it.

    Files have the recording's clock where they hold it: single precision and DCD's count of time
    steps end.
    """
    if not track.begins_s or not kind.times:
        return spaced.first_time_s, ""
    step, late = spaced.frame_time_s, abs(track.clock_s).max()
    coarse = np.spacing(np.float32(late / PICOSECOND)) * PICOSECOND
    if late / step >= 2**31 if kind.name == "DCD" else coarse > _COARSE * step:
        said = f"; times are from the start, at {time_text(track.begins_s)}, for {kind.name} holds "
        return spaced.first_time_s - track.begins_s, f"{said}none so late finely enough"
    off = abs(spaced.first_time_s / step - round(spaced.first_time_s / step))
    rounded = ", to the nearest step" if kind.name == "DCD" and off > _COARSE else ""
    return spaced.first_time_s, f"; times are the input's{rounded}"


def _box(system: Input, track: Track) -> NDArray[np.float64] | None:
    """Edges (3, 3) of the periodic box at a start frame, where there is one."""
    if system.boxes is None:
        return None
    box = system.boxes[track.start - system.first_frame]
    return box if box.any() else None


def _plain_box(system: Input, track: Track) -> NDArray[np.float64] | None:
    """The box, where it lies as files lay it that hold its sizes and angles alone.

    They have the first edge along x, and the second in the plane of x and y: the positions are
    not turned to that. No box is open there.
    """
    box = _box(system, track)
    if box is None:
        return None
    plain = triclinic_vectors(triclinic_box(*box), dtype=np.float64)
    return box if np.allclose(plain, box, rtol=0, atol=_TURNED * np.abs(box).max()) else None


def _format_for(system: Input, tracks: Sequence[Track]) -> tuple[str, Format, str]:
    """Ending and format of trajectories, and why they are not in the input's own, if so."""
    if system.kind != "molecule" or system.path is None:
        return ".dcd", _DCD, ""
    suffixes = [suffix.lower() for suffix in system.path.suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    own = suffixes[-1] if suffixes else ""
    own = _ALIASES.get(own, own)
    kind = FORMATS.get(own)
    if kind is None:
        return ".dcd", _DCD, ""
    reason = ""
    frames = max(len(track.frames) for track in tracks)
    if kind is PDB and frames > MOST_MODELS:
        reason = f"{frames:,} frames would make a PDB of that many models"
    try:
        for track in tracks:
            check_fits(Path(system.path.name), track.evenly_spaced().frames, kind)
    except FormatError as refused:
        reason = reason or refused.why
    if reason:
        return ".dcd", _DCD, f". DCD instead of {kind.name}: {reason}"
    return own, kind, ""


def _write_names(system: Input, track: Track, path: Path, notes: list[str]) -> Written:
    particles, first = system.particles, track.frames[0]
    write_topology(path, particles, first, box=_plain_box(system, track), remarks=notes)
    what = "names, residues and bonds, which trajectories do not hold"
    if len(first) > PDB.most_particles:
        what += (
            f"; numbers of particles begin again after {PDB.most_particles:,}, all that PDB has "
            "columns for, and bonds are left out"
        )
    if not PDB.has_room(first):
        what += "; positions do not fit PDB's columns and are moved, or zero"
    return Written(path, what, 1, [])  # it is opened with the trajectories


def _write_extxyz(system: Input, tracks: Sequence[Track], folder: Path) -> Written:
    predicted = tracks[0].title == "predicted"
    path = folder / ("prediction.extxyz" if predicted else "reference.extxyz")
    symbols = element_symbols(system.particles)
    with path.open("w", encoding="ascii") as file:
        for track in tracks:
            write_extxyz(
                file,
                symbols,
                track.frames,
                track.clock_s,
                track.velocities(),
                _box(system, track),
                origin=(
                    None
                    if system.origins is None
                    else system.origins[track.start - system.first_frame]
                ),
                sigma=track.sigma,
                start=track.start,
            )
    what = tracks[0].what
    if len(tracks) > 1:
        what += f" and {len(tracks) - 1} more starts, one after the other"
    return Written(
        path,
        f"{what}: with elements, times in fs and velocities in A/fs, from frame to frame",
        sum(len(track.frames) for track in tracks),
        open_extxyz(path.name),
    )
