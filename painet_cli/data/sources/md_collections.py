"""Trajectories of one molecule in MD17's npz schema, whoever made them.

`R` (F, N, 3) positions in angstrom and `z` (N,) atomic numbers are read; `E`, `F` and the rest are
left alone, except that a text `theory` is passed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import Manifest, Origin, Segment, Split, SplitName, Units
from painet_cli.data.dataset.splits import block_split, random_split
from painet_cli.data.formats.md17_npz import Member, read_headers
from painet_cli.data.particles.bonds import bonds_within
from painet_cli.data.particles.elements import LONGEST_BOND, atoms, formula
from painet_cli.data.sources.plausible import check_order, check_unit, first_frames
from painet_cli.data.trajectories.unwrap import superposed
from painet_cli.data.units import seconds
from painet_cli.errors import RequestError
from painet_cli.storage.atomic import check_writable

if TYPE_CHECKING:
    from painet_cli.storage.download import Progress

WINDOWS: dict[SplitName, int] = {"train": 500, "val": 2000, "test": 2000}
SEED = 1
_HYDROGEN = 1
_HEAVIEST = 118
_SCHEMA = "expected MD17's schema: R (frames, atoms, 3) in angstrom and z (atoms,)"


@dataclass(frozen=True)
class Molecule:
    """A molecule of a collection: its Hill formula and the frames of its official file."""

    formula: str
    frames: int


@dataclass(frozen=True)
class Collection:
    """A published collection of trajectories, one file a molecule."""

    name: str
    """As papers spell it; in lower case, what its datasets' names begin with."""
    molecules: Mapping[str, Molecule]
    frame_time_s: float
    delta_frames: int
    source: str
    licence: str
    citation: str
    published: Mapping[str, Mapping[SplitName, Sequence[int]]]
    """Published start frames for the official files, by molecule."""

    def find(self, molecule: str) -> str:
        """Name of a molecule as the collection spells it, in whatever case it is given.

        Raises
        ------
        RequestError
            The collection has no such molecule.
        """
        spelled = {_plain(name): name for name in self.molecules}
        if _plain(molecule) in spelled:
            return spelled[_plain(molecule)]
        near = get_close_matches(_plain(molecule), spelled, n=1)
        guess = f"did you mean {spelled[near[0]]}? " if near else ""
        raise RequestError(
            f"--molecule {molecule}: not in {self.name}",
            f"{guess}it has {', '.join(self.molecules)}",
        )

    def dataset(self, molecule: str) -> str:
        """Name of a molecule's dataset, `md17-benzene`.

        Raises
        ------
        RequestError
            The collection has no such molecule.
        """
        return f"{self.name.lower()}-{self.find(molecule)}"


@dataclass(frozen=True)
class Choices:
    """What a user may choose; None is the collection's own."""

    split: str | None = None
    """A `Split.kind`; None: published where the file is the official one, otherwise blocks."""
    delta_frames: int | None = None
    horizon: int = 1
    """T, targets that must fit into a window."""
    frame_time: str | None = None
    hydrogens: bool = False
    """Keep them; else heavy atoms alone."""
    superpose: bool = False
    """Shift and turn every frame onto the first, so that the molecule does not tumble."""
    label: str | None = None
    """What tables call frames that are not the collection's own."""


def prepare_molecule(
    collection: Collection,
    molecule: str,
    source: Path | None,
    folder: Path,
    choices: Choices | None = None,
    *,
    force: bool,
    command: str,
    progress: Progress | None = None,
) -> Dataset:
    """Write a molecule's trajectory as a dataset.

    Parameters
    ----------
    collection, molecule
        What the file must hold.
    source
        The npz; None downloads the official one.
    folder
        Where the dataset goes.
    choices
        Split, windows, time, atoms and label; None takes the collection's own.
    force
        Replace a dataset that is already there.
    command
        painet's version and the command line, for the dataset's `origin.prepared_by`.
    progress
        Told how a download goes.

    Raises
    ------
    RequestError
        No such molecule; a file that cannot be had or read, holds another molecule, another unit,
        no bond, frames that do not follow one another or too few of them; a split that does not
        apply; or a folder that cannot be written.
    """
    choices = choices or Choices()
    molecule = collection.find(molecule)
    delta_frames = choices.delta_frames or collection.delta_frames
    if choices.horizon > delta_frames:
        raise RequestError(
            f"--horizon {choices.horizon}: more targets than a window has frames "
            f"(--delta-frames {delta_frames})"
        )
    frame_time_s = seconds(choices.frame_time) if choices.frame_time else collection.frame_time_s
    check_writable(folder, force=force)
    path = source or _download(collection.dataset(molecule), progress)
    members = read_headers(path)
    R, numbers = _checked_arrays(path, members)
    _check_molecule(path, collection, molecule, numbers)
    official = R.shape[0] == collection.molecules[molecule].frames
    first = first_frames(R)
    check_unit(R.where, first[0])
    if not official:  # the first frames of a published file are what they are
        check_order(R.where, first, frame_time_s)
    kept = [k for k, number in enumerate(numbers) if choices.hydrogens or number != _HYDROGEN]
    bonds = bonds_within(first[0, kept], LONGEST_BOND)
    if not bonds:
        raise RequestError(f"{R.where}: no two atoms are within {LONGEST_BOND} A in frame 0")
    segments = (Segment(name=molecule, start=0, length=R.shape[0]),)
    split = _split(collection, molecule, segments, delta_frames, choices.split, path)
    theory = members["theory"].text() if "theory" in members else ""
    label = choices.label if choices.label is not None else theory[:40]
    manifest = Manifest(
        name=folder.name,
        origin=Origin(
            source=f"{collection.source}, {molecule}, from {path.name}",
            licence=collection.licence,
            citation=collection.citation,
            prepared_by=command,
            label=_label(collection, label, official=official, superposed=choices.superpose),
            notes=_notes(collection, molecule, R.shape[0], theory, choices),
        ),
        units=Units(length="angstrom", length_in_metres=1e-10, frame_time_s=frame_time_s),
        particles=atoms([numbers[k] for k in kept], bonds),
        segments=segments,
        split=split,
        files={},
    )
    reference = first[0, kept] if choices.superpose else None
    return write_dataset(folder, _positions(R, kept, reference), manifest, force=force)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _download(source_name: str, progress: Progress | None) -> Path:
    from painet_cli.data.sources.fetch import fetch_files

    return fetch_files(source_name, progress)["npz"]


def _checked_arrays(path: Path, members: Mapping[str, Member]) -> tuple[Member, list[int]]:
    """Positions and atomic numbers, of shapes that belong together."""
    if "R" not in members or "z" not in members:
        held = ", ".join(members) or "no arrays"
        raise RequestError(f"{path}: holds {held}, but not both R and z", _SCHEMA)
    R, z = members["R"], members["z"]
    right = len(R.shape) == 3 and R.shape[2] == 3 and R.dtype.kind == "f"
    if not right or R.dtype.itemsize not in (4, 8):
        raise RequestError(f"{R.where}: {R.dtype} {R.shape}, not positions", _SCHEMA)
    if z.shape != R.shape[1:2] or z.dtype.kind not in "iu":
        raise RequestError(f"{z.where}: {z.dtype} {z.shape} beside R {R.shape}", _SCHEMA)
    if R.shape[0] < 2:
        raise RequestError(f"{R.where}: {R.shape[0]} frames, not a trajectory", _SCHEMA)
    numbers = [int(number) for number in z.read()]
    if not numbers or not 1 <= min(numbers) <= max(numbers) <= _HEAVIEST:
        raise RequestError(f"{z.where}: not the atomic numbers of a molecule", _SCHEMA)
    return R, numbers


def _check_molecule(
    path: Path, collection: Collection, molecule: str, numbers: Sequence[int]
) -> None:
    expected, found = collection.molecules[molecule].formula, formula(numbers)
    if found == expected:
        return
    other = [name for name, one in collection.molecules.items() if one.formula == found]
    raise RequestError(
        f"{path}: this file holds {f'{other[0]} ({found})' if other else found}, "
        f"not {molecule} ({expected})",
        f"give --molecule {other[0]}" if other else "",
    )


def _split(
    collection: Collection,
    molecule: str,
    segments: tuple[Segment, ...],
    delta_frames: int,
    kind: str | None,
    path: Path,
) -> Split:
    frames, official = segments[0].length, collection.molecules[molecule].frames
    starts = collection.published.get(molecule)
    if kind is None:
        kind = "published" if starts and frames == official else "blocks"
    if kind != "published":
        return _drawn(path, segments, delta_frames, kind)
    other = "choose --split blocks or random"
    if starts is None:
        raise RequestError(f"--split published: {collection.name} has none for {molecule}", other)
    if frames != official:
        raise RequestError(
            f"--split published: {path} has {frames:,} frames, but it is of the official file of "
            f"{official:,}",
            other,
        )
    last = max(max(listed) for listed in starts.values())
    if last + delta_frames >= frames:
        raise RequestError(
            f"--split published: its last window starts at frame {last:,} of {frames:,} and "
            f"cannot have {delta_frames:,} frames",
            f"--delta-frames up to {frames - last - 1:,} fits",
        )
    drawn = {part: tuple(listed) for part, listed in starts.items()}
    return Split(kind="published", delta_frames=delta_frames, **drawn)


def _drawn(path: Path, segments: tuple[Segment, ...], delta_frames: int, kind: str) -> Split:
    """`WINDOWS` windows of each part, or all there are where a trajectory is too short for them."""
    draw = block_split if kind == "blocks" else random_split
    try:
        every = draw(segments, delta_frames, None, seed=SEED)
    except RequestError as error:
        # a part's stretch is a fifth of what the two gaps leave, and must exceed a window
        longest = (segments[0].length - 6) // 7
        raise RequestError(
            f"{path}: {segments[0].length:,} frames are too few for windows of {delta_frames:,}",
            f"--delta-frames up to {longest:,} fits" if longest > 0 else "",
        ) from error
    counts = {part: min(count, len(every.starts(part))) for part, count in WINDOWS.items()}
    return draw(segments, delta_frames, counts, seed=SEED)


def _positions(
    member: Member, kept: Sequence[int], reference: NDArray[np.floating] | None
) -> Iterator[NDArray[np.floating]]:
    for block in member.chunks():
        frames = block[:, kept]
        yield frames if reference is None else superposed(frames, reference)


def _label(collection: Collection, label: str, *, official: bool, superposed: bool) -> str:
    origin = "" if official else label or f"not {collection.name}'s own frames"
    return ", ".join(part for part in (origin, "superposed" * superposed) if part)


def _notes(
    collection: Collection, molecule: str, frames: int, theory: str, choices: Choices
) -> str:
    official = collection.molecules[molecule].frames
    notes = ["All atoms." if choices.hydrogens else "Heavy atoms; hydrogens are left out."]
    if choices.superpose:
        notes += ["Superposed: every frame shifted and turned onto the first."]
    notes += [f"Bonds: pairs within {LONGEST_BOND} A in frame 0."]
    notes += [f"Theory: {theory}."] if theory else []
    if frames != official:
        notes += [
            f"{frames:,} frames, where {collection.name}'s own file has {official:,}"
            + (": its published split does not apply." if collection.published else ".")
        ]
    return " ".join(notes)
