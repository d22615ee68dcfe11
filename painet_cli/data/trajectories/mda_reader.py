"""MDAnalysis' readers and parsers, and what they must be told of a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.binary_cif import mmcif_of
from painet_cli.data.formats.frame import Frame, LateTimes
from painet_cli.data.formats.netcdf import NetcdfHeader, WholeRecords
from painet_cli.data.formats.pdb_models import PdbModels, misplaced, other_models_note, read_models
from painet_cli.data.formats.text_frames import cut_short, dl_poly_box
from painet_cli.data.trajectories.child_reader import ChildReader
from painet_cli.data.trajectories.dcd import DcdHeader
from painet_cli.data.trajectories.guards.claims import check_claims
from painet_cli.data.trajectories.guards.includes import force_fields
from painet_cli.data.trajectories.guards.mda_errors import mdanalysis
from painet_cli.data.trajectories.lammps_data import atom_columns, data_scales
from painet_cli.data.trajectories.readable import Readable
from painet_cli.data.trajectories.xdr_frames import clock_at, frame_end
from painet_cli.errors import RequestError

# Their files do not say how many atoms a frame has.
_NEED_ATOM_COUNT = {"MDCRD", "TRZ", "DATA"}
_BLOCK = 2**24
_CELL_COLUMNS = (6, 15, 24, 33, 40, 47, 54)
"""Where the numbers of a CRYST1 begin, and the last ends."""
_XDR = {"XTC", "TRR"}
_ROUNDED_TIMES = {"XTC", "TRR", "NCDF", "H5MD"}
"""Formats whose times are, or may be, single precision."""
_TIMES_ALONE = {"H5MD", "NCDF", "TNG"}
"""Formats whose readers know times and no `dt`, or one that is not scaled as times are."""
_MODELS_WITHOUT_TIMES = {"MOL2"}


class MdaReader:
    """Frames of a file as MDAnalysis reads them; see `FrameReader`.

    Parameters
    ----------
    path
        The file.
    kind
        Its format.
    atom_count
        Atoms of the topology, for formats that do not say.

    Raises
    ------
    RequestError
        The file is damaged, or of another format.
    """

    def __init__(self, path: Path, kind: Readable, atom_count: int) -> None:
        self.path, self.kind = path, kind
        check_claims(path, kind.name)
        self._pdb = read_models(path) if kind.name == "PDB" else None
        self._box_of_all = _first_cell(path) if kind.name == "PDB" else None
        self._dcd = DcdHeader.read(path) if kind.name == "DCD" else None
        self._netcdf = NetcdfHeader.read(path) if kind.name == "NCDF" else None
        self._units = data_scales(path) if kind.name == "DATA" else None
        self._late: LateTimes | None = None
        try:
            with mdanalysis(path, kind.mends()):
                self._reader = _reader_of(kind)(self._source(), **self._options(atom_count))
        except RequestError as error:
            raise (misplaced(path) if self._pdb else None) or error from error.__cause__
        try:
            with mdanalysis(path, kind.mends()):
                self.n_frames, self.n_atoms = int(self._reader.n_frames), int(self._reader.n_atoms)
            self._choose_frames()
            self.notes = self._notes()
            self.frame_time_ps = self._frame_time()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with mdanalysis(self.path), suppress(OSError):
            self._reader.close()

    def __getitem__(self, number: int) -> Frame:
        """Frame by number.

        Raises
        ------
        RequestError
            It cannot be read.
        """
        from MDAnalysis.lib.mdamath import triclinic_vectors

        with mdanalysis(self.path, self.kind.mends(), failed=f"frame {number} cannot be read"):
            step = self._reader[self._models[number]]
            box = self._box_of_all
            if self.kind.name in ("HISTORY", "CONFIG"):
                begin = self._reader._offsets[number] if self.kind.name == "HISTORY" else None
                box = dl_poly_box(self.path, begin)
            elif step.dimensions is not None:
                edges = getattr(step, "edges", None)
                plain = triclinic_vectors(step.dimensions, dtype=np.float64)
                box = plain if edges is None else edges
            scale = self._units[0] if self._units else 1.0
            return Frame(
                number,
                np.array(step.positions * scale, dtype=np.float32),
                None if box is None else box * scale,
                self._time_of(number, step),
                self._velocities(step),
            )

    def _time_of(self, number: int, step: Any) -> float:
        if self._pdb is not None and self._pdb.times_ps:
            return self._pdb.times_ps[number]
        if self._dcd:
            steps = number + self._dcd.first_step / self._dcd.steps_between
            return steps * (self.frame_time_ps or 0.0)
        if self.n_frames == 1 and "time" not in self.kind.holds:
            return 0.0  # MDAnalysis has one all the same, of a TPR -1 ps
        return self._late.time_ps(number, float(step.time)) if self._late else float(step.time)

    def _choose_frames(self) -> None:
        """Leave out a frame that was cut, and models of a PDB of other atoms than the first's."""
        head = self._dcd or self._netcdf
        self._cut = head is not None and head.cut
        self._last_clock: tuple[int, float] | None = None
        if self.kind.name in _XDR:
            size, last = self.path.stat().st_size, self._reader.last_offset
            end = frame_end(self.path, self.kind.name, last)
            self._cut = end != size
            self._last_clock = clock_at(self.path, self.kind.name, last)
            self.n_frames -= end > size
        self._models: Sequence[int] = range(self.n_frames)
        if self._pdb is not None and self.n_frames > 1:
            self._models = self._pdb.same
        self._models_left_out = self.n_frames - len(self._models)
        self.n_frames = len(self._models)

    def _source(self) -> Any:
        """What MDAnalysis opens: of a NetCDF file that was cut, the records that are whole."""
        if self._pdb is not None:
            return _pdb_source(self.path, self._pdb)
        if self._netcdf is None or self._netcdf.said == self._netcdf.whole:
            return mda_source(self.path, self.kind)
        from MDAnalysis.lib.util import NamedStream

        return NamedStream(WholeRecords(self.path, self._netcdf.whole), self.path.name)

    def _options(self, atom_count: int) -> dict[str, Any]:
        counted = {"n_atoms": atom_count} if self.kind.name in _NEED_ATOM_COUNT else {}
        return counted | mda_options(self.path, self.kind)

    def _velocities(self, step: Any) -> NDArray[np.float32] | None:
        if not getattr(step, "has_velocities", False):
            return None
        velocities = np.array(step.velocities, dtype=np.float32)
        if self.kind.name == "DATA":  # MDAnalysis takes them for angstrom a femtosecond
            if self._units is None:
                return None
            velocities *= 1e-3 * self._units[1]
        return velocities if np.isfinite(velocities).all() else None

    def _frame_time(self) -> float | None:
        if self.n_frames < 2 or self.kind.name in _MODELS_WITHOUT_TIMES:
            return None
        if self._pdb is not None:
            return self._pdb.frame_time_ps
        if self._dcd is not None:
            time = self._dcd.frame_time_ps
            return None if time is None else float(f"{time:.6g}")
        with mdanalysis(self.path) as caught:
            if self.kind.name in _TIMES_ALONE:
                time = float(self._reader[1].time) - float(self._reader[0].time)
            else:
                time = float(self._reader.dt)
            if self.kind.name in _ROUNDED_TIMES:
                begin, end = float(self._reader[0].time), self._last_time()
                if end is not None:
                    self._late = LateTimes.of(begin, end, int(self._reader.n_frames), time)
                time = self._late.frame_time_ps if self._late else time
        # MDAnalysis takes 1 ps where a file has no times.
        invented = any("no dt information" in str(one.message) for one in caught)
        if invented or not math.isfinite(time):
            return None
        return float(f"{time:.6g}")  # files hold it in single precision

    def _last_time(self) -> float | None:
        if self.kind.name in _XDR:
            return self._last_clock[1] if self._last_clock else None
        return float(self._reader[self.n_frames - 1].time)

    def _notes(self) -> tuple[str, ...]:
        notes = [cut_short(self.path, self.n_frames)] if self._cut else []
        clock = self._last_clock
        if clock and clock[0] == clock[1] >= self._reader.n_frames > 1:
            notes.append(
                f"{self.path.name} counts 1 ps a step, as GROMACS' minimisations do: such "
                "frames are no motion"
            )
        notes += self._pdb.notes if self._pdb is not None else ()
        if left_out := self._models_left_out:
            notes.append(other_models_note(self.path, left_out, left_out + self.n_frames))
        if self.kind.name == "DATA" and self._units is None and self._reader.ts.has_velocities:
            notes.append(
                f"{self.path.name} does not name its units: its velocities are not used, and "
                "lengths are taken for angstrom"
            )
        if self._dcd is not None and self._dcd.unsaid:
            notes.append(
                f"{self.path.name} does not say who wrote it: its time step of "
                f"{self._dcd.time_step:g} is taken for femtoseconds, as LAMMPS writes it"
            )
        return tuple(notes)


def _first_cell(path: Path) -> NDArray[np.float64] | None:
    """Edges (3, 3) of the cell before the models of a PDB, which MDAnalysis passes over."""
    from MDAnalysis.lib.mdamath import triclinic_vectors
    from MDAnalysis.lib.util import anyopen

    with mdanalysis(path), anyopen(str(path), "rt") as file:
        for line in file:
            if line.startswith(("MODEL", "ATOM", "HETATM")):
                break
            if line.startswith("CRYST1"):
                try:
                    sizes = [float(line[a:b]) for a, b in pairwise(_CELL_COLUMNS)]
                except ValueError:
                    break
                says_none = sizes == [1, 1, 1, 90, 90, 90]
                return None if says_none else triclinic_vectors(sizes, dtype=np.float64)
    return None


_MDA_NAMES = {"GROMOS": "TRC", "BCIF": "MMCIF"}
"""What MDAnalysis calls a format, where the name is another."""


def mda_name(kind: Readable) -> str:
    """What MDAnalysis calls a format."""
    return _MDA_NAMES.get(kind.name, kind.name)


def mda_options(path: Path, kind: Readable) -> dict[str, Any]:
    """What MDAnalysis must be told of a file.

    Columns of a LAMMPS data file, by its style, and where GROMACS keeps its force fields.
    """
    if kind.name == "ITP":
        return {"include_dir": str(folder)} if (folder := force_fields()) else {}
    if kind.name != "DATA":
        return {}
    from MDAnalysis.lib.util import anyopen

    with mdanalysis(path, kind.mends()), anyopen(str(path), "rb") as file:
        columns = atom_columns(file.read(_BLOCK))
    return {"atom_style": columns} if columns else {}


def mda_source(path: Path, kind: Readable) -> Any:
    """What MDAnalysis is given to read: the file's name, or what the file says in its language."""
    if kind.name == "PDB":
        return _pdb_source(path, read_models(path))
    if kind.name != "BCIF":
        return str(path)
    from MDAnalysis.lib.util import NamedStream

    return NamedStream(StringIO(mmcif_of(path)), f"{path}.cif")


def _pdb_source(path: Path, models: PdbModels) -> Any:
    if models.text is None:
        return str(path)
    from MDAnalysis.lib.util import NamedStream

    return NamedStream(StringIO(models.text), str(path))


def _reader_of(kind: Readable) -> Any:
    from MDAnalysis.coordinates.core import get_reader_for

    if kind.name in ("XTC", "TRR", "TNG", "H5MD"):
        return partial(ChildReader, kind.name)
    return get_reader_for("", mda_name(kind))
