"""Parts of a body that are predicted by kernels of their own, and what is left and right of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_SIDES = (
    (r"^l(?=.)", "r"), (r"^r(?=.)", "l"), (r"^L(?=.)", "R"), (r"^R(?=.)", "L"),
    ("left", "right"), ("right", "left"), ("Left", "Right"), ("Right", "Left"),
    (r"(?<=[_.-])l$", "r"), (r"(?<=[_.-])r$", "l"), (r"(?<=[_.-])L$", "R"), (r"(?<=[_.-])R$", "L"),
)  # fmt: skip
"""How a name on one side becomes the one on the other: lfoot, LeftFoot, foot_l."""


def mirror_partners(names: Sequence[str]) -> NDArray[np.int64] | None:
    """(N,) particle on the other side by its name, or itself; None where no name has a side.

    >>> mirror_partners(["root", "lfoot", "rfoot", "lowerback"]).tolist()
    [0, 2, 1, 3]
    """
    index = {name: number for number, name in enumerate(names)}
    partner = np.arange(len(names))
    for number, name in enumerate(names):
        other = (re.sub(side, to, name, count=1) for side, to in _SIDES)
        found = [index[one] for one in other if one != name and one in index]
        partner[number] = found[0] if found else number
    paired = partner[partner] == np.arange(len(names))
    partner = np.where(paired, partner, np.arange(len(names)))
    return partner if (partner != np.arange(len(names))).any() else None


@dataclass(frozen=True, eq=False)
class Parts:
    """Which part every particle is of.

    Attributes
    ----------
    of
        (N,) part of every particle.
    mirror
        (P,) part on the other side, or itself.
    partner
        (N,) particle on the other side, or itself.
    """

    of: NDArray[np.int64]
    mirror: NDArray[np.int64]
    partner: NDArray[np.int64]


def whole(particles: int) -> Parts:
    """All particles as one part."""
    nothing = np.zeros(particles, dtype=np.int64)
    return Parts(nothing, np.zeros(1, dtype=np.int64), np.arange(particles))


def limbs(
    names: Sequence[str],
    bonds: NDArray[np.int64],  # (2, E)
) -> Parts | None:
    """Trunk and limbs of a skeleton whose names have sides; None of another.

    A limb is what hangs together on one side, less the joint by which it hangs on the trunk.
    """
    partner = mirror_partners(names)
    if partner is None:
        return None
    sided = partner != np.arange(len(names))
    left, right = bonds
    inside = sided[left] & sided[right]
    count = len(names)
    joined = coo_array((np.ones(inside.sum()), (left[inside], right[inside])), shape=(count, count))
    _, component = connected_components(joined, directed=False)
    at_trunk = np.zeros(count, dtype=bool)
    at_trunk[left[~sided[right]]] = at_trunk[right[~sided[left]]] = True
    hangs = sided & ~at_trunk
    kept = sorted({int(one) for one in component[hangs]})
    of = np.array([1 + kept.index(c) if h else 0 for c, h in zip(component, hangs, strict=True)])
    mirror = np.zeros(1 + len(kept), dtype=np.int64)
    mirror[of] = of[partner]
    return Parts(of, mirror, partner)
