"""LAMMPS data files: their units, and the columns of atoms that MDAnalysis must be told.

Format: https://docs.lammps.org/write_data.html, https://docs.lammps.org/read_data.html
"""

from __future__ import annotations

import re
from pathlib import Path

from painet_cli.data.formats.frame import LAMMPS_UNITS
from painet_cli.data.formats.text_frames import open_unpacked

_DATA_UNITS = re.compile(r"\bunits = (\w+)")
"""What `write_data` says in the first line."""
_LONGEST_LINE = 4096
_ATOM_STYLE = re.compile(rb"^\s*Atoms\s*#\s*(\w+)", re.MULTILINE)
_FIRST_ATOM = re.compile(rb"^\s*Atoms[^\n]*\n\s*\n([^\n]+)", re.MULTILINE)
_COLUMNS = {"atomic": "id type x y z", "charge": "id type charge x y z"}
"""Columns of atoms that MDAnalysis does not tell by their number, by LAMMPS' name of the style."""


def data_units(path: Path) -> str:
    """What a data file calls its units in the first line; empty where it names none."""
    with open_unpacked(path) as file:
        said = _DATA_UNITS.search(file.readline(_LONGEST_LINE).decode("latin-1"))
    return said[1] if said else ""


def data_scales(path: Path) -> tuple[float, float] | None:
    """Angstrom in the unit of length of a data file, and angstrom a picosecond in that of velocity.

    None where its first line names no units, or none that molecules are in.
    """
    units = data_units(path)
    if units not in LAMMPS_UNITS:
        return None
    length, _, time = LAMMPS_UNITS[units]
    return length, length / time


def atom_columns(data: bytes) -> str:
    """Columns of the atoms of a data file, where MDAnalysis does not tell them; else empty."""
    return _COLUMNS.get(_atom_style(data), "")


def _atom_style(data: bytes) -> str:
    """LAMMPS' name of the style of a data file's atoms, or empty: as it says, else by a line."""
    said = _ATOM_STYLE.search(data)
    if said:
        return said[1].decode()
    first = _FIRST_ATOM.search(data)
    words = first[1].partition(b"#")[0].split() if first else []
    if len(words) in (5, 8):  # with three numbers of images, or without
        return "atomic"
    return "charge" if len(words) in (6, 9) and b"." in words[2] else ""
