r"""HEGNN: EGNN whose particles also carry steerable features of higher degree.

Cen et al. 2024 (https://arxiv.org/abs/2410.11443). A particle starts with a weighted mean of the
spherical harmonics of the directions to its neighbours, degree 0 to L; messages read the inner
products of both ends' features, degree by degree, and scale their differences.

The published code predicts one target, and T = 1 is exactly that. For T > 1 neither HEGNN nor the
PAINET paper, which compares with it, says how: here the T steps are T copies of the start, decoded
in parallel, that differ in one more invariant, t / T. What else differs: the last layer's updates
of h and of the steerable features, which no position depends on, do not exist; and the published
code's tensor product with a scalar one, which is no more than a scaling by degree, is that.
"""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor, nn
from torch.nn import functional as F

from painet_cli.config.models import HegnnConfig
from painet_cli.config.presets import Preset
from painet_cli.data.batches.graph import Graph
from painet_cli.models.base import SystemSpec
from painet_cli.models.baselines.published import ParallelSteps
from painet_cli.models.features import Features, displacements, lengths, squared_lengths
from painet_cli.models.layers.message_passing import (
    MessageLayer,
    PairLinear,
    TwoLayers,
    sum_at_targets,
)


class Hegnn(ParallelSteps):
    """HEGNN on the features of a preset, once for every step to predict."""

    Config = HegnnConfig
    keeps = "shift, rotation, reflection"

    @classmethod
    def build(cls, config: HegnnConfig, preset: Preset, system: SystemSpec) -> Hegnn:
        """Model of a preset."""
        features, horizon = Features(preset.features, system), preset.data.horizon
        core = HegnnCore(
            cls.node_width(features, horizon),
            features.edge_width,
            config.hidden,
            layers=config.layers,
            max_ell=config.max_ell,
            steady=config.steady,
        )
        return cls(features, core, horizon)


class HegnnCore(nn.Module):
    """The published network.

    Parameters
    ----------
    node_width, edge_width
        Widths of the invariants of particles and edges.
    hidden
        Width of h.
    layers
        Message-passing layers.
    max_ell
        L, highest degree of the steerable features.
    steady
        Begin near the positions given, and keep the inner products within the unit ball.
    """

    def __init__(
        self,
        node_width: int,
        edge_width: int,
        hidden: int,
        *,
        layers: int,
        max_ell: int,
        steady: bool = False,
    ) -> None:
        super().__init__()
        # 1. invariants, embedded
        self.embed = nn.Linear(node_width, hidden)
        # 2. the steerable features to start from
        self.start = SteerableStart(hidden, edge_width, max_ell)
        # 3. message passing
        self.layers = nn.ModuleList(
            HegnnLayer(hidden, edge_width, max_ell, last=layer == layers - 1, steady=steady)
            for layer in range(layers)
        )

    def forward(
        self,
        h: Tensor,  # (M, node_width)
        x: Tensor,  # (M, 3)
        v: Tensor,  # (M, 3)
        a: Tensor,  # (E, edge_width)
        graph: Graph,
    ) -> Tensor:  # (M, 3)
        """Positions after the last layer."""
        h = self.embed(h)
        s = self.start(h, x, a, graph)
        for layer in self.layers:
            h, x, s = layer(h, x, v, s, a, graph)
        return x


class Degrees(nn.Module):
    """Steerable features (..., (L + 1)^2), in which degree l owns 2 l + 1 columns in a row.

    Parameters
    ----------
    max_ell
        L.
    """

    owner: Tensor

    def __init__(self, max_ell: int) -> None:
        super().__init__()
        sizes = torch.arange(max_ell + 1) * 2 + 1
        owner = torch.eye(max_ell + 1).repeat_interleave(
            sizes, dim=1, output_size=(max_ell + 1) ** 2
        )
        self.register_buffer("owner", owner, persistent=False)  # (L + 1, (L + 1)^2) of 0 and 1

    def scaled(self, s: Tensor, scale: Tensor) -> Tensor:
        """(E, (L + 1)^2) features, each degree times its own column of `scale` (E, L + 1)."""
        return s * (scale @ self.owner)

    def inner_products(self, s: Tensor, other: Tensor) -> Tensor:
        """(E, L + 1) inner products of two such features, degree by degree."""
        return (s * other) @ self.owner.t()


class SteerableStart(nn.Module):
    r"""The steerable features before the first layer, Y being real spherical harmonics.

    .. math::
        s_i^{(l)} = \tfrac{1}{|N(i)|} \sum_j
            \phi_s^{(l)}(|x_i - x_j|, h_i, h_j, a_{ij})\; Y^{(l)}(x_i - x_j)

    Parameters
    ----------
    hidden
        Width of h.
    edge_width
        Width of a_ij.
    max_ell
        L, highest degree.
    """

    def __init__(self, hidden: int, edge_width: int, max_ell: int) -> None:
        super().__init__()
        self.ells = list(range(max_ell + 1))
        self.degrees = Degrees(max_ell)
        self.pair = PairLinear(hidden, 1 + edge_width, hidden)
        self.weigh = nn.Linear(hidden, max_ell + 1)

    def forward(
        self,
        h: Tensor,  # (M, hidden)
        x: Tensor,  # (M, 3)
        a: Tensor,  # (E, edge_width)
        graph: Graph,
    ) -> Tensor:  # (M, (L + 1)^2)
        """Steerable features, (M, (L + 1)^2)."""
        apart = displacements(x, graph)
        weight = F.silu(self.pair(h, torch.cat([lengths(apart), a], dim=-1), graph))
        weight = F.silu(self.weigh(weight))
        # e3nn: unit vectors in every degree
        y = o3.spherical_harmonics(self.ells, apart, normalize=True, normalization="norm")
        return sum_at_targets(self.degrees.scaled(y, weight), graph) / graph.in_degree


class HegnnLayer(MessageLayer):
    r"""One layer of HEGNN.

    .. math::
        m_{ij} &= \phi_m\big(h_i, h_j, a_{ij}, |x_i - x_j|^2,
            (s_i^{(l)} \cdot s_j^{(l)})_{l \le L}\big) \\
        x_i &\leftarrow x_i + \phi_v(h_i)\, v_i
            + \tfrac{1}{|N(i)|} \sum_j (x_i - x_j)\, \phi_x(m_{ij}) \\
        s_i^{(l)} &\leftarrow s_i^{(l)}
            + \tfrac{1}{|N(i)|} \sum_j (s_i^{(l)} - s_j^{(l)})\, \phi_s^{(l)}(m_{ij}) \\
        h_i &\leftarrow \phi_h\big(h_i, \tfrac{1}{|N(i)|} \textstyle\sum_j m_{ij}\big)

    Parameters
    ----------
    hidden
        Width of h and of the messages.
    edge_width
        Width of a_ij.
    max_ell
        L, highest degree of s.
    last
        No layer follows, so that neither h nor s need be updated.
    steady
        Begin with phi_x and phi_v near nought, and divide the inner products by 1 and their norm.
        A message reads squared distances and products, scales what both are made of, and so makes
        them grow as a power of themselves, layer by layer. The published code has the division, in
        a comment, for where the model gives NaN.
    """

    def __init__(
        self, hidden: int, edge_width: int, max_ell: int, *, last: bool, steady: bool
    ) -> None:
        super().__init__(hidden, edge_width + 1 + max_ell + 1)
        self.last = last
        self.steady = steady
        self.degrees = Degrees(max_ell)
        self.gate = TwoLayers(hidden, hidden, 1)
        self.drift = TwoLayers(hidden, hidden, 1)
        if not last:
            self.steer = TwoLayers(hidden, hidden, max_ell + 1)
            self.update = TwoLayers(2 * hidden, hidden, hidden)
        if steady:
            self.gate.begin_near(0.0)
            self.drift.begin_near(0.0)

    def forward(
        self,
        h: Tensor,  # (M, hidden)
        x: Tensor,  # (M, 3)
        v: Tensor,  # (M, 3)
        s: Tensor,  # (M, (L + 1)^2)
        a: Tensor,  # (E, edge_width)
        graph: Graph,
    ) -> tuple[Tensor, Tensor, Tensor]:  # (M, hidden), (M, 3), (M, (L + 1)^2)
        """Embeddings, positions and steerable features after the layer."""
        apart = displacements(x, graph)
        s_i, s_j = s.index_select(0, graph.target), s.index_select(0, graph.source)
        products = self.degrees.inner_products(s_i, s_j)
        if self.steady:
            products = products / (1 + torch.linalg.vector_norm(products, dim=-1, keepdim=True))
        e = torch.cat([a, squared_lengths(apart), products], dim=-1)
        m = self.messages(h, e, graph)

        force = sum_at_targets(apart * self.gate(m), graph) / graph.in_degree
        x = x + self.drift(h) * v + force
        if not self.last:
            turn = sum_at_targets(self.degrees.scaled(s_i - s_j, self.steer(m)), graph)
            s = s + turn / graph.in_degree
            h = self.update(h, sum_at_targets(m, graph) / graph.in_degree)
        return h, x, s
