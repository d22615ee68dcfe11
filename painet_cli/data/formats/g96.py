"""G96 files, the text format of GROMOS-96 that GROMACS reads and writes: one frame or many.

Blocks of lines from a name to `END`: TITLE, TIMESTEP, POSITION (with names) or POSITIONRED
(without), VELOCITY or VELOCITYRED, BOX; in nanometres and picoseconds.

Format: https://manual.gromacs.org/current/reference-manual/file-formats.html#g96
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.frame import ANGSTROMS, Frame, time_between
from painet_cli.data.formats.gro import gro_box, title_time
from painet_cli.data.formats.text_frames import cut_short, open_unpacked
from painet_cli.data.particles.particles import Particles, particles_of_kinds
from painet_cli.errors import RequestError

_NAMES = 24
"""Columns before the numbers of a line that names its atom."""
_POSITIONS = ("POSITION", "POSITIONRED")
_NANOMETRE = ANGSTROMS["nanometre"]
_HINT = "expected blocks of G96: TITLE, POSITION, BOX, each from its name to END"
_Blocks = dict[str, tuple[int, int]]
"""Byte at which the lines of each block of a frame begin, and how many they are."""


class G96Reader:
    """Frames of a G96 file; see `FrameReader`.

    Raises
    ------
    RequestError
        It holds no whole frame, or its frames have different numbers of atoms.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open_unpacked(path)
        self._cut = False
        try:
            self._frames = [one for one in self._find() if {*_POSITIONS} & one.keys()]
            blocks = [len(one) for one in self._frames]
            if self._cut and len(blocks) > 1 and blocks[-1] < blocks[-2]:
                self._frames.pop()
            if not self._frames:
                raise RequestError(f"{path}: holds no whole frame", _HINT)
            counts = [one[_position_block(one)][1] for one in self._frames]
            self.n_frames, self.n_atoms = len(counts), counts[0]
            if other := next((k for k, count in enumerate(counts) if count != counts[0]), None):
                raise RequestError(
                    f"{path}: frame {other} has {counts[other]:,} atoms, frame 0 has {counts[0]:,}",
                    "a prediction follows the same atoms: give the frames that have them all",
                )
            apart = time_between([self._time(one) for one in self._frames[:2]])
        except BaseException:
            self.close()
            raise
        self.notes: tuple[str, ...] = (cut_short(path, self.n_frames),) if self._cut else ()
        self.frame_time_ps = None if apart is None else float(f"{apart:.6g}")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __getitem__(self, number: int) -> Frame:
        """Frame by number.

        Raises
        ------
        RequestError
            A line is no atom, or the box is none.
        """
        blocks = self._frames[number]
        where = f"{self.path}: frame {number}"
        velocities = None
        for name in ("VELOCITY", "VELOCITYRED"):
            if name in blocks and blocks[name][1] == self.n_atoms:
                velocities = self._table(blocks, name, where).astype(np.float32)
        box = self._lines(blocks["BOX"])[:1] if "BOX" in blocks else []
        return Frame(
            number,
            self._table(blocks, _position_block(blocks), where).astype(np.float32),
            gro_box(box[0], where) if box else None,
            self._time(blocks) or 0.0,
            velocities,
        )

    def named(self) -> list[str]:
        """Lines of the first frame that name atoms.

        Raises
        ------
        RequestError
            There are none.
        """
        if "POSITION" not in self._frames[0]:
            raise RequestError(
                f"{self.path}: a G96 of positions without names",
                "give the topology of this trajectory: TPR, GRO, PDB ...",
            )
        return [line[:_NAMES] for line in self._lines(self._frames[0]["POSITION"])]

    def _find(self) -> Iterator[_Blocks]:
        """Blocks of every frame: one begins with a title, a time or positions once more."""
        blocks: _Blocks = {}
        while name := self._file.readline():
            key = name.decode("latin-1").strip()
            if not key or key.startswith("#"):
                continue
            if key in blocks or (key in _POSITIONS and {*_POSITIONS} & blocks.keys()):
                yield blocks
                blocks = {}
            at, count = self._file.tell(), 0
            while (line := self._file.readline()) and line.strip() != b"END":
                count += not line.startswith(b"#")
            if not line:  # the end of the file within a block
                self._cut = True
                break
            blocks[key] = (at, count)
        yield blocks

    def _lines(self, block: tuple[int, int]) -> list[str]:
        at, count = block
        self._file.seek(at)
        lines: list[str] = []
        while len(lines) < count:
            line = self._file.readline().decode("latin-1")
            lines += [] if line.startswith("#") else [line]
        return lines

    def _table(self, blocks: _Blocks, name: str, where: str) -> NDArray[np.float64]:
        """Three numbers of every line, (N, 3), angstrom (a picosecond)."""
        skipped = 0 if name.endswith("RED") else _NAMES
        rows = [line[skipped:].split() for line in self._lines(blocks[name])]
        bad = next((k for k, row in enumerate(rows) if len(row) != 3), None)
        try:
            return np.array(rows, dtype=np.float64).reshape(-1, 3) * _NANOMETRE
        except ValueError:
            raise RequestError(f"{where}: no three numbers of atom {bad or 0}", _HINT) from None

    def _time(self, blocks: _Blocks) -> float | None:
        """Picoseconds: of its TIMESTEP, else of its title."""
        if "TIMESTEP" in blocks:
            words = " ".join(self._lines(blocks["TIMESTEP"])).split()
            try:
                return float(words[1])
            except (ValueError, IndexError):
                return None
        return title_time(" ".join(self._lines(blocks["TITLE"]))) if "TITLE" in blocks else None


def _position_block(blocks: _Blocks) -> str:
    return next(name for name in _POSITIONS if name in blocks)


def read_g96(path: Path) -> Particles:
    """Names and residues of the atoms of a G96 file.

    Raises
    ------
    RequestError
        As `G96Reader` does; or it names no atoms.
    """
    reader = G96Reader(path)
    try:
        rows = reader.named()
    finally:
        reader.close()
    names = tuple(row[12:17].strip() for row in rows)
    try:
        numbers = tuple(int(row[:5]) for row in rows)
    except ValueError:
        raise RequestError(f"{path}: a residue has no number", _HINT) from None
    residues = tuple(row[6:11].strip() for row in rows)
    return particles_of_kinds(names, names, residues=residues, residue_ids=numbers)
