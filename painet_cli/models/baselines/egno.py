r"""EGNO: EGNN layers and spectral convolutions over time in turn.

Equivariant Graph Neural Operator, Xu et al. 2024 (https://arxiv.org/abs/2401.11037). All T steps
are copies of the start that differ in the embedding of their time; every layer first lets the
steps of a particle hear of each other, then the particles of a step.

The published code's behaviour, also where the paper is silent: the velocity passes through the
convolutions and is what the drift multiplies, and h is replaced, not added to. What differs: the
mean force is bounded by its length and not along each axis, which the symmetry would not survive;
and only parameters that can matter exist. The imaginary parts of mode 0, and of mode T / 2 for even
T, never reach a real signal; nor does the last layer's h reach a position. Modes above T / 2 are
left out, where the published code fails, or at T = 1 ignores them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from painet_cli.config.models import EgnoConfig
from painet_cli.config.presets import Preset
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph
from painet_cli.models.base import SystemSpec
from painet_cli.models.baselines.published import PublishedModel
from painet_cli.models.features import Features, displacements, lengths, squared_lengths
from painet_cli.models.layers.message_passing import MessageLayer, TwoLayers, sum_at_targets
from painet_cli.models.layers.temporal import TimeConvolution, time_embeddings, waves

_LARGEST_FORCE = 100.0  # length unit of the dataset
_VECTOR_SCALE = 0.1  # of a convolution's first weights, for positions and velocities


class Egno(PublishedModel):
    """EGNO on the features of a preset."""

    Config = EgnoConfig
    keeps = "shift, rotation, reflection"
    takes_types = True

    @classmethod
    def build(cls, config: EgnoConfig, preset: Preset, system: SystemSpec) -> Egno:
        """Model of a preset."""
        features, horizon = Features(preset.features, system), preset.data.horizon
        core = EgnoCore(
            features.node_width,
            features.edge_width,
            config.hidden,
            layers=config.layers,
            horizon=horizon,
            modes=config.modes,
            time_width=config.time_width,
        )
        return cls(features, core, horizon)

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3)."""
        graph, x = batch.graph, batch.positions
        graph.check_types(self.features.num_types)
        h, a = self.features.nodes(batch), self.features.edges(batch)
        moved: Tensor
        moved, _, _ = self.core(h, x, batch.velocities, a, graph, centroids(x, graph))
        return moved


class EgnoCore(nn.Module):
    """The published network.

    Parameters
    ----------
    node_width, edge_width
        Widths of the invariants of particles and edges.
    hidden
        Width of h.
    layers
        Pairs of a convolution over time and an EGNN layer.
    horizon
        T, steps.
    modes
        Fourier modes of a convolution, of which those up to T / 2 are kept.
    time_width
        Width of the embedding of a time, even.
    as_published
        Keep the two things of the published code that are left out here: the last layer's update of
        h, on which no position depends, and the bound of the force along each axis.
    """

    def __init__(
        self,
        node_width: int,
        edge_width: int,
        hidden: int,
        *,
        layers: int,
        horizon: int,
        modes: int,
        time_width: int,
        as_published: bool = False,
    ) -> None:
        super().__init__()
        self.horizon = horizon
        self.modes = modes
        self.time_width = time_width
        # 1. invariants and time, embedded
        self.embed = nn.Linear(node_width + time_width, hidden)
        # 2. message passing within a step
        self.layers = nn.ModuleList(
            EgnoLayer(
                hidden,
                edge_width,
                last=layer == layers - 1 and not as_published,
                by_axis=as_published,
            )
            for layer in range(layers)
        )
        # 3. convolutions over time before each, of h and of the vectors x and v
        self.over_time = nn.ModuleList(
            TimeConvolution(hidden, modes, horizon, 1 / hidden**2) for _ in range(layers)
        )
        self.vectors_over_time = nn.ModuleList(
            TimeConvolution(2, modes, horizon, _VECTOR_SCALE) for _ in range(layers)
        )

    def forward(
        self,
        h: Tensor,  # (M, node_width)
        x: Tensor,  # (M, 3)
        v: Tensor,  # (M, 3)
        a: Tensor,  # (E, edge_width)
        graph: Graph,
        centroid: Tensor,  # (M, 3)
    ) -> tuple[Tensor, Tensor, Tensor]:  # (T, M, 3), (T, M, 3), (T, M, hidden)
        """Positions, velocities and embeddings of every step; `centroid` is x's, by system."""
        steps, particles = self.horizon, len(x)
        number = torch.arange(steps, device=h.device, dtype=h.dtype)
        times = time_embeddings(number, self.time_width)[:, None, :].expand(-1, particles, -1)
        h = self.embed(torch.cat([h.expand(steps, -1, -1), times], dim=-1))
        x, v = x.expand(steps, -1, -1), v.expand(steps, -1, -1)
        a, graph = a.repeat(steps, 1), graph.repeat(steps)
        basis = waves(steps, self.modes, h)
        for over_time, vectors_over_time, layer in zip(
            self.over_time, self.vectors_over_time, self.layers, strict=True
        ):
            h = h + F.leaky_relu(over_time(h, basis))
            vectors = torch.stack([x - centroid, v], dim=-1)  # (T, M, 3, 2)
            vectors = vectors + vectors_over_time(vectors, basis)
            x, v = vectors[..., 0] + centroid, vectors[..., 1]
            h, x = (
                flat.view(steps, particles, -1)
                for flat in layer(h.flatten(0, 1), x.flatten(0, 1), v.flatten(0, 1), a, graph)
            )
        return x, v, h


class EgnoLayer(MessageLayer):
    r"""The EGNN layer of EGNO.

    .. math::
        m_{ij} &= \phi_m(|x_i - x_j|^2, h_i, h_j, a_{ij}) \\
        x_i &\leftarrow x_i + \phi_v(h_i)\, v_i
            + \tfrac{1}{|N(i)|} \sum_j (x_i - x_j)\, \phi_x(m_{ij}) \\
        h_i &\leftarrow \phi_h(h_i, \textstyle\sum_j m_{ij})

    Parameters
    ----------
    hidden
        Width of h and of the messages.
    edge_width
        Width of a_ij.
    last
        No layer follows, so that h need not be updated.
    by_axis
        Bound the mean over j, the force, along each axis and not by its length.
    """

    def __init__(
        self, hidden: int, edge_width: int, *, last: bool = False, by_axis: bool = False
    ) -> None:
        super().__init__(hidden, 1 + edge_width)
        self.by_axis = by_axis
        self.gate = TwoLayers(hidden, hidden, 1)
        self.drift = TwoLayers(hidden, hidden, 1)
        self.update = None if last else TwoLayers(2 * hidden, hidden, hidden)

    def forward(
        self,
        h: Tensor,  # (M, hidden)
        x: Tensor,  # (M, 3)
        v: Tensor,  # (M, 3)
        a: Tensor,  # (E, edge_width)
        graph: Graph,
    ) -> tuple[Tensor, Tensor]:  # (M, hidden), (M, 3)
        """Embeddings and positions after the layer."""
        apart = displacements(x, graph)
        m = self.messages(h, torch.cat([squared_lengths(apart), a], dim=-1), graph)
        force = sum_at_targets(apart * self.gate(m), graph) / graph.in_degree
        size = force.abs() if self.by_axis else lengths(force)
        x = x + self.drift(h) * v + force / (size / _LARGEST_FORCE).clamp(min=1.0)
        if self.update is not None:
            h = self.update(h, sum_at_targets(m, graph))
        return h, x


def centroids(positions: Tensor, graph: Graph) -> Tensor:
    """(M, 3) mean position of every particle's system."""
    total = positions.new_zeros((graph.num_systems, 3)).index_add_(0, graph.system, positions)
    return (total / graph.ptr.diff()[:, None]).index_select(0, graph.system)
