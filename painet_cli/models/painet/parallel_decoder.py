"""PAINET's decoder: layers of EGNN on all T steps at once, with time and batch as one axis."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from painet_cli.config.models import PainetConfig
from painet_cli.config.schema import Activations
from painet_cli.data.batches.batch import Batch
from painet_cli.models.features import Features
from painet_cli.models.layers.message_passing import EquivariantLayer


class StraightLayers(nn.ModuleList):
    """Layers of EGNN that together start from straight motion, each with its share.

    Parameters
    ----------
    config
        Their number and width.
    edge_width
        Width of the edge features.
    """

    def __init__(self, config: PainetConfig, edge_width: int) -> None:
        layers = [
            EquivariantLayer(config.hidden, edge_width, last=layer == config.layers - 1)
            for layer in range(config.layers)
        ]
        for layer in layers:
            layer.start_straight(1 / config.layers)
        super().__init__(layers)


class ParallelDecoder(StraightLayers):
    """Positions of all T steps in parallel (equation 10); itself the list of its layers."""

    def forward(
        self,
        embeddings: Tensor,  # (T, M, d)
        batch: Batch,
        features: Features,
        activations: Activations,
    ) -> Tensor:  # (T, M, 3)
        """Positions of all T steps, each from the start.

        Parameters
        ----------
        activations
            What is kept for gradients: all of it, or all but the edges', which are computed again;
            with `stepwise` a layer runs again as a whole.
        """
        horizon = embeddings.shape[0]
        graph = batch.graph.repeat(horizon)
        h = embeddings.flatten(0, 1)
        x, v = (
            batch.positions.repeat(horizon, 1),
            (features.time * batch.velocities).repeat(horizon, 1),
        )
        a = features.edges(batch).repeat(horizon, 1)
        recompute = activations != "keep"
        by_layer = activations == "stepwise" and torch.is_grad_enabled()
        for layer in self:
            given = (h, x, v, a, graph, features.length)
            h, x = (
                checkpoint(
                    layer, *given, recompute=True, use_reentrant=False, preserve_rng_state=False
                )
                if by_layer
                else layer(*given, recompute=recompute)
            )
        return x.view(horizon, -1, 3)
