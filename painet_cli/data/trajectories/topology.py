"""Who moves in a trajectory: names, elements, residues and bonds of selected atoms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.bonds import among, bonds_within, covalent_bonds
from painet_cli.data.particles.chain_ends import cut_note
from painet_cli.data.particles.names import BACKBONE
from painet_cli.data.particles.particles import Particles, particles_of_kinds
from painet_cli.data.trajectories.atom_elements import (
    column,
    elements_of,
    listed_bonds,
    virtual_sites,
)
from painet_cli.data.trajectories.guards.mda_errors import mdanalysis
from painet_cli.data.trajectories.readable import TOPOLOGIES, format_of
from painet_cli.errors import RequestError, option

MOST_ATOMS_GUESSED = 200_000
"""Bonds of larger selections are not guessed."""
_LONGEST_BOND = 10.0
_LIST_SOME = ("PDB", "PDBQT", "PQR", "MMCIF", "BCIF")
"""Formats that list bonds of ligands and disulphides, and leave those of a chain to be known."""

Bonds = tuple[tuple[int, int], ...]


def select(universe: Any, language: str, topology: Path) -> Any:
    """Atoms that MDAnalysis' selection language names, in the topology's order.

    Of a residue that is in several places (altlocs), the one of the highest occupancy is taken, the
    first of equal ones, unless the selection speaks of `altloc` itself. Sites of water models that
    are no atoms are left out, unless the selection is by names.

    Raises
    ------
    RequestError
        The selection is not of that language, or names no atom.
    """
    with mdanalysis(
        option("select", language[:80]),
        "expected MDAnalysis' selection language: backbone, name CA, protein, ...",
        failed="MDAnalysis cannot select it",
    ):
        selected = universe.select_atoms(language)
    if "altloc" not in language.lower():
        selected = selected[~np.isin(selected.indices, _second_places(universe))]
    if "name" not in language.lower():
        selected = selected[~np.isin(selected.indices, virtual_sites(universe))]
    if selected.n_atoms == 0:
        raise RequestError(
            f"{option('select', language)}: none of the {universe.atoms.n_atoms:,} atoms of "
            f"{topology}",
            "choose other atoms, or leave the option out to take all",
        )
    return selected


def virtual_note(universe: Any, selected: Any) -> str:
    """Sentence on sites that `select` left out; empty where there are none."""
    sites = virtual_sites(universe)
    left_out = sites[~np.isin(sites, selected.indices)]
    near = np.isin(universe.atoms.resindices[left_out], selected.resindices)
    if not near.any():
        return ""
    names = sorted({str(universe.atoms.names[k]) for k in left_out[near]})
    return (
        f"{int(near.sum()):,} sites that are no atoms are left out ({', '.join(names)}: charges of "
        "a water model, or lone pairs)."
    )


def _second_places(universe: Any) -> NDArray[np.int64]:
    """Atoms of residues in other places than that of the highest occupancy.

    One place of a residue may be of another amino acid (microheterogeneity): nothing of it is kept
    beside the one that is taken.
    """
    everyone = universe.atoms
    if not hasattr(everyone, "altLocs"):
        return np.empty(0, dtype=np.int64)
    places = np.array([str(one).strip() for one in everyone.altLocs])
    moving = np.flatnonzero(places != "")
    occupancy = np.asarray(getattr(everyone, "occupancies", np.ones(len(places))))
    residue, kinds = _numbered(everyone), getattr(everyone, "resnames", np.full(len(places), ""))
    left_out = []
    for number in np.unique(residue[moving]):
        own = moving[residue[moving] == number]
        names = list(dict.fromkeys(places[own].tolist()))
        shares = [float(occupancy[own[places[own] == name]].mean()) for name in names]
        best = names[int(np.argmax(np.round(shares, 3)))]
        first = own[places[own] == best]
        taken = {everyone.names[k] for k in first}
        # an atom that this place does not have is taken from the first that has it
        for k in own[places[own] != best]:
            if everyone.names[k] in taken or kinds[k] not in kinds[first]:
                left_out.append(k)
            taken.add(everyone.names[k])
    return np.array(left_out, dtype=np.int64)


def _numbered(everyone: Any) -> NDArray[np.int64]:
    """A number for every chain, residue number and insertion code, whatever the residue's name."""
    if not hasattr(everyone, "resids"):
        return np.asarray(everyone.resindices)
    codes = getattr(everyone, "icodes", np.full(len(everyone), "")).astype(str)
    code = np.unique(codes, return_inverse=True)[1]
    table = np.stack([everyone.segindices, everyone.resids, code], axis=1)
    return np.asarray(np.unique(table, axis=0, return_inverse=True)[1]).ravel()


def altloc_note(universe: Any, selected: Any) -> str:
    """Sentence on residues in several places, of which `select` took one; empty where none are."""
    others = _second_places(universe)
    left_out = others[~np.isin(others, selected.indices)]
    if not len(left_out):
        return ""
    number = _numbered(universe.atoms)
    residues = {*number[left_out].tolist()}
    if not residues & {*number[selected.indices].tolist()}:
        return ""
    many = f"{len(residues):,} residues are" if len(residues) > 1 else "1 residue is"
    return (
        f"{many} in several places (altlocs): the one of the highest occupancy is taken, "
        "the first of equal ones."
    )


def unknown_note(universe: Any, selected: Any, language: str) -> str:
    """Sentence on amino acids that `protein` and `backbone` do not know; empty where none are.

    MDAnalysis knows those two by a list of names, in which D-amino acids and phosphorylated ones
    are not.
    """
    everyone = universe.atoms
    asked = {"protein", "backbone"} & {*re.findall(r"\w+", language)}
    if not asked or not hasattr(everyone, "names") or not hasattr(everyone, "resnames"):
        return ""
    of_backbone = everyone.resindices[np.isin(everyone.names.astype(str), BACKBONE)]
    whole = np.flatnonzero(np.bincount(of_backbone) >= len(BACKBONE))
    known = [everyone.select_atoms("protein").resindices, selected.resindices]
    odd = np.setdiff1d(whole, np.concatenate(known))
    if not len(odd):
        return ""
    names = ", ".join(sorted({*universe.residues[odd].resnames.astype(str)})[:6])
    return (
        f"{len(odd):,} residues with a backbone are none that MDAnalysis calls protein, and are "
        f"left out ({names}): {option('select', 'name ' + ' '.join(BACKBONE))} takes them too."
    )


def incomplete_note(universe: Any, topology: Path) -> str:
    """Sentence on a structure whose last residue is not whole; empty where it is."""
    everyone = universe.atoms
    if not hasattr(everyone, "names") or not hasattr(everyone, "resnames"):
        return ""
    residues = universe.residues
    called = [f"{a} {b}" for a, b in zip(residues.resnames, residues.resids, strict=True)]
    return cut_note(topology.name, everyone.names.tolist(), everyone.resindices, called)


def particles_of(
    selected: Any,
    positions: NDArray[np.floating],  # (S, 3)
    bond_length: float | None,
    topology: Path,
    box: NDArray[np.floating] | None,  # (3, 3)
) -> tuple[Particles, str]:
    """Describe selected atoms, and say in a sentence where their bonds come from.

    Parameters
    ----------
    positions
        Of the first frame, angstrom.
    bond_length
        Join atoms no farther apart than this in the first frame, angstrom, instead of by the
        topology's bonds.
    topology
        File of the topology, for messages.
    box
        (3, 3) edges of the periodic box, angstrom, which may cut the molecules.

    Raises
    ------
    RequestError
        The topology names its atoms in no way, or `bond_length` is no length of a bond.
    """
    elements = elements_of(selected)
    names = column(selected, "names") or elements or column(selected, "types")
    if not names:
        raise RequestError(
            f"{topology}: says nothing of its atoms but their number",
            f"give a topology with {option('topology')}: {TOPOLOGIES}",
        )
    bonds, said = bonds_of(selected, positions, elements, bond_length=bond_length, box=box)
    numbers = getattr(selected, "resids", None)
    return particles_of_kinds(
        names,
        elements or names,
        bonds=bonds,
        elements=elements,
        residues=(residues := column(selected, "resnames")),
        residue_ids=tuple(int(k) for k in numbers) if numbers is not None and residues else (),
        insertions=column(selected, "icodes"),
        chains=column(selected, "chainIDs") or column(selected, "segids"),
        records=_records(selected),
    ), said


def _records(selected: Any) -> tuple[str, ...]:
    """What a PDB calls every atom, as `Particles` has it; longer numbers run into its word."""
    heteros = [one == "HETATM" for one in column(selected, "record_types")]
    return tuple("HETATM" if one else "ATOM" for one in heteros) if any(heteros) else ()


def bonds_of(
    atoms: Any,
    positions: NDArray[np.floating],  # (S, 3)
    elements: Sequence[str],
    *,
    bond_length: float | None,
    box: NDArray[np.floating] | None,  # (3, 3)
) -> tuple[Bonds, str]:
    """Bonds of some atoms, as pairs of their places, and a sentence on where they come from.

    What a topology lists is all there is, where it lists a bond of every atom, or is of a format
    that lists all. PDB and mmCIF list those of ligands and disulphides alone: there, what covalent
    radii say is added.

    Parameters
    ----------
    atoms
        An MDAnalysis `AtomGroup` of S atoms.
    positions
        (S, 3) of the first frame, angstrom.
    elements
        Of the S atoms; empty where they are not known, and nothing can be guessed.
    bond_length
        Join atoms no farther apart than this, angstrom, instead of all that.
    box
        (3, 3) edges of the periodic box, angstrom, which may cut the molecules.

    Raises
    ------
    RequestError
        `bond_length` is no length of a bond, or the atoms lie on top of each other.
    """
    if bond_length is not None:
        if not 0 < bond_length <= _LONGEST_BOND:
            raise RequestError(
                f"{option('bond_length', bond_length)}: not the length of a bond",
                f"expected angstrom, at most {_LONGEST_BOND:g}",
            )
        bonds = bonds_within(positions, bond_length, box)
        return bonds, f"Bonds: {len(bonds):,} pairs within {bond_length:g} A in the first frame."
    ends = listed_bonds(atoms.universe)
    inside = np.sort(among(ends, atoms.indices), axis=1)
    listed = tuple(map(tuple, np.unique(inside, axis=0).tolist()))
    if len(ends) and (not _lists_some(atoms.universe) or len({*inside.ravel()}) == atoms.n_atoms):
        return listed, "Bonds: the topology's."
    if not elements or atoms.n_atoms > MOST_ATOMS_GUESSED:
        return listed, "Bonds: the topology's." if listed else "Bonds: none."
    guessed = covalent_bonds(positions, elements, box)
    said = "Bonds: guessed from distances in the first frame, by covalent radii"
    more = len({*listed} - {*guessed})
    added = f", and {more:,} more that the topology lists." if more else "."
    return tuple(sorted({*listed, *guessed})), said + added


def _lists_some(universe: Any) -> bool:
    """Whether a topology's format lists bonds of some residues alone."""
    with suppress(RequestError):  # MDAnalysis may have read what we do not
        return format_of(Path(str(universe.filename or ""))).name in _LIST_SOME
    return False
