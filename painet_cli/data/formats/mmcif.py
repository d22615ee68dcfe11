"""mmCIF files, each of whose models is a frame; BinaryCIF through the same text.

Format: https://mmcif.wwpdb.org
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.binary_cif import mmcif_of
from painet_cli.data.formats.frame import Frame, FrameReader
from painet_cli.data.formats.pdb_models import other_models_note
from painet_cli.data.formats.text_frames import open_unpacked
from painet_cli.errors import RequestError

_HINT = "check that it is whole, and an mmCIF of coordinates"
_FRACTIONS = re.compile(r"^\s*_atom_site[._]fract_x\b", re.MULTILINE | re.IGNORECASE)
_PLACES = re.compile(r"^\s*_atom_site\.cartn_x\b", re.MULTILINE | re.IGNORECASE)


def refuse_crystal(path: Path) -> None:
    """Refuse the CIF of a crystal of small molecules, which shares its ending with mmCIF.

    Raises
    ------
    RequestError
        Its atoms are fractions of a cell.
    """
    try:
        text = _text(path)
    except (OSError, EOFError, zlib.error):
        return  # its reader says so
    if _FRACTIONS.search(text) and not _PLACES.search(text):
        raise RequestError(
            f"{path}: a core CIF, of a crystal of small molecules: fractions of its cell and its "
            "symmetry, not the positions that the mmCIF of the PDB has",
            f"write the molecules out: `ase convert {quote(path.name)} {quote(path.stem)}.xyz`, "
            "Mercury or Open Babel do",
        )


class MmcifReader(FrameReader):
    """Models of an entry, which have no times; see `FrameReader`.

    Raises
    ------
    RequestError
        It cannot be read, or holds no atoms.
    """

    def __init__(self, path: Path) -> None:
        import gemmi

        self.path = path
        try:
            block = gemmi.cif.read_string(_text(path))[0]
            structure = gemmi.make_structure_from_block(block)
            flat = gemmi.FlatStructure(structure)
            counts = [model.count_atom_sites() for model in structure]
            positions, who = np.asarray(flat.pos, dtype=np.float32), _who(flat)
        except RequestError:
            raise
        except Exception as error:  # gemmi's are of many kinds
            raise RequestError(f"{path}: cannot be read", _HINT) from error
        if not counts or not counts[0]:
            raise RequestError(f"{path}: holds no atoms", _HINT)
        ends = np.cumsum(counts)[:-1]
        models, identities = np.split(positions, ends), np.split(who, ends)
        self._models = [
            model
            for model, identity in zip(models, identities, strict=True)
            if np.array_equal(identity, identities[0])
        ]
        left_out = len(models) - len(self._models)
        if left_out:
            self.notes = (other_models_note(path, left_out, len(models)),)
        cell = structure.cell
        self._box = None
        if cell.is_crystal():
            self._box = np.array(cell.orth.mat.tolist()).T
        self.n_frames, self.n_atoms = len(self._models), counts[0]

    def __getitem__(self, number: int) -> Frame:
        """Model by number."""
        return Frame(number, self._models[number], self._box)


def _text(path: Path) -> str:
    if path.name.lower().endswith((".bcif", ".bcif.gz")):
        return mmcif_of(path)
    with open_unpacked(path) as file:
        return file.read().decode("utf-8", "replace")


def _who(flat: Any) -> NDArray[np.int64]:
    """Name, residue and chain of every atom of all models, (N, 3) numbers."""
    columns = (flat.atom_names, flat.resnums, flat.chain_ids)
    return np.stack(
        [np.unique(np.asarray(one), return_inverse=True, axis=0)[1].ravel() for one in columns], 1
    )
