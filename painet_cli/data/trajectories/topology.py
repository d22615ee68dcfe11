"""Who moves in a trajectory: names, elements, residues and bonds of selected atoms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.bonds import bonds_within, close_pairs
from painet_cli.data.particles.names import LONGEST_NAME
from painet_cli.data.particles.particles import Particles
from painet_cli.data.trajectories.reader import TOPOLOGIES, mdanalysis
from painet_cli.errors import RequestError, option

MOST_ATOMS_GUESSED = 50_000
"""Bonds of larger selections are not guessed."""
_LONGEST_BOND = 10.0
_MASS_TOLERANCE = 0.02
"""Daltons; no two elements are that close."""

_REACH = 0.55
"""Share of the sum of two van der Waals radii below which MDAnalysis and VMD see a bond."""

Bonds = tuple[tuple[int, int], ...]


def select(universe: Any, language: str, topology: Path) -> Any:
    """Atoms that MDAnalysis' selection language names, in the topology's order.

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
    if selected.n_atoms == 0:
        raise RequestError(
            f"{option('select', language)}: none of the {universe.atoms.n_atoms:,} atoms of "
            f"{topology}",
            "choose other atoms, or leave the option out to take all",
        )
    return selected


def particles_of(
    selected: Any,
    positions: NDArray[np.floating],  # (S, 3)
    bond_length: float | None,
    topology: Path,
) -> tuple[Particles, str]:
    """Describe selected atoms, and say in a sentence where their bonds come from.

    Parameters
    ----------
    positions
        Of the first frame, angstrom, molecules whole.
    bond_length
        Join atoms no farther apart than this in the first frame, angstrom, instead of by the
        topology's bonds.
    topology
        File of the topology, for messages.

    Raises
    ------
    RequestError
        The topology names its atoms in no way, or `bond_length` is no length of a bond.
    """
    elements = elements_of(selected)
    names = _column(selected, "names") or elements or _column(selected, "types")
    if not names:
        raise RequestError(
            f"{topology}: says nothing of its atoms but their number",
            f"give a topology with {option('topology')}: {TOPOLOGIES}",
        )
    bonds, said = _bonds(selected, positions, bond_length, elements)
    kinds = elements or names
    type_names = sorted(set(kinds))
    index = {name: number for number, name in enumerate(type_names)}
    numbers = getattr(selected, "resids", None)
    return Particles(
        names=names,
        types=tuple(index[kind] for kind in kinds),
        type_names=tuple(type_names),
        bonds=bonds,
        elements=elements,
        residues=(residues := _column(selected, "resnames")),
        residue_ids=tuple(int(k) for k in numbers) if numbers is not None and residues else (),
        chains=_column(selected, "chainIDs") or _column(selected, "segids"),
    ), said


def _column(selected: Any, attribute: str) -> tuple[str, ...]:
    """Attribute of every atom as text; empty where the topology has it for none."""
    values = tuple(str(value).strip() for value in getattr(selected, attribute, ()))
    for value in {*values}:
        if not value.isprintable() or len(value) > LONGEST_NAME:
            raise RequestError(
                f"{attribute}: {value[:40]!r} names no atom: it would not print on a line",
                "do not trust the topology: get it again from where it was published",
            )
    return values if any(value not in ("", "UNK", "SYSTEM") for value in values) else ()


def elements_of(selected: Any) -> tuple[str, ...]:
    """Symbol of every atom, as the topology lists it or its masses or names leave no doubt.

    Empty where one atom's is in doubt.
    """
    from MDAnalysis.guesser.tables import SYMB2Z

    listed = tuple(symbol.capitalize() for symbol in _column(selected, "elements"))
    if listed and all(symbol in SYMB2Z for symbol in listed):
        return listed
    by_mass = _elements_by_mass(getattr(selected, "masses", np.zeros(selected.n_atoms)))
    if all(by_mass):
        return by_mass
    residues, polymer = _column(selected, "resnames"), set()
    if residues:
        polymer = set(selected.select_atoms("protein or nucleic").indices.tolist())
    by_name = tuple(
        _element_by_name(name, residue, in_polymer=index in polymer)
        for name, residue, index in zip(
            _column(selected, "names"),
            residues or ("",) * selected.n_atoms,
            selected.indices.tolist(),
            strict=False,  # names may be none
        )
    )
    return by_name if all(symbol in SYMB2Z for symbol in by_name) else ()


def _elements_by_mass(masses: NDArray[np.floating]) -> tuple[str, ...]:
    from MDAnalysis.guesser.tables import SYMB2Z
    from MDAnalysis.guesser.tables import masses as table

    symbols = [symbol for symbol in SYMB2Z if symbol in table]
    known = np.array([table[symbol] for symbol in symbols])
    distinct, which = np.unique(masses, return_inverse=True)
    far = np.abs(distinct[:, None] - known)
    found = [
        symbols[k] if far[row, k] < _MASS_TOLERANCE else ""
        for row, k in enumerate(far.argmin(axis=1))
    ]
    return tuple(found[k] for k in which)


def _element_by_name(name: str, residue: str, *, in_polymer: bool) -> str:
    """`CA` of an amino acid is carbon, of an ion calcium, elsewhere in doubt: empty."""
    parts = re.fullmatch(r"\d*([A-Za-z]+)[\d'*+-]*", name)
    letters = parts[1] if parts else ""
    if in_polymer:
        return letters[:1] if letters[:1] in "HCNOSP" else ""
    if len(letters) == 1 or letters == letters.capitalize():
        return letters
    return letters.capitalize() if letters and name.strip() == residue.strip() else ""


def _bonds(
    selected: Any,
    positions: NDArray[np.floating],
    bond_length: float | None,
    elements: Sequence[str],
) -> tuple[Bonds, str]:
    if bond_length is not None:
        if not 0 < bond_length <= _LONGEST_BOND:
            raise RequestError(
                f"{option('bond_length', bond_length)}: not the length of a bond",
                f"expected angstrom, at most {_LONGEST_BOND:g}",
            )
        bonds = bonds_within(positions, bond_length)
        return bonds, f"Bonds: {len(bonds):,} pairs within {bond_length:g} A in the first frame."
    ends = topology_bonds(selected.universe)
    if len(ends):
        place = np.full(selected.universe.atoms.n_atoms, -1)
        place[selected.indices] = np.arange(selected.n_atoms)
        inside = np.sort(place[ends][(place[ends] >= 0).all(axis=1)], axis=1)
        return tuple(map(tuple, np.unique(inside, axis=0).tolist())), "Bonds: the topology's."
    if elements and selected.n_atoms <= MOST_ATOMS_GUESSED:
        return _guessed(positions, elements), "Bonds: guessed from distances in the first frame."
    return (), "Bonds: none."


def topology_bonds(universe: Any) -> NDArray[np.int64]:
    """(B, 2) bonds of the whole topology; B is 0 where it lists none."""
    ends = universe.bonds.indices if hasattr(universe, "bonds") else ()
    return np.asarray(ends, dtype=np.int64).reshape(-1, 2)


def _guessed(positions: NDArray[np.floating], elements: Sequence[str]) -> Bonds:
    """Pairs closer than MDAnalysis' share of their van der Waals radii; () where one is unknown."""
    from MDAnalysis.guesser.tables import vdwradii

    if not all(symbol.upper() in vdwradii for symbol in elements):
        return ()
    reach = _REACH * np.array([vdwradii[symbol.upper()] for symbol in elements])
    pairs = close_pairs(positions, 2 * reach.max())
    first, second = pairs.T
    apart = np.linalg.norm(positions[first] - positions[second], axis=1)
    bonded = pairs[(apart > 0.1) & (apart < reach[first] + reach[second])]
    return tuple(map(tuple, np.unique(np.sort(bonded, axis=1), axis=0).tolist()))
