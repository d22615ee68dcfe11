"""Motion capture of any format: joints or markers, and where they are in every frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.particles import Particles, joints
from painet_cli.errors import RequestError


@dataclass(frozen=True, eq=False)
class Motion:
    """Recorded motion of a skeleton or of markers.

    Attributes
    ----------
    names
        (J,) joints or markers, each name once.
    parents
        (J,) index of the joint that each one hangs from, -1 for none; all -1 for markers.
    positions
        (F, J, 3) in `length_unit`.
    frame_time_s
        Seconds between frames; None where the file does not say.
    length_unit
        `metre`, `millimetre` ...; `ASF unit` or `BVH unit` where the file does not say.
    up_axis
        Direction of height, where the format has one.
    notes
        What was left out in reading, a sentence each.
    breaks
        Frames that do not follow on the one before.
    times_s
        (F,) times that the file gives its frames; None where it gives the time between them alone.
    asf_scale
        Inches times this are the lengths, as an ASF says; None where no file says it.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    positions: NDArray[np.float64]
    frame_time_s: float | None
    length_unit: str
    up_axis: Axis | None
    notes: tuple[str, ...] = ()
    breaks: tuple[int, ...] = ()
    times_s: NDArray[np.float64] | None = None
    asf_scale: float | None = None

    @property
    def bonds(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) of every bone."""
        return tuple((parent, child) for child, parent in enumerate(self.parents) if parent >= 0)

    @property
    def particles(self) -> Particles:
        """Joints or markers, each of a type of its own."""
        return joints(self.names, self.bonds)


_EXTENT = (0.005, 50.0)
"""Metres from a marker to the farthest other: of a hand, or of a hall."""
_FASTEST_MARKER = 100.0
"""Metres a second; a badminton racket comes to 70."""
_NEAR_ORIGIN = 0.05
"""Metres that a marker comes near the origin before it is there, 2.5 metres a second at 50 Hz."""
_MOST_COMPARED = 200
"""Frames whose distances tell which markers move together."""


def markers(
    path: Path,
    names: Sequence[str],
    positions: NDArray[np.float64],  # (F, M, 3), NaN where a marker was not seen
    *,
    frame_time_s: float | None,
    up_axis: Axis | None,
    breaks: tuple[int, ...] = (),
    times_s: NDArray[np.float64] | None = None,
) -> Motion:
    """Motion of markers in metres; those that were not seen in some frame are left out.

    Frames in which none was seen are left out first, and the motion breaks off there. A marker that
    flies faster than any is taken for one that was not seen.

    A marker hangs from one whose distance changes little: together they are the spanning tree of
    the least sum of those changes (standard deviation, in metres).

    Parameters
    ----------
    breaks
        Frames that do not follow on the one before.
    times_s
        (F,) times of the frames, where the file gives them.

    Raises
    ------
    RequestError
        There are no frames, or fewer than two markers are seen in all of them.
    """
    if not len(positions):
        raise RequestError(f"{path}: holds no frames", "get it again")
    seen = _seen(positions)
    some = np.asarray(seen.any(axis=1))
    gone = int((~some).sum())
    if 0 < gone < len(some):
        positions, breaks, seen = positions[some], _breaks_of_kept(some, breaks), seen[some]
        times_s = None if times_s is None else times_s[some]
    names, always = _told_apart(names), np.asarray(seen.all(axis=0))
    if always.sum() < 2:
        raise RequestError(
            f"{path}: {int(always.sum())} of {len(names)} markers are seen in all "
            f"{len(positions):,} frames",
            "fill the gaps first, or cut the file to frames in which the markers are seen",
        )
    check_extent(path, positions[0, always], "the unit that it names")
    flying = always & _flies(positions, frame_time_s, breaks)
    if (always & ~flying).sum() >= 2:
        always &= ~flying
    else:
        flying[:] = False
    kept = positions[:, always]

    def called(chosen: NDArray[np.bool_]) -> str:
        return ", ".join(name for name, one in zip(names, chosen, strict=True) if one)

    said = {
        f"{gone:,} frames in which no marker was seen are left out, and not counted": gone,
        f"markers with gaps are left out: {called(~always & ~flying)}": (~always & ~flying).any(),
        f"markers that jump faster than {_FASTEST_MARKER:g} m/s are left out: {called(flying)}": (
            flying.any()
        ),
    }
    return Motion(
        names=tuple(name for name, there in zip(names, always, strict=True) if there),
        parents=_rigid_tree(kept),
        positions=kept,
        frame_time_s=frame_time_s,
        length_unit="metre",
        up_axis=up_axis,
        notes=tuple(f"{path.name}: {what}" for what, is_so in said.items() if is_so),
        breaks=breaks,
        times_s=times_s,
    )


def common_markers(takes: Sequence[Motion]) -> list[Motion]:
    """Takes with the markers alone that all of them have, in the order of the first.

    Of takes that have the same ones and hang together alike nothing changes; otherwise markers hang
    together as in all takes at once. The first notes which were left out.

    Raises
    ------
    RequestError
        Fewer than two are in all of them.
    """
    first = takes[0]
    if all((take.names, take.parents) == (first.names, first.parents) for take in takes):
        return list(takes)
    everyone = dict.fromkeys(name for take in takes for name in take.names)
    names = tuple(name for name in everyone if all(name in take.names for take in takes))
    if len(names) < 2:
        raise RequestError(
            f"of {len(everyone)} markers {len(names)} are in all {len(takes)} takes",
            "prepare takes apart that have other markers, or fill the gaps first",
        )
    places = [take.positions[:, [take.names.index(name) for name in names]] for take in takes]
    parents = _rigid_tree(np.concatenate(places))
    common = [
        replace(take, names=names, parents=parents, positions=x)
        for take, x in zip(takes, places, strict=True)
    ]
    if gone := ", ".join(name for name in everyone if name not in names):
        note = f"markers that are not in every take are left out of all: {gone}"
        common[0] = replace(common[0], notes=(*first.notes, note))
    return common


def _breaks_of_kept(some: NDArray[np.bool_], breaks: tuple[int, ...]) -> tuple[int, ...]:
    """Breaks as they are counted without the frames that are not kept, and where these were."""
    number = np.cumsum(some) - 1
    after = np.flatnonzero(some[1:] & ~some[:-1]) + 1
    moved = {int(number[max(at, int(np.argmax(some[at:])) + at)]) for at in (*after, *breaks)}
    return tuple(sorted(moved - {0, -1}))


def _flies(
    positions: NDArray[np.float64],  # (F, M, 3)
    frame_time_s: float | None,
    breaks: tuple[int, ...],
) -> NDArray[np.bool_]:
    """(M,) whether a marker moves as none does, within an unbroken stretch."""
    if frame_time_s is None or len(positions) < 2:
        return np.zeros(positions.shape[1], dtype=bool)
    step = np.linalg.norm(np.diff(positions, axis=0), axis=2)
    within = np.ones(len(step), dtype=bool)
    within[[at - 1 for at in breaks]] = False
    # where all jump it is the recording that does
    within &= ~(step > _FASTEST_MARKER * frame_time_s).all(axis=1)
    return np.asarray((step[within] > _FASTEST_MARKER * frame_time_s).any(axis=0))


def _seen(positions: NDArray[np.float64]) -> NDArray[np.bool_]:  # (F, M)
    """Whether each marker was seen in each frame: those that were not are NaN, or at the origin.

    A marker may pass through the origin; then it is near it in the frame before or after.
    """
    seen = np.asarray(np.isfinite(positions).all(axis=2))
    zero = ~np.asarray(positions.any(axis=2))
    for marker in np.flatnonzero(zero.any(axis=0)):
        known = np.flatnonzero(seen[:, marker] & ~zero[:, marker])
        at = np.flatnonzero(zero[:, marker])
        if not len(known):
            seen[at, marker] = False
            continue
        after = np.searchsorted(known, at).clip(max=len(known) - 1)
        apart = np.linalg.norm(positions[known, marker], axis=1)
        near = np.minimum(apart[after], apart[(after - 1).clip(min=0)])
        seen[at, marker] = near < _NEAR_ORIGIN
    return seen


def check_extent(path: Path, positions: NDArray[np.float64], said: str) -> None:
    """Refuse joints or markers, (M, 3) metres, that lie as no recorded motion's do.

    Parameters
    ----------
    said
        Who says in which unit they are: `the unit that it names`.

    Raises
    ------
    RequestError
        They do.
    """
    extent = float(np.ptp(positions, axis=0).max())
    low, high = _EXTENT
    if not low <= extent <= high:
        raise RequestError(
            f"{path}: it is {extent:.3g} m across by {said}", "correct that unit: mm, cm or m"
        )


def _told_apart(names: Sequence[str]) -> tuple[str, ...]:
    """Names without blanks, each once: a second `hip` is `hip#2`."""
    told: list[str] = []
    for name in names:
        plain = "_".join(name.split()) or "marker"
        count = sum(one == plain or one.startswith(f"{plain}#") for one in told)
        told.append(f"{plain}#{count + 1}" if count else plain)
    return tuple(told)


def _rigid_tree(positions: NDArray[np.float64]) -> tuple[int, ...]:
    """Parent of every marker, -1 of the first."""
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    step = max(1, len(positions) // _MOST_COMPARED)
    x = positions[::step]
    count = x.shape[1]
    mean, square = np.zeros((count, count)), np.zeros((count, count))
    for frame in x:
        apart = np.linalg.norm(frame[:, None] - frame[None], axis=-1)
        mean += apart / len(x)
        square += apart**2 / len(x)
    # zero would be no edge at all; and of equally rigid pairs the nearer one is taken
    changes = np.sqrt(np.maximum(square - mean**2, 0)) + 1e-9 + 1e-3 * mean
    tree = minimum_spanning_tree(np.triu(changes, 1))
    _, parents = breadth_first_order(tree, 0, directed=False)
    return tuple(-1 if parent < 0 else int(parent) for parent in parents)
