"""Where a dataset of trajectories is from: its files, and what was done to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from painet_cli.data.trajectories.frames import Reading
from painet_cli.data.trajectories.reader import Trajectory
from painet_cli.data.units import PICOSECOND, time_text
from painet_cli.storage.atomic import file_sha256


@dataclass(frozen=True)
class About:
    """What a dataset's `origin` says of a source beyond its files."""

    source: str = "own trajectory"
    licence: str = "not stated: that of the files' owner"
    citation: str = "not stated"
    label: str = ""
    notes: str = ""


def source_of(about: About, topology: Path, files: Sequence[Trajectory]) -> str:
    """Name the files, with their sizes and sha256."""
    paths = dict.fromkeys([topology, *(file.path for file in files)])
    return f"{about.source}: " + ", ".join(
        f"{path.name} ({path.stat().st_size} bytes, sha256 {file_sha256(path)})" for path in paths
    )


def notes_of(
    about: About, reading: Reading, files: Sequence[Trajectory], of_atoms: Sequence[str]
) -> str:
    """Say what was done to the frames, in sentences."""
    first = files[0]
    read = "nothing" if first.frame_time_ps is None else time_text(first.frame_time_ps * PICOSECOND)
    given = reading.frame_time_s
    done = [
        f"Selection: {reading.select}." + f" Frames {reading.start} to {reading.stop or 'the end'},"
        f" every {reading.stride}.",
        f"Time between frames of the files: {time_text(given)}, given (they say {read})."
        if given is not None
        else f"Time between frames of the files: {read}, as they say.",
        *of_atoms,
        *(f"{note}." for file in files for note in file.notes),
        f"Atoms left out at the end of every frame: {first.dropped}." * bool(first.dropped),
        "Unwrapped: molecules made whole along bonds and followed across the periodic boundary."
        * reading.unwrap,
        "Centred: centroid at the origin in every frame." * reading.center,
        "Superposed: every frame shifted and turned onto the first." * reading.superpose,
        about.notes,
    ]
    return " ".join(sentence for sentence in done if sentence)
