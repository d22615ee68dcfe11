"""Bones of predicted skeletons held to the lengths that they have at the start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from painet_cli.data.motion.bvh_writer import parents_of
from painet_cli.data.particles.structure import Structure, rigid_bonds
from painet_cli.models.kernel.bones import paths, with_bones_of
from painet_cli.prediction.inputs.recording import Input


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Rigid bones that hang from a root.

    Attributes
    ----------
    parent
        (N,) particle that each one hangs from, of the root itself.
    path
        (N, N) whether a particle's way to the root goes by another's bone, and that keeps its
        length.
    """

    parent: Tensor
    path: Tensor

    def held(self, start: Tensor, predicted: Tensor) -> Tensor:
        """Predictions (S, T, N, 3) whose bones are as long as at their starts, (S, N, 3).

        The root and the directions of bones are those that were predicted.
        """
        device = predicted.device
        return with_bones_of(start, predicted, self.parent.to(device), self.path.to(device))


def skeleton_of(system: Input, known: Structure | None = None) -> Skeleton | None:
    """The skeleton of recorded motion; None of molecules, and where bonds are no tree.

    Parameters
    ----------
    known
        The system as it was measured in motion: bonds that do not keep their lengths, as between
        markers of two bodies, are no bones.
    """
    bonds, count = system.particles.bonds, len(system.particles.names)
    parents = parents_of(bonds, count)
    if parents is None or not (system.kind == "motion" or system.up_axis is not None):
        return None
    parent, depth = np.arange(count), np.zeros(count, dtype=np.int64)
    for joint, above in parents.items():
        parent[joint], depth[joint] = above, depth[above] + 1
    path = paths(parent, depth)
    if known is not None:
        for (i, j), rigid in zip(bonds, rigid_bonds(known, system.particles), strict=True):
            if not rigid:
                path[:, j if depth[j] > depth[i] else i] = 0.0
    return Skeleton(torch.from_numpy(parent), path)
