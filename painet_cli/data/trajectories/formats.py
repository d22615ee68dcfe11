"""Kinds of trajectory files, and what each can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import RequestError, option


@dataclass(frozen=True)
class Format:
    """What a kind of file can hold; coordinates in angstrom.

    Attributes
    ----------
    name
        What MDAnalysis calls it.
    times
        Whether the file tells the time between its frames.
    velocities
        Whether the file has room for them.
    bonds
        Whether names, residues and bonds are in it, so that no topology goes beside it.
    most_frames, most_particles
        Largest numbers it can count to.
    longest_name
        Letters of a particle's name.
    lowest, highest
        Coordinates that its columns hold.
    """

    name: str
    times: bool = True
    velocities: bool = False
    bonds: bool = False
    most_frames: float = np.inf
    most_particles: float = np.inf
    longest_name: int | None = None
    lowest: float = -np.inf
    highest: float = np.inf

    def has_room(self, positions: NDArray[np.float32]) -> bool:
        """Whether every coordinate fits its column; positions in angstrom."""
        return bool(self.lowest < positions.min() and positions.max() < self.highest)

    def short_names(self, names: Sequence[str]) -> list[str]:
        """Cut names to what a column holds; different names stay different while digits last."""
        most = self.longest_name
        if most is None:
            return list(names)
        short = {name: name for name in names if len(name) <= most}
        taken = set(short)
        for name in dict.fromkeys(names):
            if name in short:
                continue
            tries = [name[:most], *(f"{name[: most - len(str(k))]}{k}" for k in range(2, 100))]
            short[name] = next((t for t in tries if t not in taken), name[:most])
            taken.add(short[name])
        return [short[name] for name in names]


_XTC_REACH = 2.1e7
"""Angstrom; XTC keeps thousandths of a nanometre as 32-bit whole numbers."""
PDB = Format(
    "PDB",
    times=False,
    bonds=True,
    most_frames=9999,  # models are numbered in four columns
    most_particles=99_999,
    longest_name=4,
    lowest=-999.9995,
    highest=9999.9995,
)
FORMATS = {
    ".dcd": Format("DCD"),
    ".xtc": Format("XTC", lowest=-_XTC_REACH, highest=_XTC_REACH),
    ".trr": Format("TRR", velocities=True),
    ".nc": Format("NCDF", velocities=True),
    ".ncdf": Format("NCDF", velocities=True),
    ".xyz": Format("XYZ", times=False),
    ".pdb": PDB,
    ".gro": Format(
        "GRO",
        times=False,
        most_frames=1,
        most_particles=99_999,
        longest_name=5,
        lowest=-9999.995,
        highest=99_999.995,
    ),
}


def format_of(path: Path) -> Format:
    """Tell the format from a file's ending.

    Raises
    ------
    RequestError
        There is none; lists those there are.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise RequestError(
            f"{path}: no trajectory format ends in {path.suffix or 'nothing'}",
            f"name a file ending in {', '.join(FORMATS)}",
        )
    return kind


class FormatError(RequestError):
    """Frames do not fit a format of files.

    Attributes
    ----------
    why
        What it cannot hold.
    """

    def __init__(self, path: Path, why: str, hint: str) -> None:
        super().__init__(f"{path}: {why}", hint)
        self.why = why


def check_fits(path: Path, frames: NDArray[np.float32], kind: Format) -> None:
    """Refuse frames, (F, N, 3), that a format cannot hold.

    Raises
    ------
    FormatError
        There are too many frames or particles, or a coordinate is wider than its column.
    """
    if len(frames) > kind.most_frames:
        raise FormatError(
            path,
            f"{len(frames):,} frames, but {kind.name} holds at most {kind.most_frames:,}",
            f"choose frames with {option('start')}, {option('stop')} and {option('stride')}, or "
            "another format, such as .dcd",
        )
    if frames.shape[1] > kind.most_particles:
        raise FormatError(
            path,
            f"{kind.name} numbers at most {kind.most_particles:,} particles, "
            f"not {frames.shape[1]:,}",
            f"choose .dcd, .xtc, .trr, .nc or .xyz, with {option('topology', value=False)}",
        )
    if kind.highest == np.inf:
        return
    for index, frame in enumerate(frames):
        if not kind.has_room(frame):
            raise FormatError(
                path,
                f"a coordinate of frame {index} does not fit {kind.name}, "
                f"which holds {kind.lowest:.6g} to {kind.highest:.6g} angstrom",
                "choose .dcd, .trr or .nc",
            )
