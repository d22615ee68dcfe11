"""Trajectories of one molecule in MD17's npz schema, whoever made them.

`R` (F, N, 3) positions and `z` (N,) atomic numbers are read, or rMD17's `coords` and
`nuclear_charges`, in angstrom unless the file names its unit; `E`, `F` and the rest are left alone,
except that a text `theory` is passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import (
    Manifest,
    Origin,
    Segment,
    Split,
    SplitName,
    Units,
)
from painet_cli.data.dataset.splits import checked_split, split_windows
from painet_cli.data.formats.md17_npz import SCHEMA, MoleculeFile, read_molecule
from painet_cli.data.particles.bonds import covalent_bonds
from painet_cli.data.particles.elements import atoms, formula, symbol
from painet_cli.data.particles.hydrogens import hydrogens_of
from painet_cli.data.particles.stretched import refuse_other_order
from painet_cli.data.particles.superpose import clearest, superposed
from painet_cli.data.sources.merge import prepare_together
from painet_cli.data.sources.options import (
    AtHand,
    DeltaFrames,
    FrameTime,
    Horizon,
    SplitKind,
    Splitting,
    Superpose,
    window_frames,
)
from painet_cli.data.sources.plausible import OTHER_Z, check_order, check_unit, first_frames
from painet_cli.data.sources.registry import Destination, Source, spelling
from painet_cli.data.units import seconds
from painet_cli.errors import RequestError, option

WINDOWS: dict[SplitName, int] = {"train": 500, "val": 2000, "test": 2000}
"""Most of each part; all there are of a trajectory that is too short for them."""
SEED = 1
EVERY = "all"
"""Stands for every molecule of a collection."""
_HYDROGEN = 1
_LOOKED_AT = 1000
"""Frames by which the one is chosen that all are superposed on."""


@dataclass(frozen=True)
class Molecule:
    """A molecule of a collection: its Hill formula and the frames of its official file."""

    formula: str
    frames: int


@dataclass(frozen=True)
class Collection:
    """A published collection of trajectories, one file a molecule.

    Attributes
    ----------
    about
        What it is; its name is what its datasets' names begin with.
    publisher
        Where it is published, for a dataset's `origin.source`.
    molecules
        What there is, by name.
    frame_time_s
        Seconds between frames.
    delta_frames
        Frames of a window, where none are asked for.
    published
        Published start frames of a molecule, for the official file; None where there are none.
    """

    about: Source
    publisher: str
    molecules: Mapping[str, Molecule]
    frame_time_s: float
    delta_frames: int
    published: Callable[[str], Mapping[SplitName, Sequence[int]]] | None = None

    def find(self, molecule: str) -> str:
        """Name of a molecule as the collection spells it, in whatever case it is given.

        Raises
        ------
        RequestError
            The collection has no such molecule.
        """
        spelled = {spelling(name): name for name in self.molecules}
        if spelling(molecule) in spelled:
            return spelled[spelling(molecule)]
        near = get_close_matches(spelling(molecule), spelled, n=1)
        guess = f"did you mean {spelled[near[0]]}? " if near else ""
        raise RequestError(
            f"{option('molecule', molecule)}: not in {self.about.title}",
            f"{guess}it has {', '.join(self.molecules)}",
        )

    def prepare(
        self,
        to: Destination,
        *,
        molecule: Annotated[str, "Which one, or all of them in one dataset."],
        source: AtHand = None,
        split: Splitting = None,
        delta_frames: DeltaFrames = None,
        horizon: Horizon = 1,
        frame_time: FrameTime = None,
        hydrogens: Annotated[bool, "Keep hydrogen atoms; else heavy atoms alone."] = False,
        superpose: Superpose = False,
        label: Annotated[str | None, "What tables call frames of another origin."] = None,
    ) -> Dataset:
        """Write a molecule's trajectory as a dataset, `md17-benzene`.

        Parameters
        ----------
        to
            Where the dataset goes.
        molecule
            What the file must hold; `all` writes every molecule of the collection, as systems of
            one dataset.
        source
            The npz, or for `all` a folder with one of each; None downloads the official ones.
        split
            None: published where the file is the official one, otherwise blocks.
        delta_frames, frame_time
            None: the collection's own.
        horizon, hydrogens, superpose, label
            As annotated.

        Raises
        ------
        RequestError
            No such molecule; a file that cannot be had or read, holds another molecule, another
            unit, no bond, frames that do not follow one another or too few of them; a split that
            does not apply; or a folder that cannot be written.
        """
        if molecule.lower() == EVERY:
            one = partial(
                self.prepare,
                split=split,
                delta_frames=delta_frames,
                horizon=horizon,
                frame_time=frame_time,
                hydrogens=hydrogens,
                superpose=superpose,
                label=label,
            )
            return self._prepare_all(to, source, one)
        molecule = self.find(molecule)
        window = window_frames(delta_frames or self.delta_frames, horizon)
        frame_time_s = seconds(frame_time) if frame_time else self.frame_time_s
        name = f"{self.about.name}-{molecule}"
        folder = to.folder(name)
        if source is None:
            from painet_cli.data.sources.fetch import fetch_files

            source = fetch_files(name, to.downloading)["npz"]
        held, first = _checked(self, molecule, source, frame_time_s)
        R, numbers = held.positions, held.numbers
        official = R.shape[0] == self.molecules[molecule].frames
        kept = [k for k, number in enumerate(numbers) if hydrogens or number != _HYDROGEN]
        bonds = covalent_bonds(first[0, kept], [symbol(numbers[k]) for k in kept])
        if not bonds:
            raise RequestError(f"{R.where}: no two atoms are bonded in frame 0")
        segments = (Segment(name=molecule, start=0, length=R.shape[0]),)
        shared_out = _split(self, molecule, segments, window, split, source)
        theory = held.members["theory"].text() if "theory" in held.members else ""
        label = label if label is not None else theory[:40]
        reference = _reference(held, kept) if superpose else None
        manifest = Manifest(
            name=folder.name,
            origin=Origin(
                source=f"{self.about.title}, {self.publisher}, {molecule}, from {source.name}",
                licence=self.about.licence,
                citation=self.about.citation,
                prepared_by=to.command,
                label=_label(self, label, official=official, superposed=superpose),
                notes=_notes(
                    self, molecule, R.shape[0], theory, hydrogens=hydrogens, reference=reference
                ),
            ),
            units=Units(length="angstrom", length_in_metres=1e-10, frame_time_s=frame_time_s),
            treatment=("superposed",) if reference else (),
            reference=reference.number if reference else 0,
            particles=atoms([numbers[k] for k in kept], bonds).model_copy(
                update={"hydrogens": hydrogens_of(first[0], np.array(numbers) == _HYDROGEN, kept)}
            ),
            segments=segments,
            split=shared_out,
            files={},
        )
        return write_dataset(folder, _positions(held, kept, reference), manifest, force=to.force)

    def _prepare_all(
        self, to: Destination, folder: Path | None, prepare: Callable[..., Dataset]
    ) -> Dataset:
        files = {
            molecule: None if folder is None else self._file_in(folder, molecule)
            for molecule in self.molecules
        }
        return prepare_together(
            to,
            f"{self.about.name}-{EVERY}",
            {
                molecule: partial(prepare, molecule=molecule, source=path)
                for molecule, path in files.items()
            },
        )

    def _file_in(self, folder: Path, molecule: str) -> Path:
        """The one npz of a folder that is named after a molecule, and no longer name of another."""

        def named(path: Path) -> str:
            held = (one for one in self.molecules if spelling(one) in spelling(path.stem))
            return max(held, key=len, default="")

        found = sorted(path for path in folder.glob("*.npz") if named(path) == molecule)
        if len(found) == 1:
            return found[0]
        many = f"{len(found)} files" if found else "no npz"
        raise RequestError(
            f"{option('source', folder)}: {many} named after {molecule}",
            f"{option('molecule', EVERY)} takes a folder with one npz of every molecule: "
            f"{', '.join(self.molecules)}",
        )


def _checked(
    collection: Collection, molecule: str, path: Path, frame_time_s: float
) -> tuple[MoleculeFile, NDArray[np.float64]]:
    """A file that holds the molecule, and its first frames, which are in the unit and in order."""
    held = read_molecule(path)
    R = held.positions
    if R.shape[0] < 2:
        raise RequestError(f"{R.where}: {R.shape[0]} frames, not a trajectory", SCHEMA)
    _check_molecule(path, collection, molecule, held.numbers)
    first = first_frames(held)
    elements = tuple(symbol(number) for number in held.numbers)
    check_unit(R.where, elements, first[0])
    if R.shape[0] != collection.molecules[molecule].frames:  # a published file is what it is
        check_order(R.where, first, frame_time_s)
    joined = np.array(covalent_bonds(first[0], elements)).reshape(-1, 2)
    refuse_other_order(R.where, elements, joined, first[0], OTHER_Z)
    return held, first


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
        f"give {option('molecule', other[0])}" if other else "",
    )


def _split(
    collection: Collection,
    molecule: str,
    segments: tuple[Segment, ...],
    delta_frames: int,
    kind: SplitKind | None,
    path: Path,
) -> Split:
    frames, official = segments[0].length, collection.molecules[molecule].frames
    starts = collection.published(molecule) if collection.published else None
    if kind is None:
        kind = "published" if starts and frames == official else "blocks"
    if kind != "published":
        draw = partial(split_windows, kind, seed=SEED, most=WINDOWS)
        return checked_split(draw, segments, delta_frames)
    published = option("split", "published")
    other = f"choose {option('split', 'blocks')} or random"
    if starts is None:
        raise RequestError(f"{published}: {collection.about.title} has none for {molecule}", other)
    if frames != official:
        raise RequestError(
            f"{published}: {path} has {frames:,} frames, but it is of the official file of "
            f"{official:,}",
            other,
        )
    last = max(max(listed) for listed in starts.values())
    if last + delta_frames >= frames:
        raise RequestError(
            f"{published}: its last window starts at frame {last:,} of {frames:,} and "
            f"cannot have {delta_frames:,} frames",
            f"{option('delta_frames')} up to {frames - last - 1:,} fits",
        )
    drawn = {part: tuple(listed) for part, listed in starts.items()}
    return Split(kind="published", delta_frames=delta_frames, **drawn)


@dataclass(frozen=True, eq=False)
class _Reference:
    """A frame that all are superposed on: its number, and its positions, (N, 3)."""

    number: int
    positions: NDArray[np.floating]


def _reference(held: MoleculeFile, kept: Sequence[int]) -> _Reference:
    """The first frame, or one that is clearly no mirror image of others."""
    stride = max(1, held.positions.shape[0] // _LOOKED_AT)
    done, looked_at = 0, []
    for block in held.chunks():
        looked_at.append(block[-done % stride :: stride, kept])
        done += len(block)
    frames = np.concatenate(looked_at)
    chosen = clearest(frames)
    return _Reference(chosen * stride, frames[chosen])


def _positions(
    held: MoleculeFile, kept: Sequence[int], reference: _Reference | None
) -> Iterator[NDArray[np.floating]]:
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
        frames = block[:, kept]
        yield frames if reference is None else superposed(frames, reference.positions)


def _label(collection: Collection, label: str, *, official: bool, superposed: bool) -> str:
    origin = "" if official else label or f"not {collection.about.title}'s own frames"
    return ", ".join(part for part in (origin, "superposed" * superposed) if part)


def _notes(
    collection: Collection,
    molecule: str,
    frames: int,
    theory: str,
    *,
    hydrogens: bool,
    reference: _Reference | None,
) -> str:
    official = collection.molecules[molecule].frames
    notes = ["All atoms." if hydrogens else "Heavy atoms; hydrogens are left out."]
    if reference:
        onto = f"frame {reference.number}" if reference.number else "the first"
        notes += [f"Superposed: every frame shifted and turned onto {onto}."]
    notes += ["Bonds: by covalent radii, in frame 0."]
    notes += [f"Theory: {theory}."] if theory else []
    if frames != official:
        notes += [
            f"{frames:,} frames, where {collection.about.title}'s own file has {official:,}"
            + (": its published split does not apply." if collection.published else ".")
        ]
    return " ".join(notes)
