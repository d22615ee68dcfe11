"""One time step of PAINET's embeddings: a step down the energy, by attention over all particles."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from painet_cli.config.models import PainetConfig
from painet_cli.data.batches.graph import Graph
from painet_cli.models.painet.attention import attend_dense, attend_factorised, dense_is_cheaper
from painet_cli.models.painet.neighbours import attend_neighbours

MANY = 50_000
"""Particles from which on heads are read one by one where no gradient is asked for."""


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
        self.own_value_only = config.pairwise == "none"
        self.project = nn.Linear(
            config.hidden,
            (1 if self.own_value_only else 3) * config.heads * config.hidden,
            bias=False,
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
        elif len(h) > MANY and not torch.is_grad_enabled():
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
