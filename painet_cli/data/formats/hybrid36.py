"""PDB files of more residues than four digits count: numbers in hybrid-36, read as decimal ones.

Format: http://cci.lbl.gov/hybrid_36/
"""

from __future__ import annotations

import re
from pathlib import Path

from painet_cli.data.formats.text_frames import OPENERS, open_plain

_NUMBER = re.compile(r"[A-Z][0-9A-Z]{3}|[a-z][0-9a-z]{3}")
_COLUMNS = slice(22, 26)
_FIRST = 10_000
"""What `A000` stands for."""


def in_decimal(path: Path) -> str | None:
    """Text of a file with its residue numbers modulo 10,000; None where none is in hybrid-36."""
    with OPENERS.get(path.suffix.lower(), open_plain)(path) as file:
        lines = file.read().decode("latin-1").splitlines(keepends=True)
    found = False
    for k, line in enumerate(lines):
        number = line[_COLUMNS]
        if line.startswith(("ATOM  ", "HETATM")) and _NUMBER.fullmatch(number):
            found = True
            wrapped = f"{_decoded(number) % _FIRST:4d}"
            lines[k] = line[: _COLUMNS.start] + wrapped + line[_COLUMNS.stop :]
    return "".join(lines) if found else None


def _decoded(number: str) -> int:
    """Value of four digits: capitals count on from 9999, small letters from ZZZZ."""
    value = int(number, 36) - 10 * 36**3 + _FIRST
    return value + 26 * 36**3 if number[0].islower() else value
