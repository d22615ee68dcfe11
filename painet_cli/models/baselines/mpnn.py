"""Plain message passing: a network that knows nothing of symmetry.

Gilmer et al. 2017 (https://arxiv.org/abs/1704.01212), in the form that EGNN's authors compare with
(https://arxiv.org/abs/2102.09844, section 5.1, "GNN").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from painet_cli.config.models import MpnnConfig
from painet_cli.config.presets import Preset
from painet_cli.data.batches.graph import Graph
from painet_cli.models.base import SystemSpec
from painet_cli.models.baselines.published import OneStepModel
from painet_cli.models.features import Features
from painet_cli.models.layers.message_passing import MessageLayer, TwoLayers, sum_at_targets


class MpnnLayer(MessageLayer):
    r"""One round of messages.

    .. math::
        h_i \leftarrow h_i + \phi_h(h_i, \textstyle\sum_j \phi_m(h_i, h_j, a_{ij}))

    Parameters
    ----------
    hidden
        Width of h and of the messages.
    edge_width
        Width of a_ij.
    """

    def __init__(self, hidden: int, edge_width: int) -> None:
        super().__init__(hidden, edge_width)
        self.update = TwoLayers(2 * hidden, hidden, hidden)

    def forward(
        self,
        h: Tensor,  # (M, hidden)
        a: Tensor,  # (E, edge_width)
        graph: Graph,
    ) -> Tensor:  # (M, hidden)
        """Embeddings after the layer, (M, hidden)."""
        heard = sum_at_targets(self.messages(h, a, graph), graph)
        updated: Tensor = h + self.update(h, heard)
        return updated


class MpnnCore(nn.Module):
    """The published network: embedding of [x, v], messages, and positions read off.

    Parameters
    ----------
    edge_width
        Width of the invariants of edges.
    hidden
        Width of the embeddings.
    layers
        Message-passing layers.
    """

    def __init__(self, edge_width: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.embed = nn.Linear(6, hidden)
        self.layers = nn.ModuleList(MpnnLayer(hidden, edge_width) for _ in range(layers))
        self.read = TwoLayers(hidden, hidden, 3)

    def forward(
        self,
        x: Tensor,  # (M, 3)
        v: Tensor,  # (M, 3)
        a: Tensor,  # (E, edge_width)
        graph: Graph,
    ) -> Tensor:  # (M, 3)
        """Predicted positions, (M, 3)."""
        h = self.embed(torch.cat([x, v], dim=-1))
        for layer in self.layers:
            h = layer(h, a, graph)
        predicted: Tensor = self.read(h)
        return predicted


class Mpnn(OneStepModel):
    """Message passing on raw positions and velocities; predicts one step.

    Its output is the positions themselves, not how far they moved: neither a turn nor a shift of
    its systems carries over to it.
    """

    Config = MpnnConfig
    keeps = "nothing"
    takes_types = True

    @classmethod
    def build(cls, config: MpnnConfig, preset: Preset, system: SystemSpec) -> Mpnn:
        """Model of a preset."""
        features = Features(preset.features, system)
        return cls(features, MpnnCore(features.edge_width, config.hidden, config.layers))
