r"""ATOM: a transformer that lets every atom at every time read every other.

Atomistic Transformer Operator for Molecules, Thompson et al. 2026 (ICLR;
https://arxiv.org/abs/2510.05482). No graph: T copies of the start, told apart by rotary embeddings
of their time, attend to positions, velocities and types of all atoms and times. The lifting to the
width keeps vectors apart from scalars, everything after it does not, so that neither a turn nor a
shift of a system carries over to its prediction; the authors call it quasi-equivariant. With
`model.centred`, which is ours, a shift does.

In training, noise is added to positions, velocities and their lengths, to every copy anew.

The published code's behaviour, also where the paper is silent: scores are divided by the width of a
head and not by its root; a block adds to its normalised input; both hidden layers of a block's
network share one SwiGLU. What differs: types are one-hot, where the authors give the atomic number
as a number; one step (T = 1) can be predicted; and only parameters that can matter exist (the first
block has no residual of values to weigh, and at T = 1 a bias of the keys cancels).
"""

from __future__ import annotations

import math
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from painet_cli.config.models import AtomConfig
from painet_cli.config.presets import Preset
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph
from painet_cli.errors import RequestError
from painet_cli.models.base import SystemSpec
from painet_cli.models.baselines.egno import centroids
from painet_cli.models.baselines.published import PublishedModel
from painet_cli.models.features import Features, lengths, one_hot
from painet_cli.models.layers.channels import ByKind, Channels, Product
from painet_cli.models.layers.dropout import dropped
from painet_cli.models.layers.padded import Rows

_ROTARY_BASE = 1000.0
_ATTENTION_DROPOUT = 0.2
_FEEDFORWARD_DROPOUT = 0.1
_SOURCES = 3  # positions, velocities, and both with types
_EPS = float(torch.finfo(torch.float32).eps)


class Atom(PublishedModel):
    """ATOM on the types of a preset's systems; the features of the preset are not read."""

    Config = AtomConfig
    stackable = False  # noise and dropout are drawn
    keeps = "nothing"

    @classmethod
    def build(cls, config: AtomConfig, preset: Preset, system: SystemSpec) -> Atom:
        """Model of a preset; raises `RequestError` where heads do not divide the width evenly."""
        horizon, width = preset.data.horizon, config.hidden / config.heads
        if width % 2:
            raise RequestError(
                f"model.heads: {config.heads} heads of width {config.hidden} / {config.heads} = "
                f"{width:.4g}, and rotary embeddings need an even number",
                "choose model.hidden as an even multiple of model.heads",
            )
        core = AtomCore(
            len(system.type_names),
            config.hidden,
            layers=config.layers,
            heads=config.heads,
            horizon=horizon,
            noise=config.noise,
            centred=config.centred,
        )
        return cls(Features(preset.features, system), core, horizon)

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3)."""
        graph, types = batch.graph, self.features.num_types
        graph.check_types(types)
        kinds = one_hot(graph.types, types, batch.positions.dtype)
        predicted: Tensor = self.core(batch.positions, batch.velocities, kinds, graph)
        return predicted


class AtomCore(nn.Module):
    """The published network.

    Parameters
    ----------
    scalars
        Width of what is known of an atom beside its position and velocity.
    hidden
        Width, a third of it vectors and the rest scalars.
    layers
        Blocks.
    heads
        Attention heads, which divide `hidden` into even widths.
    horizon
        T, steps.
    noise
        Spread of the noise in training, in the dataset's unit of length (and of length a frame).
    centred
        Whether positions are told about the mean of their system.
    """

    def __init__(
        self,
        scalars: int,
        hidden: int,
        *,
        layers: int,
        heads: int,
        horizon: int,
        noise: float = 0.0,
        centred: bool = False,
    ) -> None:
        super().__init__()
        self.horizon = horizon
        self.noise = noise
        self.centred = centred
        self.half_width = hidden // heads // 2
        vectors = (hidden - 1) // 3  # and at least one scalar
        channels = (vectors, hidden - 3 * vectors)
        self.lift_x = ByKind((1, 1), channels)
        self.lift_v = ByKind((1, 1), channels)
        self.lift_typed = ByKind((1, 1 + scalars), channels)
        self.mix = Product(*channels)
        self.blocks = nn.ModuleList(
            AtomBlock(hidden, heads, first=layer == 0, rotates=horizon > 1)
            for layer in range(layers)
        )
        self.read = nn.Parameter(torch.randn(channels[0]))

    def forward(
        self,
        x: Tensor,  # (M, 3)
        v: Tensor,  # (M, 3)
        z: Tensor,  # (M, scalars)
        graph: Graph,
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3)."""
        origin = centroids(x, graph) if self.centred else torch.zeros_like(x)
        x = x - origin
        x, v, z = (rows.expand(self.horizon, -1, -1) for rows in (x, v, z))
        lifted = self.lift_x(self._given(x))
        sources = [lifted, self.lift_v(self._given(v))]
        speeds = self._given(v)  # noise of its own, as published
        typed = Channels(speeds.vectors, torch.cat([speeds.scalars, z], dim=-1))
        sources.append(self.mix(lifted, self.lift_typed(typed)))
        rows = Rows(graph, self.horizon)
        x, v, mixed = (rows.gather(source.flat()) for source in sources)
        turn = _rotation(self.horizon, self.half_width, rows.size, x)
        first: Tensor | None = None
        for block in self.blocks:
            x = block(x, v, mixed, turn, rows.mask, first)
            first = x if first is None else first
        vectors = rows.scatter(x)[..., : 3 * len(self.read)]
        vectors = vectors.reshape(*vectors.shape[:2], -1, 3)
        out: Tensor = self.read @ vectors / math.sqrt(len(self.read))
        return out + origin

    def _given(self, vectors: Tensor) -> Channels:
        """Vectors and their lengths; in training with noise on both."""
        sizes = lengths(vectors)
        if self.training and self.noise:
            vectors, sizes = (_noisy(given, self.noise) for given in (vectors, sizes))
        return Channels(vectors[..., None, :], sizes)


def _noisy(given: Tensor, spread: float) -> Tensor:
    """The same with noise, drawn on the CPU: its state is what a stopped training goes on with."""
    return given + spread * torch.randn(given.shape).to(given)


def _rotation(horizon: int, half_width: int, size: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine, (T N, half_width), of the angles by which a time turns queries and keys."""
    pair = torch.arange(half_width, device=like.device, dtype=like.dtype)
    time = torch.arange(horizon, device=like.device, dtype=like.dtype).repeat_interleave(size)
    angle = time[:, None] * _ROTARY_BASE ** (-pair / half_width)
    return angle.cos(), angle.sin()


class AtomBlock(nn.Module):
    r"""Attention to three sources, then a network an atom.

    .. math::
        y &= \hat x + W \sum_s g_s\, \mathrm{softmax}(q k_s^\top / w)\, v_s \\
        x &\leftarrow \lambda\, (y + \mathrm{MLP}(y)) + (1 - \lambda)\, x_1

    with queries q from the mixed source, keys and values from each normalised source, positions
    :math:`\hat x` among them, and :math:`x_1` the output of the first block.

    Parameters
    ----------
    hidden, heads
        Width, and heads of width w that divide it.
    first
        There is no output of an earlier block to mix in.
    rotates
        There is more than one time, so that a bias of the keys can matter.
    """

    def __init__(self, hidden: int, heads: int, *, first: bool, rotates: bool) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.RMSNorm(hidden, eps=_EPS)
        self.query = _linear(hidden)
        self.key = _linear(hidden, bias=rotates)
        self.value = _linear(hidden)
        self.out = _linear(hidden)
        self.gates = nn.Parameter(0.1 * torch.randn(_SOURCES))
        self.enter, self.middle, self.leave = (_linear(hidden) for _ in range(3))
        self.gate, self.gated = _linear(hidden), _linear(hidden)
        self.share = None if first else nn.Parameter(torch.tensor(0.5))

    def forward(
        self,
        x: Tensor,  # (B, T N, hidden)
        v: Tensor,  # (B, T N, hidden)
        mixed: Tensor,  # (B, T N, hidden)
        turn: tuple[Tensor, Tensor],  # (T N, hidden / heads / 2) each
        mask: Tensor | None,  # (B, 1, 1, T N)
        first: Tensor | None,  # (B, T N, hidden)
    ) -> Tensor:  # (B, T N, hidden)
        """Embeddings after the block."""
        query = self.query(mixed)
        sources = self.norm(torch.stack([x, v, mixed]))
        heard = sources[0] + self._attend(query, sources, turn, mask)
        hidden = self._activate(self.middle(self._activate(self.enter(heard))))
        if self.training:
            hidden = dropped(hidden, _FEEDFORWARD_DROPOUT)
        x = heard + self.leave(hidden)
        return x if self.share is None or first is None else first.lerp(x, self.share.sigmoid())

    def _attend(
        self,
        query: Tensor,
        sources: Tensor,  # (3, B, T N, hidden)
        turn: tuple[Tensor, Tensor],
        mask: Tensor | None,
    ) -> Tensor:
        q = _turned(self._by_head(query), turn).repeat(_SOURCES, 1, 1, 1)
        # sources and systems in one dimension, since torch's fused kernels take no fifth
        k, v = (self._by_head(of(sources).flatten(0, 1)) for of in (self.key, self.value))
        read = self._read(
            q, _turned(k, turn), v, None if mask is None else mask.repeat(_SOURCES, 1, 1, 1)
        )
        read = read.view(_SOURCES, -1, *read.shape[1:])
        weighted = torch.einsum("s,sbhnd->bnhd", self.gates.softmax(dim=0), read)
        out: Tensor = self.out(weighted.flatten(-2))
        return out

    def _read(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        if self.training and q.device.type == "cpu":  # where torch's takes twice as long
            scores = (q / q.shape[-1]) @ k.transpose(-1, -2)
            if mask is not None:
                scores = scores.masked_fill(~mask, -math.inf)
            return dropped(scores.softmax(dim=-1), _ATTENTION_DROPOUT) @ v
        # fused kernels have no second derivative, and a trained model has one
        twice = torch.is_grad_enabled() and not self.training
        with sdpa_kernel([SDPBackend.MATH]) if twice else nullcontext():
            return F.scaled_dot_product_attention(
                q,
                k,
                v,
                attn_mask=mask,
                dropout_p=_ATTENTION_DROPOUT if self.training else 0.0,
                scale=1 / q.shape[-1],
            )

    def _by_head(self, rows: Tensor) -> Tensor:
        """(..., heads, T N, hidden / heads)."""
        return rows.view(*rows.shape[:-1], self.heads, -1).transpose(-2, -3)

    def _activate(self, x: Tensor) -> Tensor:
        activated: Tensor = F.silu(self.gate(x)) * self.gated(x)
        return activated


def _turned(rows: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rows whose even and odd components are turned against each other."""
    cosine, sine = turn
    even, odd = rows[..., 0::2], rows[..., 1::2]
    turned = torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], dim=-1)
    return turned.flatten(-2)


def _linear(width: int, *, bias: bool = True) -> nn.Linear:
    """Linear map with the authors' first weights."""
    linear = nn.Linear(width, width, bias=bias)
    nn.init.kaiming_normal_(linear.weight, nonlinearity="leaky_relu")
    if bias:
        nn.init.zeros_(linear.bias)
    return linear
