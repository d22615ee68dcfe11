"""Symmetries of a system: exchanges of its particles, and mirrors, that make other true motions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.dataset.manifest import Manifest
from painet_cli.data.particles.bonds import neighbours
from painet_cli.data.particles.names import AXES
from painet_cli.errors import RequestError

_SIDES = (
    (r"^l(?=.)", "r"), (r"^r(?=.)", "l"), (r"^L(?=.)", "R"), (r"^R(?=.)", "L"),
    ("left", "right"), ("right", "left"), ("Left", "Right"), ("Right", "Left"),
    (r"(?<=[_.-])l$", "r"), (r"(?<=[_.-])r$", "l"), (r"(?<=[_.-])L$", "R"), (r"(?<=[_.-])R$", "L"),
)  # fmt: skip
"""How a name on one side becomes the one on the other: lfoot, LeftFoot, foot_l."""


MOST = 48
"""Most exchanges of particles that training windows are multiplied by."""
_TETRAHEDRAL = 4  # neighbours of a particle that has a handedness
_MOST_TRIED = 20_000


def mirror_partners(names: Sequence[str]) -> NDArray[np.int64] | None:
    """(N,) particle on the other side by its name, or itself; None where no name has a side.

    >>> mirror_partners(["root", "lfoot", "rfoot", "lowerback"]).tolist()
    [0, 2, 1, 3]
    """
    index = {name: number for number, name in enumerate(names)}
    own = np.arange(len(names))
    partner = own.copy()
    for number, name in enumerate(names):
        others = (re.sub(side, to, name, count=1) for side, to in _SIDES)
        partner[number] = next((index[o] for o in others if o != name and o in index), number)
    partner = np.where(partner[partner] == own, partner, own)
    return partner if (partner != own).any() else None


@dataclass(frozen=True, eq=False)
class Symmetries:
    """Motions that are as true as the one that was seen; the first changes nothing.

    Attributes
    ----------
    partners
        (K, N) particle whose place each takes.
    signs
        (K, 3) what coordinates are multiplied by.
    """

    partners: Tensor
    signs: Tensor

    def __len__(self) -> int:
        return len(self.partners)

    def all_of(self, batch: Batch) -> Iterator[Batch]:
        """The batch under each symmetry."""
        for k in range(len(self)):
            yield self.applied(batch, torch.full((batch.graph.num_systems,), k))

    def applied(
        self,
        batch: Batch,
        which: Tensor,  # (B,)
    ) -> Batch:
        """Every system under the symmetry chosen for it; edges by distance are made anew."""
        device = batch.positions.device
        partners, signs = self.partners[which].to(device), self.signs[which].to(batch.positions)
        count, n = partners.shape
        rows = (torch.arange(count, device=device)[:, None] * n + partners).flatten()
        sign = signs.repeat_interleave(n, dim=0)

        def seen(vectors: Tensor) -> Tensor:
            return vectors.index_select(-2, rows) * sign

        positions = seen(batch.positions)
        return replace(
            batch,
            graph=batch.graph.at(positions),
            positions=positions,
            velocities=seen(batch.velocities),
            targets=None if batch.targets is None else seen(batch.targets),
            past=None if batch.past is None else seen(batch.past),
            prior=None if batch.prior is None else seen(batch.prior),
        )


def molecular_symmetries(
    positions: NDArray[np.floating],  # (N, 3)
    kinds: Sequence[object],
    bonds: Sequence[tuple[int, int]],
) -> Symmetries:
    """Exchanges of equal particles that a molecule undergoes in motion, some of them in a mirror.

    An exchange keeps kinds and bonds. It counts if it keeps the handedness of every particle with
    four neighbours, and with a mirror if it reverses all of them: a methyl group turns, and its
    mirror image is the same molecule.

    Parameters
    ----------
    positions
        A frame that shows the handedness.
    kinds
        What makes particles equal, such as elements.

    Raises
    ------
    RequestError
        There are more than `MOST` of them.
    """
    near = neighbours(bonds, len(kinds))
    centres = [k for k, others in enumerate(near) if len(others) == _TETRAHEDRAL]

    def hand(centre: int, others: Sequence[int]) -> float:
        return float(np.sign(np.linalg.det(positions[list(others[:3])] - positions[centre])))

    found: list[tuple[tuple[int, ...], float]] = []
    for exchange in _automorphisms(kinds, near):
        kept = {
            hand(c, near[c]) * hand(exchange[c], [exchange[k] for k in near[c]]) for c in centres
        }
        found.extend((exchange, sign) for sign in (1.0, -1.0) if kept <= {sign})
    found.sort(key=lambda one: (one[1] < 0, one[0] != tuple(range(len(kinds)))))
    signs = torch.ones(len(found), 3, dtype=torch.float64)
    signs[:, 0] = torch.tensor([sign for _, sign in found], dtype=torch.float64)
    return Symmetries(torch.tensor([exchange for exchange, _ in found]), signs)


def _automorphisms(
    kinds: Sequence[object], near: Sequence[Sequence[int]]
) -> Iterator[tuple[int, ...]]:
    """All exchanges of particles that keep kinds and bonds."""
    count = len(kinds)
    order, seen = list[int](), set[int]()
    for root in range(count):  # one after the other along bonds, so that a wrong turn shows early
        queue = [root]
        while queue:
            particle = queue.pop(0)
            if particle not in seen:
                seen.add(particle)
                order.append(particle)
                queue.extend(near[particle])
    tried = made = 0
    places: list[dict[int, int]] = [{}]
    while places:
        place = places.pop()
        if len(place) == count:
            made += 1
            yield tuple(place[k] for k in range(count))
            continue
        tried += 1
        if tried > _MOST_TRIED or made > MOST:
            raise RequestError(
                f"train.augment: `symmetry` finds more than {MOST} exchanges of equal particles",
                "leave it out of train.augment",
            )
        particle = order[len(place)]
        bonded = {place[k] for k in near[particle] if k in place}
        taken = set(place.values())
        for other in range(count - 1, -1, -1):
            like = kinds[other] == kinds[particle] and len(near[other]) == len(near[particle])
            if like and other not in taken and set(near[other]) & taken == bonded:
                places.append({**place, particle: other})


def mirror_symmetry(manifest: Manifest) -> Symmetries:
    """A body as it is and seen in a mirror, left for right by the names of its particles.

    Raises
    ------
    RequestError
        No particle's name has a left and right.
    """
    partner = mirror_partners(manifest.particles.names)
    if partner is None:
        raise RequestError(
            f"train.augment: `mirror` needs particles with a left and a right in their names, and "
            f"dataset {manifest.name} has none",
            "leave it out of train.augment",
        )
    side = min(axis for axis, name in enumerate(AXES) if name != manifest.up_axis)
    signs = torch.ones(2, 3, dtype=torch.float64)
    signs[1, side] = -1.0
    own = np.arange(len(partner))
    return Symmetries(torch.from_numpy(np.stack([own, partner])), signs)
