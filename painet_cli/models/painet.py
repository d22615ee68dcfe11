"""PAINET: all-pair attention derived from an energy, read out by a parallel equivariant decoder.

The paper's sections 3.1 to 3.3 and Algorithm 1. What differs from the paper: the embedding reads
invariants only (`features` of the preset), heads have full width and are averaged, the pair tables
are symmetric with phi > psi by construction (`pairwise: guaranteed`), and the decoder is EGNN with
a velocity term, mean coordinate messages and a bound on each, started at straight motion. Why is
in docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from painet_cli.config.preset import PainetConfig, Preset
from painet_cli.data.batch import Batch
from painet_cli.data.graph import Graph
from painet_cli.data.windows import target_offsets
from painet_cli.models.attention import (
    attend_dense,
    attend_factorised,
    dense_is_cheaper,
    unit_rows,
)
from painet_cli.models.base import DynamicsModel, Features, SystemSpec
from painet_cli.models.decoders import other_decoder, straight_layers
from painet_cli.models.dense import Linear
from painet_cli.models.neighbours import attend_neighbours
from painet_cli.models.pairwise import PairTables


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
        self.project = Linear(
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
        parts = self.project(h).view(len(h), -1, self.heads, h.shape[-1]).permute(1, 2, 0, 3)
        if tables is None:
            read = parts[0]
        else:
            q, k, v = parts.unbind()
            attend = self._attend(graph, tables[0].shape[-1], h.shape[-1])
            read = attend(unit_rows(q), unit_rows(k), v, *tables, graph)
        updated: Tensor = self.norm((1 - self.eta) * h + self.eta * read.mean(dim=0))
        return updated

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
        return self.decode(self.encode(batch), batch)

    def encode(
        self,
        batch: Batch,
    ) -> Tensor:  # (T, M, d)
        """Embeddings H(1..T), (T, M, d), by T attention steps from H(0)."""
        batch.graph.check_types(self.features.num_types)
        h = self.embed(self.features.nodes(batch))
        tables = None if self.tables is None else self.tables(h)
        embeddings = []
        for t in range(self.horizon):
            for layer in range(t * self.layers_per_step, (t + 1) * self.layers_per_step):
                h = self.steps[layer % len(self.steps)](h, tables, batch.graph)
            embeddings.append(h)
        return torch.stack(embeddings)

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
        for layer in self.decoder:
            h, x = layer(h, x, v, a, graph, self.features.length)
        return x.view(horizon, -1, 3)
