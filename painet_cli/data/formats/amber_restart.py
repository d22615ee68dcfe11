"""AMBER's restart files: one frame with its velocities, as text (`rst7`) or NetCDF (`ncrst`).

Formats: https://ambermd.org/FileFormats.php, https://ambermd.org/netcdf/nctraj.xhtml
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.frame import Frame, FrameReader
from painet_cli.errors import RequestError
from painet_cli.storage.archives import DAMAGED, read_bytes

VELOCITY_UNIT = 20.455
"""Angstrom a picosecond in AMBER's unit of velocity."""
_WIDTH = 12
_SHORTEST, _SHARPEST = 3.0, 5.0
"""Angstrom and degrees of a box; a velocity is hardly 3 of AMBER's units (hydrogen has 0.8 at
300 K), and six are not all that fast."""
_LENGTHS = 3
"""Numbers of a box without its angles, which AMBER takes from the topology."""
_HDF5 = b"\x89HDF"
_NONE = np.zeros(0)


class RestartReader(FrameReader):
    """The frame of a restart file; see `FrameReader`.

    Raises
    ------
    RequestError
        It is no restart file, or was cut short.
    """

    n_frames = 1

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            start = file.read(4)
        if start == _HDF5:
            raise RequestError(
                f"{path}: NetCDF in HDF5, which is not read",
                "write it as NetCDF 3: `nccopy -k classic`, or as text with cpptraj",
            )
        self._frame, sizes = _netcdf(path) if start[:3] == b"CDF" else _text(path)
        if sizes == _LENGTHS:
            self.notes = (
                f"{path.name} has three lengths of its box and no angles: they are taken for 90 "
                "degrees",
            )
        self.n_atoms = len(self._frame.positions)

    def __getitem__(self, number: int) -> Frame:
        """Return the frame, whose number is 0."""
        return self._frame


def _netcdf(path: Path) -> tuple[Frame, int]:
    from scipy.io import netcdf_file

    hint = "expected an AMBER restart file: coordinates (atom, spatial) in NetCDF"
    try:
        # from memory: no more is read than there is, whatever the file says of itself
        with netcdf_file(BytesIO(read_bytes(path)), mmap=False) as file:
            held: dict[str, NDArray[Any]] = {
                name: np.atleast_1d(np.array(variable.data, dtype=np.float64))
                for name, variable in file.variables.items()
                if variable.data.dtype.kind in "fi"
            }
            scale = float(getattr(file.variables.get("velocities"), "scale_factor", 1.0))
    except (*DAMAGED, LookupError) as error:
        raise RequestError(f"{path}: damaged, or no NetCDF of version 3", hint) from error
    x = held.get("coordinates", _NONE)
    if x.ndim != 2 or x.shape[1] != 3 or not len(x):
        raise RequestError(f"{path}: holds no frame of coordinates", hint)
    velocities = held.get("velocities")
    if velocities is not None and velocities.shape != x.shape:
        raise RequestError(f"{path}: velocities of {len(velocities)} atoms, not {len(x)}", hint)
    sizes = [*held.get("cell_lengths", _NONE).flat, *held.get("cell_angles", _NONE).flat]
    time = held.get("time", _NONE).ravel()
    return _frame(
        x,
        None if velocities is None else velocities * scale,
        sizes,
        float(time[0]) if len(time) else 0.0,
    )


def _text(path: Path) -> tuple[Frame, int]:
    lines = read_bytes(path).decode("latin-1").splitlines()
    hint = "expected an AMBER restart file: a title, the number of atoms, six numbers a line"
    said = lines[1].split() if len(lines) > 1 else []
    is_count = bool(said) and said[0].isdecimal() and len(said[0]) < 10
    if not is_count or not 0 < int(said[0]) <= 2 * len(lines):
        raise RequestError(f"{path}:2: not a number of atoms", hint)
    count, rows = int(said[0]), (int(said[0]) + 1) // 2
    values: list[float] = []
    for k, line in enumerate(lines[2:], start=3):
        text = line.rstrip()
        try:
            values += [float(text[at : at + _WIDTH]) for at in range(0, len(text), _WIDTH)]
        except ValueError:
            raise RequestError(f"{path}:{k}: {text[:40]!r} are no coordinates", hint) from None
    if len(lines) - 2 < rows or len(values) < 3 * count:
        raise RequestError(f"{path}: ends before its {count:,} atoms do", "it was cut short")
    numbers = np.array(values)
    x, rest = numbers[: 3 * count].reshape(-1, 3), numbers[3 * count :]
    velocities = None
    if len(rest) >= 3 * count and not _is_box(rest):  # up to two atoms, six numbers may be a box
        velocities, rest = rest[: 3 * count].reshape(-1, 3) * VELOCITY_UNIT, rest[3 * count :]
    if len(rest) and not _is_box(rest):
        raise RequestError(
            f"{path}: {len(rest)} numbers follow its {count:,} atoms, neither velocities nor a box",
            "it was cut short, or has a line too many",
        )
    try:
        time = float(said[1]) if len(said) > 1 else 0.0
    except ValueError:
        raise RequestError(f"{path}:2: {said[1][:40]!r} is no time", hint) from None
    return _frame(x, velocities, list(rest[:6]), time)


def _is_box(numbers: NDArray[np.float64]) -> bool:
    """Whether numbers are lengths and angles of a box, or its lengths, and no velocities."""
    lengths, angles = numbers[:3], numbers[3:]
    return (
        len(numbers) in (3, 6)
        and bool((lengths >= _SHORTEST).all() or not lengths.any())
        and bool((angles > _SHARPEST).all())
    )


def _frame(
    x: NDArray[np.float64],
    velocities: NDArray[np.float64] | None,
    sizes: list[float],
    time_ps: float,
) -> tuple[Frame, int]:
    """The frame, and how many numbers say its box."""
    box, said = None, len(sizes) if any(sizes[:3]) else 0
    sizes = [*sizes, 90.0, 90.0, 90.0] if said == _LENGTHS else sizes
    if len(sizes) == 6:
        from MDAnalysis.lib.mdamath import triclinic_vectors

        box = triclinic_vectors(sizes, dtype=np.float64)
    held = None if velocities is None else velocities.astype(np.float32)
    return Frame(0, x.astype(np.float32), box, time_ps, held), said
