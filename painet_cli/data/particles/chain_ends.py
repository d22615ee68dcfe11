"""Structures that end in the middle of a residue, as downloads do that were cut."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.names import BACKBONE

_OXYGEN = re.compile(r"O(?:XT|[CT]?[12]?|'{1,2})")
"""What force fields call the oxygens of the last residue."""
_USUAL = 0.5
"""Share of the residues that have the whole backbone, where the last is expected to."""


def cut_note(
    where: str,
    names: Sequence[str],
    residue_of: NDArray[np.integer],  # (N,)
    residues: Sequence[str],
) -> str:
    """Say that the last residue of a protein lacks a part of its backbone; empty where not.

    Parameters
    ----------
    where
        What sentences call the file.
    names
        Of the N atoms.
    residue_of
        (N,) index of each atom's residue.
    residues
        Name and number of each residue, in words.
    """
    if not len(names):
        return ""
    backbone = np.isin(np.array(names, dtype=object), BACKBONE)
    counts = np.bincount(residue_of[backbone], minlength=len(residues))
    last = int(residue_of[-1])
    of_last = [name for name, at in zip(names, residue_of.tolist(), strict=True) if at == last]
    if len({*of_last}) < len(of_last):
        return ""  # elements, and no names of atoms in a residue
    own = {"O" if _OXYGEN.fullmatch(name) else name for name in of_last}
    if not own & {"N", "CA"} or own >= {*BACKBONE} or (counts >= len(BACKBONE)).mean() < _USUAL:
        return ""
    missing = ", ".join(name for name in BACKBONE if name not in own)
    return f"{where} may be cut short: its last residue, {residues[last]}, has no {missing}"
