"""Radial field: forces along the edges, by their lengths.

Köhler et al. 2019 (https://arxiv.org/abs/1910.00753), with the velocity term and the edge features
that EGNN's authors gave it to compare with (https://arxiv.org/abs/2102.09844, section 5.1).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from painet_cli.config.models import RadialFieldConfig
from painet_cli.config.presets import Preset
from painet_cli.data.batches.graph import Graph
from painet_cli.models.base import SystemSpec
from painet_cli.models.baselines.published import OneStepModel
from painet_cli.models.features import Features, displacements, lengths
from painet_cli.models.layers.message_passing import TwoLayers, sum_at_targets


class RadialFieldLayer(nn.Module):
    r"""One push of every particle by its neighbours and along its velocity.

    .. math::
        x_i \leftarrow x_i + \phi_v(|v_i|)\, v_i
            + \tfrac{1}{|N(i)|} \sum_j (x_i - x_j) \tanh \phi(|x_i - x_j|, a_{ij})

    Parameters
    ----------
    hidden
        Width between the two linear maps of phi and of phi_v.
    edge_width
        Width of a_ij.
    """

    def __init__(self, hidden: int, edge_width: int) -> None:
        super().__init__()
        self.force = TwoLayers(1 + edge_width, hidden, 1, bias=False)
        self.drift = TwoLayers(1, hidden, 1)
        self.force.begin_near(0.0)  # the authors' start: hardly a force

    def forward(
        self,
        x: Tensor,  # (M, 3)
        v: Tensor,  # (M, 3)
        a: Tensor,  # (E, edge_width)
        graph: Graph,
    ) -> Tensor:  # (M, 3)
        """Positions after the layer, (M, 3)."""
        apart = displacements(x, graph)
        force = self.force(torch.cat([lengths(apart), a], dim=-1)).tanh()
        pushed = x + sum_at_targets(apart * force, graph) / graph.in_degree
        moved: Tensor = pushed + self.drift(lengths(v)) * v
        return moved


class RadialFieldCore(nn.Module):
    """The published network, on raw lengths and velocities.

    Parameters
    ----------
    edge_width
        Width of the invariants of edges.
    hidden
        Width inside a layer.
    layers
        Layers.
    """

    def __init__(self, edge_width: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(RadialFieldLayer(hidden, edge_width) for _ in range(layers))

    def forward(
        self,
        x: Tensor,  # (M, 3)
        v: Tensor,  # (M, 3)
        a: Tensor,  # (E, edge_width)
        graph: Graph,
    ) -> Tensor:  # (M, 3)
        """Predicted positions, (M, 3)."""
        for layer in self.layers:
            x = layer(x, v, a, graph)
        return x


class RadialField(OneStepModel):
    """Radial field on raw lengths and velocities; predicts one step."""

    Config = RadialFieldConfig
    keeps = "shift, rotation, reflection"
    takes_types = True

    @classmethod
    def build(cls, config: RadialFieldConfig, preset: Preset, system: SystemSpec) -> RadialField:
        """Model of a preset."""
        features = Features(preset.features, system)
        return cls(features, RadialFieldCore(features.edge_width, config.hidden, config.layers))
