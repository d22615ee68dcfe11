"""EGNN with velocities: equivariant message passing by distances.

Satorras et al. 2021 (https://arxiv.org/abs/2102.09844, section 3.2), as the authors' code has it.
What differs: a message's pull is bounded by a multiple of its edge and not along each axis, which
the symmetry would not survive; and T steps can be asked for, where the paper predicts one.
"""

from __future__ import annotations

from torch import Tensor, nn

from painet_cli.config.models import EgnnConfig
from painet_cli.config.presets import Preset
from painet_cli.data.batches.graph import Graph
from painet_cli.models.base import SystemSpec
from painet_cli.models.baselines.published import ParallelSteps
from painet_cli.models.features import Features
from painet_cli.models.layers.message_passing import EquivariantLayer


class EgnnCore(nn.Module):
    r"""The published network, on raw lengths and velocities.

    .. math::
        m_{ij} &= \phi_m(h_i, h_j, |x_i - x_j|^2, a_{ij}) \\
        x_i &\leftarrow x_i + \phi_v(h_i)\, v_i^{(0)}
            + \tfrac{1}{|N(i)|} \sum_j (x_i - x_j)\, \phi_x(m_{ij}) \\
        h_i &\leftarrow h_i + \phi_h(h_i, \textstyle\sum_j m_{ij})

    The velocity is the given one in every layer.

    Parameters
    ----------
    node_width, edge_width
        Widths of the invariants of particles and edges.
    hidden
        Width of the embeddings.
    layers
        Message-passing layers.
    """

    def __init__(self, node_width: int, edge_width: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.embed = nn.Linear(node_width, hidden)
        self.layers = nn.ModuleList(
            EquivariantLayer(hidden, edge_width, last=layer == layers - 1)
            for layer in range(layers)
        )

    def forward(
        self,
        nodes: Tensor,  # (M, node_width)
        x: Tensor,  # (M, 3)
        v: Tensor,  # (M, 3)
        a: Tensor,  # (E, edge_width)
        graph: Graph,
    ) -> Tensor:  # (M, 3)
        """Predicted positions, (M, 3)."""
        h = self.embed(nodes)
        for layer in self.layers:
            h, x = layer(h, x, v, a, graph)
        return x


class Egnn(ParallelSteps):
    """EGNN on the features of a preset, once for every step to predict."""

    Config = EgnnConfig
    keeps = "shift, rotation, reflection"
    takes_types = True

    @classmethod
    def build(cls, config: EgnnConfig, preset: Preset, system: SystemSpec) -> Egnn:
        """Model of a preset."""
        features, horizon = Features(preset.features, system), preset.data.horizon
        width = cls.node_width(features, horizon)
        core = EgnnCore(width, features.edge_width, config.hidden, config.layers)
        return cls(features, core, horizon)
