"""Who moves: names, types, bonds, and residues where there are any."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from painet_cli.data.particles.names import Index, Name, Section, Whole

COLUMNS = (
    "elements",
    "residues",
    "residue_ids",
    "insertions",
    "chains",
    "records",
    "hydrogens",
)
"""What `Particles` holds where the source knows it, a value a particle."""


class Particles(Section):
    """Who moves: names, types and bonds."""

    names: tuple[Name, ...]
    types: tuple[Index, ...]
    """Index into `type_names`, a particle."""
    type_names: tuple[Name, ...]
    bonds: tuple[tuple[Index, Index], ...]
    """Pairs of particle indices, each once."""
    elements: tuple[Name, ...] = ()
    """Chemical symbol of every particle; here and below, empty where the source has none."""
    residues: tuple[Name, ...] = ()
    """Name of every particle's residue."""
    residue_ids: tuple[Whole, ...] = ()
    """Number of every particle's residue."""
    insertions: tuple[Name, ...] = ()
    """Insertion code of every particle's residue (`52A` is residue 52 of code A); mostly blank."""
    chains: tuple[Name, ...] = ()
    """Chain or segment of every particle."""
    records: tuple[Literal["ATOM", "HETATM"], ...] = ()
    """Whether every particle is of a polymer, or of a ligand, an ion or water: what a PDB calls
    it; empty where none is the latter."""
    hydrogens: tuple[Index, ...] = ()
    """Number of hydrogens that are bonded to every particle and are no particles themselves."""

    @property
    def kinds(self) -> list[str]:
        """Name of every particle's type."""
        return [self.type_names[index] for index in self.types]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        n = len(self.names)
        if n == 0 or len(self.types) != n:
            raise ValueError(f"{n} particle names but {len(self.types)} particle types")
        for field in COLUMNS:
            if len(getattr(self, field)) not in (0, n):
                raise ValueError(f"{n} particle names but {len(getattr(self, field))} {field}")
        if max(self.types) >= len(self.type_names):
            raise ValueError(f"particle type {max(self.types)} has no entry in type_names")
        for i, j in self.bonds:
            if i == j or max(i, j) >= n:
                raise ValueError(f"bond ({i}, {j}) does not join two of the {n} particles")
        return self


def particles_of_kinds(names: Sequence[str], kinds: Sequence[str], **columns: Any) -> Particles:
    """Particles whose types are what they are, in the order of the alphabet.

    Parameters
    ----------
    kinds
        What each is: its element, or its name.
    columns
        What else `Particles` holds; by default no bonds.
    """
    type_names = tuple(sorted({*kinds}))
    place = {name: number for number, name in enumerate(type_names)}
    types = tuple(place[kind] for kind in kinds)
    held = {"bonds": (), **columns}
    return Particles(names=tuple(names), types=types, type_names=type_names, **held)


def joints(names: tuple[str, ...], bonds: tuple[tuple[int, int], ...]) -> Particles:
    """Joints or markers, each of a type of its own."""
    return Particles(names=names, types=tuple(range(len(names))), type_names=names, bonds=bonds)


def residue_numbers(particles: Particles) -> NDArray[np.int64]:
    """(N,) number of the residue that every particle is in, counted from 0 (`residue_starts`)."""
    every = np.arange(len(particles.names))
    return np.asarray(np.searchsorted(residue_starts(particles), every, side="right") - 1)


def residue_starts(particles: Particles) -> NDArray[np.int64]:
    """List the first particle of every residue, (residues,).

    A residue is a run of particles that agree in chain, number, insertion code and name; particles
    that say nothing of residues are one.
    """
    begins = np.zeros(len(particles.names), dtype=bool)
    begins[0] = True
    for name in ("chains", "residue_ids", "insertions", "residues"):
        # as objects: numpy would cut or pad text, and comparing is all that is needed
        column = np.array(getattr(particles, name), dtype=object)
        if len(column):
            begins[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(begins)


def backbone_pairs(particles: Particles) -> NDArray[np.int64]:
    """(P, 2) alpha carbons whose residues follow each other in a chain."""
    carbons = np.flatnonzero(np.array(particles.names, dtype=object) == "CA")
    if not particles.residue_ids:
        return np.empty((0, 2), dtype=np.int64)
    follows = following(particles, carbons)
    return np.stack([carbons[:-1][follows], carbons[1:][follows]], axis=1)


def following(particles: Particles, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the residue of each of (P,) particles follows that of the one before, (P - 1,).

    It does in the same chain with the next number, or with the same and another insertion code.
    """
    count = len(particles.names)
    chains, codes = (
        np.array(column or ("",) * count, dtype=object)[at]
        for column in (particles.chains, particles.insertions)
    )
    step = np.diff(np.array(particles.residue_ids)[at])
    next_one = (step == 1) | ((step == 0) & (codes[1:] != codes[:-1]))
    follows: NDArray[np.bool_] = next_one & (chains[1:] == chains[:-1])
    return follows


def subset(particles: Particles, indices: NDArray[np.int64]) -> Particles:
    """Some particles, in the order given, with the bonds between them.

    Hydrogens that are left out are counted where they were bonded.
    """
    place = {int(index): k for k, index in enumerate(indices)}
    columns = {name: getattr(particles, name) for name in ("names", "types", *COLUMNS)}
    columns["hydrogens"] = _hydrogens(particles, place.keys())
    chosen = {
        name: tuple(column[index] for index in place) if column else ()
        for name, column in columns.items()
    }
    bonds = tuple((place[i], place[j]) for i, j in particles.bonds if i in place and j in place)
    return Particles(type_names=particles.type_names, bonds=bonds, **chosen)


def _hydrogens(particles: Particles, kept: Collection[int]) -> tuple[int, ...]:
    """Hydrogens of every particle that are not among those kept; empty where none is known of."""
    if "H" not in particles.elements:
        return particles.hydrogens
    counts = list(particles.hydrogens or (0,) * len(particles.names))
    for i, j in particles.bonds:
        for heavy, hydrogen in ((i, j), (j, i)):
            if particles.elements[hydrogen] == "H" and hydrogen not in kept:
                counts[heavy] += 1
    return tuple(counts)
