"""Frames that follow each other too smoothly to be as far apart in time as they are said to be.

Bonds vibrate within 10 to 40 fs, so that their lengths in frames 100 fs apart have nothing to do
with each other: of AdK's backbone in three biased runs, the correlation of one frame with the next
is below 0.02 in amount, in a fourth -0.19; of ethanol's eight bonds, every 100 to 450 fs, at most
0.34. At 1 fs it is 0.89, at 2 fs 0.62.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.lengths import bond_lengths
from painet_cli.data.units import time_text

LOOKED_AT = 64
"""Frames that are enough to tell."""
_SHORTEST_S = 1e-13
_CORRELATED = 0.55
_FEWEST_FRAMES, _FEWEST_BONDS = 20, 6
_RIGID = 0.005
"""Angstrom that lengths of constrained bonds spread by, and rounding makes."""
_LONGEST = 2.5
"""Angstrom; what is longer is no bond, or cut by the periodic box."""


def smooth_note(
    where: str,
    frames: NDArray[np.floating],  # (F, N, 3)
    bonds: NDArray[np.int64],  # (B, 2)
    frame_time_s: float | None,
) -> str:
    """Say that frames cannot be as far apart in time as said; empty where they may be.

    Parameters
    ----------
    where
        What sentences call the file.
    frames
        (F, N, 3), angstrom, consecutive.
    bonds
        (B, 2) pairs of the particles.
    """
    enough = len(frames) >= _FEWEST_FRAMES and len(bonds) >= _FEWEST_BONDS
    if not enough or frame_time_s is None or frame_time_s < _SHORTEST_S:
        return ""
    lengths = bond_lengths(frames[-LOOKED_AT:], bonds)  # (F, B)
    variance = lengths.var(axis=0)
    chosen = (variance > _RIGID**2) & (lengths.max(axis=0) < _LONGEST)
    if chosen.sum() < _FEWEST_BONDS:
        return ""
    steps = np.square(np.diff(lengths[:, chosen], axis=0)).mean(axis=0)
    correlation = 1 - steps.sum() / (2 * variance[chosen].sum())
    if correlation < _CORRELATED:
        return ""
    return (
        f"{where}: lengths of bonds go on smoothly from frame to frame, as over one or two "
        f"femtoseconds, and not over {time_text(frame_time_s)}: the time between frames is wrong, "
        "or they are interpolated"
    )
