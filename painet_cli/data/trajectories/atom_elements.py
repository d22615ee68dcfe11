"""Elements of the atoms of a topology: as it lists them, or as masses or names leave no doubt."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.elements import ISOTOPES, elements_by_mass, is_element
from painet_cli.data.particles.names import LONGEST_NAME
from painet_cli.data.particles.particles import Particles
from painet_cli.errors import RequestError

_IONS = {"SOD": "Na", "POT": "K", "CLA": "Cl", "CAL": "Ca", "CES": "Cs", "LIT": "Li", "RUB": "Rb"}
"""What CHARMM calls ions."""
WATERS = {
    "HOH", "H2O", "SOL", "WAT", "TIP", "TIP3", "TP3", "TIP4", "TIP5", "SPC", "OPC", "TP4", "TP5",
    "T4P", "T3P", "TP4P", "TIP3P", "TIP4P", "TIP5P", "SPCE", "HO4", "OP3", "T4E", "DOD",
}  # fmt: skip
_VIRTUAL = re.compile(r"MW\d?|M|EPW?\d?|LP\w?\d?|OM|IW")
"""Names of their sites that are no atoms."""
_BEADS = re.compile(r"BB\d?|SC\d|W")
"""Names of MARTINI's beads that would pass for sulphur or tungsten."""


def elements_of(selected: Any) -> tuple[str, ...]:
    """Symbol of every atom, as the topology lists it or its mass or name leave no doubt.

    Empty where one atom's is in doubt.
    """
    listed = tuple(
        ISOTOPES.get(symbol, symbol.capitalize()) for symbol in column(selected, "elements")
    )
    if listed and all(map(is_element, listed)):
        return _carbons(listed, selected)
    by_mass: tuple[str, ...] = ("",) * selected.n_atoms
    everyone = selected.universe.atoms
    if hasattr(everyone, "masses"):  # hydrogens that are not selected may hold some of them
        of_all = elements_by_mass(everyone.masses, listed_bonds(selected.universe))
        by_mass = tuple(of_all[k] for k in selected.indices.tolist())
    if all(by_mass):
        return by_mass
    residues, polymer = column(selected, "resnames"), set()
    if residues:
        polymer = set(selected.select_atoms("protein or nucleic").indices.tolist())
    found = tuple(
        one or _element_by_name(name, residue, in_polymer=index in polymer)
        for one, name, residue, index in zip(
            by_mass,
            column(selected, "names"),
            residues or ("",) * selected.n_atoms,
            selected.indices.tolist(),
            strict=False,  # names may be none
        )
    )
    return found if all(map(is_element, found)) else ()


def _carbons(listed: tuple[str, ...], selected: Any) -> tuple[str, ...]:
    """Elements as listed, but where a writer took the C-alpha of an amino acid for calcium."""
    names = column(selected, "names")
    if not names or not column(selected, "resnames"):
        return listed
    taken = [k for k, one in enumerate(listed) if len(one) == 2 and names[k] == one.upper()]
    if not taken:
        return listed
    protein = {*selected.select_atoms("protein or nucleic").indices.tolist()}
    wrong = {k for k in taken if int(selected.indices[k]) in protein and listed[k] != "Se"}
    return tuple(one[0] if k in wrong else one for k, one in enumerate(listed))


def _element_by_name(name: str, residue: str, *, in_polymer: bool) -> str:
    """`CA` of an amino acid is carbon, of an ion calcium, elsewhere in doubt: empty."""
    parts = re.fullmatch(r"\d*([A-Za-z]+)[\d'*+-]*", name)
    letters = parts[1] if parts else ""
    if _BEADS.fullmatch(name):
        return ""
    if in_polymer and letters == "SE":  # of selenomethionine
        return "Se"
    if in_polymer or residue.upper() in WATERS:
        first = letters[:1].replace("D", "H")  # deuterium, which MDAnalysis knows no element by
        return first if first in "HCNOSP" else ""
    if len(letters) == 1 or letters == letters.capitalize():
        return ISOTOPES.get(letters, letters)
    ion = residue.strip().rstrip("0123456789+-")
    if letters == ion and ion in _IONS:
        return _IONS[ion]
    return letters.capitalize() if letters and letters == ion else ""


def with_hydrogens(particles: Particles, selected: Any) -> Particles:
    """Particles of an `AtomGroup` with their numbers of hydrogens, where elements are known."""
    from painet_cli.data.particles.hydrogens import hydrogens_of  # it waits for MDAnalysis

    everyone = selected.universe.atoms
    if not particles.elements or selected.n_atoms == everyone.n_atoms:
        return particles
    elements = elements_of(everyone)
    is_hydrogen = (
        np.array(elements) == "H"
        if elements
        else np.array([name.lstrip("0123456789")[:1] == "H" for name in everyone.names])
    )
    found = hydrogens_of(
        everyone.positions, is_hydrogen, selected.indices, everyone.universe.dimensions
    )
    return particles.model_copy(update={"hydrogens": found})


def virtual_sites(universe: Any) -> NDArray[np.int64]:
    """Sites of charges that are no atoms: of water of four or five points, and lone pairs."""
    if not hasattr(universe.atoms, "names"):
        return np.empty(0, dtype=np.int64)
    everyone = universe.atoms
    of_site = np.array([bool(_VIRTUAL.fullmatch(str(name).upper())) for name in everyone.names])
    places = np.flatnonzero(of_site)
    if not len(places):
        return places
    residues = getattr(everyone, "resnames", np.full(everyone.n_atoms, ""))
    masses = getattr(everyone, "masses", np.full(everyone.n_atoms, np.nan))
    listed = getattr(everyone, "elements", np.full(everyone.n_atoms, ""))
    return np.array(
        [
            k
            for k in places.tolist()
            if not is_element(str(listed[k]).capitalize())
            and (str(residues[k]).upper() in WATERS or masses[k] == 0)
        ],
        dtype=np.int64,
    )


def column(selected: Any, attribute: str) -> tuple[str, ...]:
    """Attribute of every atom as text; empty where the topology has it for none."""
    values = tuple(str(value).strip() for value in getattr(selected, attribute, ()))
    for value in {*values}:
        if not value.isprintable() or len(value) > LONGEST_NAME:
            raise RequestError(
                f"{attribute}: {value[:40]!r} names no atom: it would not print on a line",
                "do not trust the topology: get it again from where it was published",
            )
    return values if any(value not in ("", "UNK", "SYSTEM") for value in values) else ()


def listed_bonds(universe: Any) -> NDArray[np.int64]:
    """(B, 2) bonds of the whole topology; B is 0 where it lists none."""
    ends = universe.bonds.indices if hasattr(universe, "bonds") else ()
    return np.asarray(ends, dtype=np.int64).reshape(-1, 2)
