"""Parts of a body: its trunk and limbs, their segments, what is left and right, and its bones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from painet_cli.data.batches.symmetries import mirror_partners
from painet_cli.errors import RequestError

Division = Literal["whole", "limbs", "segments", "types"]
_LONG = 2  # joints of a limb that are segments of their own; those beyond are one together


@dataclass(frozen=True, eq=False)
class Skeleton:
    """What is known of the particles of a system.

    Attributes
    ----------
    names
        (N,) names; empty where they are not known.
    types
        (N,) types.
    bonds
        (2, E) bonded pairs, both ways.
    """

    names: tuple[str, ...]
    types: NDArray[np.int64]
    bonds: NDArray[np.int64]

    @property
    def partner(self) -> NDArray[np.int64] | None:
        """(N,) particle on the other side, or itself; None where nothing has a side."""
        return mirror_partners(self.names) if self.names else None

    def neighbours(self) -> list[set[int]]:
        """Bonded particles of each."""
        found: list[set[int]] = [set() for _ in self.types]
        for one, other in self.bonds.T.tolist():
            found[one].add(other)
            found[other].add(one)
        return found


def parents(skeleton: Skeleton) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(N,) particle that each hangs on, counted from the first, or itself; and (N,) bonds to it."""
    count = len(skeleton.types)
    one, other = skeleton.bonds
    joined = coo_array((np.ones(len(one)), (one, other)), shape=(count, count)).tocsr()
    order, before = breadth_first_order(joined, 0, directed=False)
    parent, depth = np.arange(count), np.zeros(count, dtype=np.int64)
    for particle in order[1:]:
        parent[particle] = before[particle]
        depth[particle] = depth[before[particle]] + 1
    return parent, depth


def divide(skeleton: Skeleton, division: Division) -> NDArray[np.int64]:
    """(N,) part of each particle.

    `limbs` are the trunk and what hangs together on one side, less the joint by which it hangs on
    the trunk; `segments` divide these further: the first joints of a limb, the rest of it, the
    trunk's joints that limbs hang on, and what is between them; `types` are the types.

    Raises
    ------
    RequestError
        No name has a left and right, and these tell the parts.
    """
    if division == "whole":
        return np.zeros(len(skeleton.types), dtype=np.int64)
    if division == "types":
        return np.unique(skeleton.types, return_inverse=True)[1].astype(np.int64)
    partner = skeleton.partner
    if partner is None:
        raise RequestError(
            f"model kernel: {division} are told by particles whose names have a left and a right, "
            "and these have none",
            "divide by `whole` or `types`",
        )
    limb = _limbs(skeleton, partner != np.arange(len(partner)))
    return limb if division == "limbs" else _segments(skeleton, limb, partner)


def mirror_of(part: NDArray[np.int64], skeleton: Skeleton) -> NDArray[np.int64]:
    """(P,) part on the other side of each, or itself."""
    mirror = np.arange(int(part.max()) + 1)
    if skeleton.partner is not None:
        mirror[part] = part[skeleton.partner]
    return mirror


def _limbs(skeleton: Skeleton, sided: NDArray[np.bool_]) -> NDArray[np.int64]:
    near = skeleton.neighbours()
    hangs = sided & np.array([all(sided[k] for k in others) for others in near])
    return _components(skeleton, hangs)


def _components(skeleton: Skeleton, among: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(N,) 0 outside, and 1, 2, ... for what hangs together among some particles."""
    one, other = skeleton.bonds
    inside, count = among[one] & among[other], len(among)
    joined = coo_array((np.ones(inside.sum()), (one[inside], other[inside])), shape=(count, count))
    _, component = connected_components(joined, directed=False)
    kept = {c: k + 1 for k, c in enumerate(dict.fromkeys(component[among].tolist()))}
    return np.array([kept[c] if a else 0 for c, a in zip(component, among, strict=True)])


def _segments(
    skeleton: Skeleton, limb: NDArray[np.int64], partner: NDArray[np.int64]
) -> NDArray[np.int64]:
    near, count = skeleton.neighbours(), len(limb)
    key: list[tuple[int, int]] = [(0, 0)] * count
    for part in range(1, int(limb.max()) + 1):
        inside = {int(k) for k in np.flatnonzero(limb == part)}
        reached = [k for k in inside if near[k] - inside]  # where it hangs on the trunk
        steps = dict.fromkeys(reached, 0)
        while reached:
            last = reached.pop(0)
            for following in sorted(near[last] & inside - steps.keys()):
                steps[following] = steps[last] + 1
                reached.append(following)
        for particle, far in steps.items():
            key[particle] = (part, min(far, _LONG))
    trunk = limb == 0
    sided = partner != np.arange(count)
    for particle in np.flatnonzero(trunk & ~sided).tolist():
        joints = {k for k in near[particle] if trunk[k] and sided[k]}
        if joints:
            for member in {particle, *joints}:
                key[member] = (-1 - particle, 0)
    between = _components(skeleton, trunk & np.array([k == (0, 0) for k in key]))
    key = [(0, int(b)) if b else k for k, b in zip(key, between, strict=True)]
    number = {one: k for k, one in enumerate(dict.fromkeys(key))}
    return np.array([number[one] for one in key])
