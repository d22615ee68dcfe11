"""Shares of a human body's mass by the names of its joints, as motion-capture skeletons have them.

After Dempster 1955 (Space requirements of the seated operator, WADC-TR-55-159), rounded; the mass
of a segment is spread evenly over the joints named with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SEGMENTS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.15, ("root", "lhipjoint", "rhipjoint")),
    (0.15, ("lowerback", "upperback")),
    (0.20, ("thorax", "lowerneck", "lclavicle", "rclavicle")),
    (0.08, ("upperneck", "head")),
    (0.18, ("lfemur", "rfemur")),
    (0.10, ("ltibia", "rtibia")),
    (0.04, ("lfoot", "ltoes", "rfoot", "rtoes")),
    (0.045, ("lhumerus", "rhumerus")),
    (0.035, ("lradius", "rradius")),
    (0.02, tuple(side + j for side in "lr" for j in ("wrist", "hand", "fingers", "thumb"))),
)
_SHARES = {name: share / len(names) for share, names in _SEGMENTS for name in names}


def mass_shares(names: Sequence[str]) -> NDArray[np.float64]:
    """(N,) share of the mass of each particle; equal ones where a name is none of a skeleton's.

    >>> mass_shares(["root", "head"]).round(2).tolist()
    [0.56, 0.44]
    >>> mass_shares(["C1", "head"]).tolist()
    [0.5, 0.5]
    """
    known = bool(names) and all(name in _SHARES for name in names)
    shares = np.array([_SHARES[name] if known else 1.0 for name in names])
    whole: NDArray[np.float64] = shares / shares.sum()
    return whole
