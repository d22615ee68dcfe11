"""Trajectories of one molecule in MD17's npz schema, whoever made them.

`R` (F, N, 3) positions and `z` (N,) atomic numbers are read, or rMD17's `coords` and
`nuclear_charges`, in angstrom unless the file names its unit; `E`, `F` and the rest are left alone,
except that a text `theory` is passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import Manifest, Origin, Segment, Split, SplitName, Units
from painet_cli.data.dataset.splits import checked_split, published_windows, split_windows
from painet_cli.data.formats.md17_npz import SCHEMA, MoleculeFile, read_molecule
from painet_cli.data.particles.bonds import covalent_bonds
from painet_cli.data.particles.elements import atoms, formula, symbol
from painet_cli.data.particles.hydrogens import hydrogens_of
from painet_cli.data.particles.superpose import Reference, superposed
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
from painet_cli.data.sources.plausible import checked_frames, written_frames
from painet_cli.data.sources.registry import Destination, Source, spelling
from painet_cli.data.units import seconds
from painet_cli.errors import RequestError, option

WINDOWS: dict[SplitName, int] = {"train": 500, "val": 2000, "test": 2000}
"""Most of each part; all there are of a trajectory that is too short for them."""
SEED = 1
EVERY = "all"
"""Stands for every molecule of a collection."""
_HYDROGEN = 1


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
            systems = {
                name: partial(one, molecule=name, source=source and self._file_in(source, name))
                for name in self.molecules
            }
            return prepare_together(to, f"{self.about.name}-{EVERY}", systems)
        molecule = self.find(molecule)
        window = window_frames(delta_frames or self.delta_frames, horizon)
        frame_time_s = seconds(frame_time) if frame_time else self.frame_time_s
        name = f"{self.about.name}-{molecule}"
        folder = to.folder(name)
        if source is None:
            from painet_cli.data.sources.fetch import fetch_files

            source = fetch_files(name, to.downloading)["npz"]
        held = read_molecule(source)
        R, numbers = held.positions, held.numbers
        _check_molecule(source, self, molecule, held)
        official = R.shape[0] == self.molecules[molecule].frames
        first = checked_frames(held, None if official else frame_time_s)  # as it is, if published
        kept = [k for k, number in enumerate(numbers) if hydrogens or number != _HYDROGEN]
        bonds = covalent_bonds(first[0, kept], [symbol(numbers[k]) for k in kept])
        if not bonds:
            raise RequestError(f"{R.where}: no two atoms are bonded in frame 0")
        segments = (Segment(name=molecule, start=0, length=R.shape[0]),)
        shared_out = _split(self, molecule, segments, window, split, source)
        theory = held.members["theory"].text() if "theory" in held.members else ""
        label = label if label is not None else theory[:40]
        reference = Reference.among(held.chunks(), R.shape[0], kept) if superpose else None
        manifest = Manifest(
            name=folder.name,
            origin=Origin(
                source=f"{self.about.title}, {self.publisher}, {molecule}, from {source.name}",
                licence=self.about.licence,
                citation=self.about.citation,
                prepared_by=to.command,
                label=_label(self, label, official=official, superposed=superpose),
                notes=_notes(self, molecule, R.shape[0], theory, reference, hydrogens=hydrogens),
            ),
            units=Units(length="angstrom", length_in_metres=1e-10, frame_time_s=frame_time_s),
            treatment=("superposed",) if reference else (),
            reference=reference.number if reference else 0,
            particles=atoms([numbers[k] for k in kept], bonds).model_copy(
                update={"hydrogens": hydrogens_of(first[0], np.array(numbers) == _HYDROGEN, kept)}
            ),
            segments=segments,
            split=shared_out,
        )
        frames = (block[:, kept] for block in written_frames(held))
        if reference:
            frames = (superposed(block, reference.positions) for block in frames)
        return write_dataset(folder, frames, manifest, force=to.force)

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


def _check_molecule(path: Path, collection: Collection, molecule: str, held: MoleculeFile) -> None:
    R = held.positions
    if R.shape[0] < 2:
        raise RequestError(f"{R.where}: {R.shape[0]} frames, not a trajectory", SCHEMA)
    expected, found = collection.molecules[molecule].formula, formula(held.numbers)
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
    return published_windows(starts, frames, delta_frames)


def _label(collection: Collection, label: str, *, official: bool, superposed: bool) -> str:
    origin = "" if official else label or f"not {collection.about.title}'s own frames"
    return ", ".join(part for part in (origin, "superposed" * superposed) if part)


def _notes(
    collection: Collection,
    molecule: str,
    frames: int,
    theory: str,
    reference: Reference | None,
    *,
    hydrogens: bool,
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
