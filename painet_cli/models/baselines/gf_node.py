r"""GF-NODE: EGNN layers, an ODE over the slow modes of the graph, and EGNN layers again.

Graph Fourier Neural ODEs of Sun et al. 2025 (https://arxiv.org/abs/2411.01600), by their published
code. U holds the first eigenvectors of the bonds' Laplacian D - A:

.. math::
    h, x &\leftarrow \text{EGNN layers}(h(0), x(0), v(0)) \\
    \hat s(0) &= U^\top s, \qquad \tfrac{d}{dt} \hat s = f(\hat s, t), \qquad
    s(t) = s + \mathrm{SiLU}(U\, \hat s(t)) \\
    x^{(k)} &\leftarrow \text{EGNN layers}([h(t_k), \tau_k], x(t_k), v(t_k))

for s = h and for s = [x - centroid, v], with t_k in windows and tau_k a sinusoidal embedding. As
published it is not equivariant: SiLU and f act on single coordinates, so that turning or mirroring
the system changes the prediction. It moves with a shift. Lengths and velocities go in unscaled.

What differs from the published code:

- The steps of dopri5 in a prediction. There one sequence of adaptive steps serves the whole batch,
  so that a prediction depends on its neighbours. Here that is so in training alone, where it takes
  a tenth of the time; to predict, each system takes equal steps, doubled in number until its own
  error estimate keeps the tolerances (`ModeFlow`).
- The sign of an eigenvector, which f sees, and the basis of a repeated eigenvalue, which it sees
  too, are what LAPACK returns there. Here a rule fixes them (`slow_modes`). It leaves the order of
  particles of no account unless a symmetry of the molecule that keeps all types moves the vector;
  then (benzene's ring, say) the particles' order decides which of the equal choices is meant.
- The bound on a particle's mean message acts on its length, not on each axis (`EgnoLayer`).
- Systems with fewer particles than modes have modes that are zero everywhere.
- Maps that cannot reach the output are left out: the keys' bias and their share of the time (the
  same for all keys), and the last update of h.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from painet_cli.config.models import GfNodeConfig
from painet_cli.config.presets import Preset
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph
from painet_cli.data.batches.offsets import target_offsets
from painet_cli.models.base import SystemSpec
from painet_cli.models.baselines.egno import EgnoLayer, centroids
from painet_cli.models.baselines.laplacian_modes import mode_basis
from painet_cli.models.baselines.mode_flow import ModeFlow
from painet_cli.models.baselines.published import PublishedModel
from painet_cli.models.features import Features
from painet_cli.models.layers.temporal import time_embeddings


class GraphFourierOde(nn.Module):
    """The published model, of raw inputs.

    Parameters
    ----------
    config
        Sizes and tolerances.
    node_width, edge_width
        Widths of the node and edge features.
    delta_frames
        Frames of a window, the ODE's unit of time.
    """

    def __init__(
        self, config: GfNodeConfig, node_width: int, edge_width: int, delta_frames: int
    ) -> None:
        super().__init__()
        self.delta_frames = delta_frames
        self.time_width = config.time_width
        tolerances = {"rtol": config.rtol, "atol": config.atol}
        # 1. encoder
        self.embed = nn.Linear(node_width, config.hidden)
        self.encoder = nn.ModuleList(
            EgnoLayer(config.hidden, edge_width, last=False) for _ in range(config.layers)
        )
        # 2. one ODE for the embeddings, one for each coordinate of position and velocity
        self.flow_h = ModeFlow(config.hidden, config.modes, config.time_width, **tolerances)
        self.flow_x = ModeFlow(2, config.modes, config.time_width, **tolerances)
        # 3. decoder
        self.decoder = nn.ModuleList(
            EgnoLayer(
                config.hidden + config.time_width, edge_width, last=layer == config.layers - 1
            )
            for layer in range(config.layers)
        )

    def forward(
        self,
        h: Tensor,  # (M, node_width)
        x: Tensor,  # (M, 3)
        v: Tensor,  # (M, 3)
        a: Tensor,  # (E, edge_width)
        basis: Tensor,  # (M, modes)
        graph: Graph,
        frames: Tensor,  # (T,)
    ) -> Tensor:  # (T, M, 3)
        """Positions after each number of frames."""
        horizon = len(frames)
        centroid = centroids(x, graph)
        h = self.embed(h)
        for layer in self.encoder:
            h, x = layer(h, x, v, a, graph)

        times = frames.double() / self.delta_frames
        h = self.flow_h(h[:, None], basis, graph, times).flatten(0, 2)
        moving = torch.stack([x - centroid, v], dim=-1)
        x, v = self.flow_x(moving, basis, graph, times).unbind(dim=-1)
        x, v = (x + centroid).flatten(0, 1), v.flatten(0, 1)

        clock = time_embeddings(frames.double(), self.time_width).to(h.dtype)
        h = torch.cat([h, clock.repeat_interleave(graph.num_nodes, dim=0)], dim=-1)
        graph, a = graph.repeat(horizon), a.repeat(horizon, 1)
        for layer in self.decoder:
            h, x = layer(h, x, v, a, graph)
        return x.view(horizon, -1, 3)


class GfNode(PublishedModel):
    """GF-NODE on the invariants of a preset.

    Parameters
    ----------
    features
        Invariants to read.
    core
        The network.
    frames
        (T,) frames from the start to each step.
    modes
        Modes of the graph that are moved.
    """

    Config = GfNodeConfig
    keeps = "shift"
    takes_types = True
    capturable = stackable = False  # the solver chooses its steps

    core: GraphFourierOde
    frames: Tensor  # (T,) int64

    def __init__(
        self, features: Features, core: GraphFourierOde, frames: Tensor, modes: int
    ) -> None:
        super().__init__(features, core, len(frames))
        self.modes = modes
        self.register_buffer("frames", frames, persistent=False)

    @classmethod
    def build(cls, config: GfNodeConfig, preset: Preset, system: SystemSpec) -> GfNode:
        """Model of a preset."""
        features = Features(preset.features, system)
        core = GraphFourierOde(
            config, features.node_width, features.edge_width, preset.data.delta_frames
        )
        return cls(features, core, torch.from_numpy(target_offsets(preset.data)), config.modes)

    def compile_blocks(self) -> None:
        """Compile the layers; the solver between them cannot be."""
        for layer in (*self.core.encoder, *self.core.decoder):
            layer.compile()

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3)."""
        graph = batch.graph
        graph.check_types(self.features.num_types)
        h, a = self.features.nodes(batch), self.features.edges(batch)
        x, v = batch.positions, batch.velocities
        positions: Tensor = self.core(
            h, x, v, a, mode_basis(graph, self.modes).to(x.dtype), graph, self.frames
        )
        return positions
