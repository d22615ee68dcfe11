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

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchdiffeq import odeint

from painet_cli.config.models import GfNodeConfig
from painet_cli.config.presets import Preset
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph
from painet_cli.data.batches.offsets import target_offsets
from painet_cli.errors import RequestError
from painet_cli.models.base import SystemSpec
from painet_cli.models.baselines.dopri5 import equal_steps
from painet_cli.models.baselines.egno import EgnoLayer, centroids
from painet_cli.models.baselines.laplacian_modes import mode_basis
from painet_cli.models.baselines.published import PublishedModel
from painet_cli.models.features import Features
from painet_cli.models.layers.temporal import time_embeddings

_MOST_STEPS = 1024


class ModeFlow(nn.Module):
    r"""Signals moved by an ODE over the modes, in which a system's modes attend to each other.

    With z_m = [y_m, t, ..., t] and one attention head of width d,

    .. math::
        \tfrac{d}{dt} y_m = W_m^\top \Bigl( P \Bigl( O \textstyle\sum_n
            \mathrm{softmax}_n\bigl(\tfrac{1}{\sqrt d} (Q z_m)^\top K y_n\bigr)\, V z_n \Bigr)
            \Bigr),

    where Q, V, O and P have biases. These maps in a row are multiplied out once a solve: what is
    left is y_m times a matrix in the exponent, and the mean of y_n times a matrix behind it.

    To predict, a window is solved in one step, or in 2, 4, 8 and so on equal ones up to the first
    number at which the root mean square of a system's error estimate, in units of atol + rtol |y|,
    is at most one in every step (`equal_steps`). The number is each system's own: no other system
    of the batch bears on it. In training mode torchdiffeq's dopri5 chooses the steps, for all
    systems of a batch together, as published.

    Parameters
    ----------
    channels
        C, channels of a signal.
    modes
        K, modes that are moved.
    time_width
        Copies of the time that the maps read.
    rtol, atol
        Tolerances of a step.
    """

    def __init__(
        self, channels: int, modes: int, time_width: int, *, rtol: float, atol: float
    ) -> None:
        super().__init__()
        width = channels + time_width
        self.rtol, self.atol = rtol, atol
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(channels, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.post = nn.Linear(width, width)
        # start values of the published code: PyTorch's attention, and small positive weights
        bound = math.sqrt(6 / (4 * width))
        for attention in (self.query, self.key, self.value):
            nn.init.uniform_(attention.weight, -bound, bound)
        for biased in (self.query, self.value, self.out):
            nn.init.zeros_(biased.bias)
        self.weight = nn.Parameter(torch.rand(modes, width, channels) / channels**2)

    def forward(
        self,
        signals: Tensor,  # (M, R, C)
        basis: Tensor,  # (M, K)
        graph: Graph,
        times: Tensor,  # (T,)
    ) -> Tensor:  # (T, M, R, C)
        """Signals at the times; each of the R rows of a particle goes its own way."""
        signals = signals.to(basis.dtype)  # autocast may have lowered them
        wide = basis[:, None, :, None]
        start = signals.new_zeros(graph.num_systems, signals.shape[1], *self.weight.shape[::2])
        start = start.index_add(0, graph.system, wide * signals[:, :, None])
        reached = self._solve(start, times)
        return signals + F.silu((wide * reached.index_select(1, graph.system)).sum(dim=-2))

    def _solve(
        self,
        start: Tensor,  # (B, R, K, C)
        times: Tensor,  # (T,)
    ) -> Tensor:  # (T, B, R, K, C)
        flow = self._flow()
        if self.training:
            return self._in_common_steps(flow, start, times)
        if not bool(torch.isfinite(start).all()):
            raise _stiff("begins at no finite numbers")
        left, ends = torch.arange(len(start), device=start.device), times.tolist()
        done: list[tuple[Tensor, Tensor]] = []
        steps = 1
        while steps <= _MOST_STEPS:
            reached, errors = equal_steps(
                flow, start[left], ends, steps, rtol=self.rtol, atol=self.atol
            )
            kept = errors <= 1
            if bool(kept.all()) and not done:
                return reached
            done.append((left[kept], reached[:, kept]))
            left = left[~kept]
            if not len(left):
                order = torch.argsort(torch.cat([systems for systems, _ in done]))
                return torch.cat([solved for _, solved in done], dim=1)[:, order]
            steps *= 2
        raise _stiff(f"needs more than {_MOST_STEPS} steps")

    def _in_common_steps(
        self, flow: nn.Module, start: Tensor, times: Tensor
    ) -> Tensor:  # (T, B, R, K, C)
        times = torch.cat([times.new_zeros(1), times])
        try:
            states = odeint(flow, start, times, rtol=self.rtol, atol=self.atol, method="dopri5")
        except AssertionError as error:  # all that is left for it to assert
            raise _stiff("leaves the finite numbers") from error
        reached: Tensor = states[1:]
        return reached

    def _flow(self) -> _Flow:
        """f, multiplied out."""
        channels = self.key.in_features
        scaled_key = self.key.weight / math.sqrt(len(self.key.weight))
        ask, ask_time = _parted(self.query.weight, channels)
        read, read_time = _parted(self.value.weight, channels)
        both = self.post.weight @ self.out.weight
        bias = both @ self.value.bias + self.post.weight @ self.out.bias + self.post.bias
        return _Flow(
            ask.t() @ scaled_key,
            torch.stack([ask_time, self.query.bias]) @ scaled_key,
            (both @ read).t() @ self.weight,
            torch.stack([both @ read_time, bias]) @ self.weight,
        )


class _Flow(nn.Module):
    """Right-hand side of the ODE."""

    def __init__(self, ask: Tensor, asked: Tensor, answer: Tensor, answered: Tensor) -> None:
        super().__init__()
        self.ask, self.answer = ask, answer
        self.ask_time, self.ask_bias = asked.unbind()
        self.answer_time, self.answer_bias = answered[:, :1], answered[:, 1:]

    def forward(self, t: Tensor | float, y: Tensor) -> Tensor:
        rows = y.flatten(0, 1)  # (B R, K, C)
        asked = rows @ self.ask + (t * self.ask_time + self.ask_bias)
        read = torch.softmax(asked @ rows.transpose(1, 2), dim=-1) @ rows
        slope = torch.baddbmm(
            t * self.answer_time + self.answer_bias, read.transpose(0, 1), self.answer
        )
        back: Tensor = slope.transpose(0, 1).reshape(y.shape)
        return back


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


def _parted(weight: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """(out, channels) what a map makes of the signal, and (out,) what it makes of the time."""
    return weight[:, :channels], weight[:, channels:].sum(dim=1)


def _stiff(what: str) -> RequestError:
    return RequestError(
        f"model gf-node: its ODE {what}",
        "lower train.lr, set train.clip_norm, or loosen model.rtol and model.atol",
    )
