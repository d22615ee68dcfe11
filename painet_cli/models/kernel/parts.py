"""Parts of a body that are predicted by kernels of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from painet_cli.data.batches.symmetries import mirror_partners


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
