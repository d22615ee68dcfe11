"""Several models of one kind as one: the mean of what they predict, and how far they differ."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.by_system import mean_by_system
from painet_cli.models.base import DynamicsModel


class Ensemble(DynamicsModel):
    """The mean of models that were trained from different seeds.

    Parameters
    ----------
    members
        At least two, with the same horizon.
    """

    def __init__(self, members: Sequence[DynamicsModel]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.horizon = members[0].horizon

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Mean of the predicted positions."""
        return self._each(batch).mean(dim=0)

    def deviations(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M)
        """Standard deviation of the members' coordinates.

        A few members tell little of one particle, so half of the variance is that of its system.
        """
        variance = self._each(batch).var(dim=0).mean(dim=-1)  # (T, M)
        whole = mean_by_system(variance.t(), batch.graph).t()
        return ((variance + whole.index_select(1, batch.graph.system)) / 2).sqrt()

    def _each(self, batch: Batch) -> Tensor:  # (K, T, M, 3)
        return torch.stack([member(batch) for member in self.members])
