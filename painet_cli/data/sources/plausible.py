"""Is this a molecule's trajectory in angstrom? Checks that a wrong unit or order does not pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.frame import Frame
from painet_cli.data.formats.md17_npz import MoleculeFile
from painet_cli.data.particles.bonds import among, covalent_bonds
from painet_cli.data.particles.elements import symbol
from painet_cli.data.particles.order import MOST_FRAMES, thinned, wrong_order
from painet_cli.data.particles.particles import Particles
from painet_cli.data.particles.smooth import LOOKED_AT, smooth_note
from painet_cli.data.particles.stretched import refuse_other_order, stretched_bond
from painet_cli.data.particles.unit import refuse_other_unit
from painet_cli.data.trajectories.atom_elements import elements_of
from painet_cli.data.trajectories.reader import Trajectory
from painet_cli.data.trajectories.whole import whole_positions
from painet_cli.errors import RequestError, option

NEAREST_ATOM = (0.9, 1.7)
"""Angstrom; the median over a molecule's atoms of the distance to the nearest other."""
FASTEST = 0.15
"""Angstrom per fs, root mean square over the atoms. At 500 K it is 0.03 (hydrogen alone: 0.035);
frames in random order lie a vibration or a rotation apart, 0.3 and more at 0.5 fs."""
_FEW_FRAMES = 200
"""Frames whose order is looked at."""
OTHER_Z = "z lists the elements in another order than R has the atoms: put it right"


def checked_frames(held: MoleculeFile, frame_time_s: float | None) -> NDArray[np.float64]:
    """First few frames of a molecule's trajectory, (frames, N, 3) angstrom, which are such.

    Parameters
    ----------
    frame_time_s
        Seconds between frames, by which their order is checked; None of frames that are in order.

    Raises
    ------
    RequestError
        A coordinate is not finite, or the unit, the order of the frames or
        that of the elements is another.
    """
    R = held.positions
    frames, elements = first_frames(held), tuple(symbol(number) for number in held.numbers)
    check_unit(R.where, elements, frames[0])
    if frame_time_s is not None:
        with np.errstate(over="ignore"):
            moved = [rms_moved(*two) for two in pairwise(frames)]
        check_speed(R.where, moved, frame_time_s)
    joined = np.array(covalent_bonds(frames[0], elements)).reshape(-1, 2)
    refuse_other_order(R.where, elements, joined, frames[0], OTHER_Z)
    return frames


def written_frames(held: MoleculeFile) -> Iterator[NDArray[np.floating]]:
    """All frames of a molecule's trajectory in blocks, (frames, N, 3) angstrom.

    Raises
    ------
    RequestError
        One has all its atoms at one place.
    """
    done = 0
    for block in held.chunks():
        unwritten = (block == block[:, :1]).all(axis=(1, 2))
        if unwritten.any() and block.shape[1] > 1:
            raise RequestError(
                f"{held.positions.where}: frame {done + int(np.argmax(unwritten))} has all its "
                "atoms at one place: it was never written",
                "cut the array to the frames that were",
            )
        done += len(block)
        yield block


def first_frames(held: MoleculeFile) -> NDArray[np.float64]:
    """First few frames of an array of positions, (frames, N, 3).

    Raises
    ------
    RequestError
        A coordinate is not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        frames = next(held.chunks(_FEW_FRAMES)).astype(np.float64)
    finite = np.isfinite(frames).all(axis=(1, 2))
    if not finite.all():
        raise RequestError(
            f"{held.positions.where}: frame {int(np.argmin(finite))} holds a coordinate that is "
            "NaN or infinite"
        )
    return frames


def check_unit(where: str, elements: Sequence[str], frame: NDArray[np.float64]) -> None:
    """Refuse a molecule that is in another unit than angstrom, or whose atoms are not bonded.

    Raises
    ------
    RequestError
        As `refuse_other_unit`; or the median distance to the nearest atom is no molecule's.
    """
    from scipy.spatial import cKDTree  # a command's help must not wait for it

    refuse_other_unit(where, elements, frame)
    median = float(np.median(cKDTree(frame).query(frame, k=2)[0][:, 1]))
    low, high = NEAREST_ATOM
    if not low <= median <= high:
        raise RequestError(
            f"{where}: in frame 0 an atom is {median:.3g} from the next (median), expected {low} "
            f"to {high} angstrom",
            "these are no molecule's coordinates in angstrom",
        )


def rms_moved(before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """Root mean square displacement of particles, (..., N, 3), but for the drift of the whole."""
    moved = after.astype(np.float64) - before
    moved -= moved.mean(axis=-2, keepdims=True)
    return float(np.sqrt(np.square(moved).sum(axis=-1).mean()))


def check_speed(where: str, moved: Sequence[float], frame_time_s: float) -> None:
    """Refuse molecules whose atoms fly, as they do from one random sample to the next.

    Parameters
    ----------
    moved
        Angstrom from each frame to the next, root mean square over the atoms.

    Raises
    ------
    RequestError
        The median is farther than any molecule's atoms come in that time.
    """
    if not moved:
        return
    apart = float(np.median(moved))
    speed = apart / (frame_time_s * 1e15)
    if speed > FASTEST:
        raise RequestError(
            f"{where}: an atom moves {apart:.3g} angstrom from frame to frame, {speed:.3g} per fs, "
            "which no molecule does",
            f"expected consecutive frames, in order; {option('frame_time')} gives the time between "
            "them",
        )


def check_atoms(
    file: Trajectory, frame: Frame, everyone: Any, bonds: NDArray[np.int64], *, listed: bool
) -> None:
    """Refuse a first frame in another unit, or of atoms in another order than the topology's.

    Parameters
    ----------
    everyone
        All atoms of the topology, each in one place, as MDAnalysis' `AtomGroup`.
    bonds
        (B, 2) pairs of its atoms.
    listed
        Whether these are the topology's, and tell of the order.

    Raises
    ------
    RequestError
        It is one of these.
    """
    elements = elements_of(everyone)
    x = frame.positions[everyone.indices]
    refuse_other_unit(f"{file.path}", elements, x)
    if listed:
        whole = whole_positions(frame, bonds)[everyone.indices]
        refuse_other_order(f"{file.path}", elements, among(bonds, everyone.indices), whole)


def check_bonds(
    particles: Particles,
    frames: NDArray[np.floating],  # (F, N, 3)
    path: Path,
    number: int,
) -> None:
    """Refuse a molecule in pieces, which no box says how to put together.

    Parameters
    ----------
    number
        Of the first of the frames in the file.

    Raises
    ------
    RequestError
        A bond is longer than any.
    """
    found = stretched_bond(particles, frames)
    if found:
        i, j = found.bond
        raise RequestError(
            f"{path}: frame {number + found.frame}: bond {particles.names[i]}-{particles.names[j]} "
            f"(atoms {i} and {j}) is {found.length:.3g} angstrom long, at most {found.longest:.2g} "
            "are possible",
            "a periodic box that the file does not state cuts the molecule, or atoms come in "
            "another order: write it whole (gmx trjconv -pbc mol) or with its box",
        )


def time_notes(
    file: Trajectory, chosen: range, particles: Particles, selected: Any, frame_time_s: float
) -> list[str]:
    """What the first chosen frames say of the time between them, in sentences that may be empty."""
    frames = np.stack([file.frame(k).positions[selected.indices] for k in chosen[:LOOKED_AT]])
    bonds = np.array(particles.bonds, dtype=np.int64).reshape(-1, 2)
    same = int((frames[1:] == frames[:-1]).all(axis=(1, 2)).sum())
    repeated = (
        f"{file.path.name}: {same} of the first {len(frames)} frames are equal to the one before."
    )
    smooth = smooth_note(file.path.name, frames, bonds, frame_time_s)
    return [f"{smooth}." if smooth else "", repeated * bool(same)]


def in_order(
    frames: Iterator[NDArray[np.floating]],
    files: Sequence[Trajectory],
    chosen: Sequence[range],
    frame_time_s: float,
) -> Iterator[NDArray[np.floating]]:
    """Pass frames on, and refuse those of a file that are not in order."""
    for file, numbers in zip(files, chosen, strict=True):
        moved: list[float] = []
        kept: list[NDArray[np.float64]] = []
        before = None
        for frame in islice(frames, len(numbers)):
            if before is not None and len(moved) < _FEW_FRAMES:
                moved.append(rms_moved(before, frame))
                if len(moved) == _FEW_FRAMES:
                    check_speed(f"{file.path}", moved, frame_time_s)
            if len(kept) < MOST_FRAMES:
                kept.append(thinned(frame[0]))
            before = frame
            yield frame
        check_speed(f"{file.path}", moved, frame_time_s)
        if wrong := wrong_order(np.stack(kept), numbers):
            raise RequestError(
                f"{file.path}: {wrong}", "expected consecutive frames, in order: sort them"
            )
    yield from frames  # none is left: it may end
