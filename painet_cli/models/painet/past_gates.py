"""What of the past a particle's motion goes on with, where windows tell of it."""

from __future__ import annotations

import torch
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.models.layers.message_passing import TwoLayers


class PastGates(TwoLayers):
    """Multiples of the displacements of the past, from embeddings; near zero at first.

    Parameters
    ----------
    hidden
        d, width of the embeddings.
    history
        H, frames before the start.
    """

    def __init__(self, hidden: int, history: int) -> None:
        super().__init__(hidden, hidden, history)
        self.begin_near(0.0)

    def share(
        self,
        embeddings: Tensor,  # (T, M, d)
        batch: Batch,
    ) -> Tensor:  # (T, M, 3)
        """What every particle and step takes of the past."""
        gates = self(embeddings.flatten(0, 1)).view(*embeddings.shape[:2], -1)
        return torch.einsum("tmk,kmc->tmc", gates, batch.known_past(gates.shape[-1]))
