"""PDB files of more residues than four digits count: numbers in hybrid-36, read as decimal ones.

Format: http://cci.lbl.gov/hybrid_36/
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[A-Z][0-9A-Z]{3}|[a-z][0-9a-z]{3}")
_COLUMNS = slice(22, 26)
_FIRST = 10_000
"""What `A000` stands for."""


def in_decimal(line: str) -> str:
    """Write the residue number of an atom's line modulo 10,000, where it is in hybrid-36."""
    number = line[_COLUMNS]
    if not line.startswith(("ATOM  ", "HETATM")) or not _NUMBER.fullmatch(number):
        return line
    return f"{line[: _COLUMNS.start]}{_decoded(number) % _FIRST:4d}{line[_COLUMNS.stop :]}"


def _decoded(number: str) -> int:
    """Value of four digits: capitals count on from 9999, small letters from ZZZZ."""
    value = int(number, 36) - 10 * 36**3 + _FIRST
    return value + 26 * 36**3 if number[0].islower() else value
