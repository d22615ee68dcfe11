"""Extended XYZ: a molecule's motion as text, with times and velocities.

Format: https://github.com/libAtoms/extxyz; velocities (`velo`) are in angstrom a femtosecond there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.units import FEMTOSECOND


def write_extxyz(
    file: TextIO,
    symbols: Sequence[str],
    frames: NDArray[np.floating],  # (F, N, 3)
    times_s: NDArray[np.float64],  # (F,)
    velocities: NDArray[np.float64] | None,  # (F, N, 3)
    box: NDArray[np.floating] | None,  # (3, 3)
    *,
    origin: NDArray[np.floating] | None = None,  # (3,)
    sigma: NDArray[np.float64] | None = None,  # (F, N)
    **about: str | int,
) -> None:
    """Append frames to an open file.

    Parameters
    ----------
    symbols
        (N,) elements.
    frames
        (F, N, 3) in angstrom.
    times_s
        (F,) times of the frames, written in femtoseconds.
    velocities
        (F, N, 3) in angstrom a second.
    box
        (3, 3) edges of the periodic box, angstrom, zero along which it is open.
    origin
        (3,) corner of the box, angstrom, by default 0; written as OVITO writes and reads it.
    sigma
        (F, N) radii that positions are known to, in angstrom.
    about
        What else the line of comment says of every frame, in words without blanks.
    """
    columns = "species:S:1:pos:R:3" + (":velo:R:3" if velocities is not None else "")
    columns += ":sigma:R:1" if sigma is not None else ""
    row = "%-2s" + " %16.8f" * (3 + 3 * (velocities is not None) + (sigma is not None))
    periodic = 'pbc="F F F"'
    if box is not None:
        edges = " ".join(f"{value:.6f}" for value in np.ravel(box))
        closed = " ".join("T" if edge.any() else "F" for edge in box)
        periodic = f'Lattice="{edges}" pbc="{closed}"'
        if origin is not None and origin.any():
            periodic += f' Origin="{origin[0]:.6f} {origin[1]:.6f} {origin[2]:.6f}"'
    said = "".join(f" {key}={value}" for key, value in about.items())
    for index, positions in enumerate(frames):
        table = positions.astype(np.float64)
        if velocities is not None:
            table = np.concatenate([table, velocities[index] * FEMTOSECOND], axis=1)
        if sigma is not None:
            table = np.concatenate([table, sigma[index][:, None]], axis=1)
        time = f"{times_s[index] / FEMTOSECOND:.14g}"
        file.write(
            f"{len(symbols)}\nProperties={columns} Time={time}{said} step={index} "
            f'units="A fs" {periodic}\n'
        )
        rows = zip(symbols, table.tolist(), strict=True)
        file.writelines(f"{row % (symbol, *numbers)}\n" for symbol, numbers in rows)
