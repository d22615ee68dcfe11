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
from painet_cli.data.particles.names import AXES
from painet_cli.errors import RequestError

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
        """Every system under the symmetry chosen for it; edges by distance stay as they were."""
        device = batch.positions.device
        partners, signs = self.partners[which].to(device), self.signs[which].to(batch.positions)
        count, n = partners.shape
        rows = (torch.arange(count, device=device)[:, None] * n + partners).flatten()
        sign = signs.repeat_interleave(n, dim=0)

        def seen(vectors: Tensor) -> Tensor:
            return vectors.index_select(-2, rows) * sign

        return replace(
            batch,
            positions=seen(batch.positions),
            velocities=seen(batch.velocities),
            targets=None if batch.targets is None else seen(batch.targets),
            past=None if batch.past is None else seen(batch.past),
        )


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
