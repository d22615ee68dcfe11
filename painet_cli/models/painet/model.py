"""PAINET: all-pair attention derived from an energy, read out by a parallel equivariant decoder.

The paper's sections 3.1 to 3.3 and Algorithm 1. What differs from the paper: the embedding reads
invariants only (`features` of the preset), heads have full width and are averaged, the pair tables
are symmetric with phi > psi by construction (`pairwise: guaranteed`), and the decoder is EGNN with
a velocity term, mean coordinate messages and a bound on each, started at straight motion. Why is
in docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from painet_cli.config.presets import Preset
from painet_cli.config.schema import Activations, PainetConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph
from painet_cli.data.batches.windows import target_offsets
from painet_cli.models.base import DynamicsModel, Features, SystemSpec
from painet_cli.models.painet.attention import (
    attend_dense,
    attend_factorised,
    dense_is_cheaper,
)
from painet_cli.models.painet.decoders import other_decoder, straight_layers
from painet_cli.models.painet.neighbours import attend_neighbours
from painet_cli.models.painet.pair_tables import PairTables

_MANY = 50_000  # particles from which on heads are read one by one where no gradient is asked for


class AttentionStep(nn.Module):
    r"""One time step of the embeddings (equation 8): a step down the energy of equation 3.

    .. math::
        h_i \leftarrow (1 - \eta) h_i + \eta \cdot \frac1H \sum_h
        \frac{\sum_j (\phi_{ij} + \psi_{ij}\, \tilde q_i^\top \tilde k_j)\, v_j}
             {\sum_j (\phi_{ij} + \psi_{ij}\, \tilde q_i^\top \tilde k_j)}

    Without attention (`pairwise: none`) every particle reads its own value alone.
    """

    def __init__(self, config: PainetConfig) -> None:
        super().__init__()
        self.eta = config.eta
        self.heads = config.heads
        self.form = config.attention
        self.reach = config.reach
        self.alone = config.pairwise == "none"
        self.project = nn.Linear(
            config.hidden, (1 if self.alone else 3) * config.heads * config.hidden, bias=False
        )
        self.norm = nn.LayerNorm(config.hidden) if config.layer_norm else nn.Identity()

    def forward(
        self,
        h: Tensor,  # (M, d)
        tables: tuple[Tensor, Tensor] | None,  # (heads, E, E) each
        graph: Graph,
    ) -> Tensor:  # (M, d)
        """Embeddings (M, d) one time step later."""
        if tables is None:
            read = self.project(h).view(len(h), self.heads, -1).mean(dim=1)
        elif len(h) > _MANY and not torch.is_grad_enabled():
            read = self._read_by_head(h, tables, graph)
        else:
            parts = self.project(h).view(len(h), 3, self.heads, -1).permute(1, 2, 0, 3)
            read = self._read(tables, graph, *parts.unbind()).mean(dim=0)
        updated: Tensor = self.norm((1 - self.eta) * h + self.eta * read)
        return updated

    def _read_by_head(
        self, h: Tensor, tables: tuple[Tensor, Tensor], graph: Graph
    ) -> Tensor:  # (M, d)
        """Mean over heads of what is read, one head in memory at a time."""
        weights = self.project.weight.view(3, self.heads, -1, h.shape[-1])
        total = torch.zeros_like(h)
        for head in range(self.heads):
            parts = (F.linear(h, weight)[None] for weight in weights[:, head])
            own = tables[0][head, None], tables[1][head, None]
            total += self._read(own, graph, *parts)[0]
        return total / self.heads

    def _read(
        self, tables: tuple[Tensor, Tensor], graph: Graph, q: Tensor, k: Tensor, v: Tensor
    ) -> Tensor:  # (heads, M, d)
        """Weighted means over all particles of a system, a head each."""
        attend = self._attend(graph, tables[0].shape[-1], q.shape[-1])
        read: Tensor = attend(F.normalize(q, dim=-1), F.normalize(k, dim=-1), v, *tables, graph)
        return read

    def _attend(self, graph: Graph, types: int, d: int) -> Callable[..., Tensor]:
        if self.reach == "neighbours":
            return attend_neighbours
        if self.form == "auto":
            return attend_dense if dense_is_cheaper(graph, types, d) else attend_factorised
        return attend_dense if self.form == "dense" else attend_factorised


class Painet(DynamicsModel):
    """Energy-derived attention over time, then all T steps decoded at once.

    Parameters
    ----------
    config
        Sizes and switches.
    features
        Invariants to read.
    system
        Types, hops and up axis.
    frames
        Frames from the start to each of the T targets.
    """

    Config = PainetConfig

    def __init__(
        self, config: PainetConfig, features: Features, system: SystemSpec, frames: Sequence[int]
    ) -> None:
        super().__init__()
        self.horizon = len(frames)
        self.config = config
        self.layers_per_step = config.attention_layers
        # 1. invariants, embedded: H(0)
        self.features = features
        self.embed = nn.Linear(features.node_width, config.hidden)
        # 2. pair weights by type, shared by all time steps
        self.tables = (
            None
            if config.pairwise == "none"
            else PairTables(config.pairwise, config.heads, len(system.type_names))
        )
        # 3. one attention layer (or several) a time step, or for all
        times = 1 if config.share_time else self.horizon
        self.steps = nn.ModuleList(
            AttentionStep(config) for _ in range(times * config.attention_layers)
        )
        # 4. the decoder's layers, which together start from straight motion
        self.decoder = (
            straight_layers(config, features.edge_width)
            if config.decoder == "parallel"
            else other_decoder(config, features, frames)
        )

    @classmethod
    def build(cls, config: PainetConfig, preset: Preset, system: SystemSpec) -> Painet:
        """Model of a preset."""
        frames = target_offsets(preset.data).tolist()
        return cls(config, Features(preset.features, system), system, frames)

    def fit_scales(self, batches: Iterable[Batch]) -> None:
        """Take the units of length, speed and height from the training windows."""
        self.features.fit(batches)

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3)."""
        if self.activations == "stepwise" and isinstance(self.decoder, nn.ModuleList):
            return self._decode_stepwise(batch)
        return self.decode(self.encode(batch), batch)

    def encode(
        self,
        batch: Batch,
    ) -> Tensor:  # (T, M, d)
        """Embeddings H(1..T), (T, M, d), by attention steps from H(0)."""
        return torch.stack(list(self._embeddings(batch)))

    def _embeddings(self, batch: Batch) -> Iterator[Tensor]:
        """Embeddings H(t), (M, d), for t = 1..T, one after the other."""
        batch.graph.check_types(self.features.num_types)
        h = self.embed(self.features.nodes(batch))
        tables = None if self.tables is None else self.tables(h)
        for t in range(self.horizon):
            for layer in range(t * self.layers_per_step, (t + 1) * self.layers_per_step):
                h = self.steps[layer % len(self.steps)](h, tables, batch.graph)
            yield h

    def decode(
        self,
        embeddings: Tensor,  # (T, M, d)
        batch: Batch,
    ) -> Tensor:  # (T, M, 3)
        """Positions of all T steps in parallel, time and batch as one axis (equation 10)."""
        if not isinstance(self.decoder, nn.ModuleList):
            positions: Tensor = self.decoder(embeddings, batch, self.features)
            return positions
        horizon = embeddings.shape[0]
        graph = batch.graph.repeat(horizon)
        h = embeddings.flatten(0, 1)
        x, v = (
            batch.positions.repeat(horizon, 1),
            (self.features.time * batch.velocities).repeat(horizon, 1),
        )
        a = self.features.edges(batch).repeat(horizon, 1)
        recompute = self.activations != "keep"
        for layer in self.decoder:
            h, x = layer(h, x, v, a, graph, self.features.length, recompute=recompute)
        return x.view(horizon, -1, 3)

    def _decode_stepwise(self, batch: Batch) -> Tensor:  # (T, M, 3)
        """The same, one step after the other; for gradients, a step's decoder runs twice."""
        decode: Callable[[Tensor], Tensor] = lambda h: self.decode(h[None], batch)  # noqa: E731
        steps = [
            checkpoint(decode, h, use_reentrant=False) if torch.is_grad_enabled() else decode(h)
            for h in self._embeddings(batch)
        ]
        return torch.cat(steps)

    def pass_bytes(
        self, nodes: int, edges: int, activations: Activations, *, training: bool
    ) -> int:
        """Bytes that a pass is expected to need, by the rows of width d that are alive at once.

        A particle keeps ten rows a head and attention step, and ten a layer of the decoder; an edge
        six a layer. Without gradients a few rows a particle are alive, of one head or layer.
        """
        row = self.embed.out_features * self.embed.weight.element_size()
        at_once = 1 if activations == "stepwise" else self.horizon
        indices = edges * at_once * (24 + 8 * (1 + self.features.edge_width))
        if not training:
            heads = 1 if nodes > _MANY else self.config.heads
            return nodes * row * max(9 * heads, 8 * at_once) + indices
        encoded = nodes * self.horizon * row * (10 * self.config.heads + 2)
        kept_edges = edges if activations == "keep" else 0
        decoded = at_once * self.config.layers * row * (10 * nodes + 6 * kept_edges)
        return encoded + decoded + indices

    def compile_blocks(self) -> None:
        """Compile the attention step and the decoder's layer, once for all that are alike."""
        for block in (*self.steps, *self.decoder.children()):
            block.compile()
