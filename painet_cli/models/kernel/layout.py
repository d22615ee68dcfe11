"""How windows become the columns of a kernel, and which group each column is of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.config.models import KernelMember
from painet_cli.models.kernel.parts import Skeleton, divide, mirror_of, parents


@dataclass(frozen=True, eq=False)
class Layout:
    """Columns of a kernel: every coordinate about the centroid and, where asked for, along bones.

    Attributes
    ----------
    parent
        (N,) particle that a bone begins at; (0,) where bones are not read.
    mean, scale
        (D,) what is taken off a column, and what it is divided by: one number for all of a kind.
    group
        (D,) group of every column: a part of the body, a kind of input, about the centroid or along
        bones.
    kind
        (G,) 0 positions, 1 velocities, 2 the past.
    mirror
        (G,) group on the other side, or itself.
    """

    parent: Tensor
    mean: Tensor
    scale: Tensor
    group: Tensor
    kind: Tensor
    mirror: Tensor

    def columns(self, inputs: Tensor) -> Tensor:
        """(S, D) float64 from (S, K, N, 3)."""
        return (along_bones(inputs, self.parent) - self.mean) / self.scale


def along_bones(inputs: Tensor, parent: Tensor) -> Tensor:
    """(S, D) coordinates as they are, and less those of the parent; a root keeps its own."""
    if not len(parent):
        return inputs.flatten(1)
    own = torch.arange(len(parent), device=parent.device)
    hangs = (parent != own)[:, None].to(inputs)
    bones = inputs - hangs * inputs.index_select(-2, parent)
    return torch.cat([inputs.flatten(1), bones.flatten(1)], dim=1)


def lay_out(inputs: Tensor, skeleton: Skeleton, member: KernelMember) -> Layout:
    """Layout of the columns of training windows (S, K, N, 3).

    Raises
    ------
    RequestError
        The particles have not the parts that are asked for.
    """
    device, (_, count, particles, _) = inputs.device, inputs.shape
    part = divide(skeleton, member.groups)
    parent = parents(skeleton)[0] if member.bones else np.zeros(0, dtype=np.int64)
    of_input = np.array([0, 1, *[2] * (count - 2)])
    references, kinds, parts = 1 + member.bones, int(of_input.max()) + 1, int(part.max()) + 1
    blocks = np.arange(references)[:, None] * kinds + of_input  # (R, K)
    group = blocks[..., None] * parts + part
    columns = np.repeat(group.reshape(-1), 3)
    mirror = (np.arange(references * kinds)[:, None] * parts + mirror_of(part, skeleton)).ravel()
    kind = np.repeat(np.tile(np.arange(kinds), references), parts)

    def there(values: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(values.astype(np.int64)).to(device)

    raw = along_bones(inputs, there(parent))
    mean = raw.mean(dim=0)
    variance = (raw - mean).square().mean(dim=0)
    block = there(np.repeat(blocks.reshape(-1), particles * 3))
    of_block = torch.stack([variance[block == b].mean() for b in range(references * kinds)])
    scale = torch.where(of_block > 0, of_block, 1.0).sqrt()[block]
    return Layout(there(parent), mean, scale, there(columns), there(kind), there(mirror))
