"""Message passing on sorted edges: the layers that decoders are made of."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from painet_cli.data.batches.graph import Graph

_LARGEST_GATE = 100.0  # a coordinate message moves a particle by at most this many edge lengths
_RECOMPUTED, _UNKEPT_ON_GPU = 2**19, 2**20  # edges a stretch, `_stretches`
_UNKEPT = 2**18  # numbers of the messages of a stretch, 1 MB


class PairLinear(nn.Linear):
    """The linear map W [h_i, h_j, e_ij] + b of every edge, without the concatenation.

    The map is split into W1 h_i + W2 h_j + W3 e_ij: the two wide products run over the M particles
    instead of over the E edges. Weights, initialisation and result are those of `nn.Linear` on the
    concatenation.

    Parameters
    ----------
    nodes, edges, out
        Widths of h, of e and of the result.
    """

    def __init__(self, nodes: int, edges: int, out: int) -> None:
        super().__init__(2 * nodes + edges, out)
        self.widths = (nodes, nodes, edges)

    def forward(  # type: ignore[override]  # an edge layer reads nodes, edges and who is joined to whom
        self,
        h: Tensor,  # (M, nodes)
        e: Tensor,  # (E, edges)
        graph: Graph,
    ) -> Tensor:  # (E, out)
        """Linear map of every edge, (E, out)."""
        return self.meet(*self.ends(h), e, graph.target, graph.source)

    def ends(
        self,
        h: Tensor,  # (M, nodes)
    ) -> tuple[Tensor, Tensor]:  # (M, out), (M, out)
        """W1 h + b and W2 h, what a particle adds to the edges that end and begin at it."""
        to_target, to_source, _ = torch.split(self.weight, list(self.widths), dim=1)
        return F.linear(h, to_target, self.bias), F.linear(h, to_source)

    def meet(
        self,
        to_target: Tensor,  # (M, out)
        to_source: Tensor,  # (M, out)
        e: Tensor,  # (E, edges)
        target: Tensor,  # (E,)
        source: Tensor,  # (E,)
    ) -> Tensor:  # (E, out)
        """What both ends of some edges and the edges themselves add up to."""
        out = to_target.index_select(0, target)
        out += to_source.index_select(0, source)
        to_edge = torch.split(self.weight, list(self.widths), dim=1)[2]
        return torch.addmm(out, e, to_edge.t())


class MessageLayer(nn.Module):
    r"""The messages of a layer; what becomes of them is up to the layer built on it.

    .. math::
        m_{ij} = \phi_m(h_i, h_j, e_{ij})

    Parameters
    ----------
    hidden
        Width of h and of the messages.
    edge_width
        Width of e_ij.
    """

    def __init__(self, hidden: int, edge_width: int) -> None:
        super().__init__()
        self.pair = PairLinear(hidden, edge_width, hidden)
        self.message = nn.Linear(hidden, hidden)

    def messages(
        self,
        h: Tensor,  # (M, hidden)
        e: Tensor,  # (E, edge_width)
        graph: Graph,
    ) -> Tensor:  # (E, hidden)
        """Message of every edge, (E, hidden)."""
        return F.silu(self.message(F.silu(self.pair(h, e, graph))))


class EquivariantLayer(MessageLayer):
    r"""One layer of EGNN with a velocity term (equation 2; Satorras et al. 2021, section 3.2).

    .. math::
        m_{ij} &= \phi_m(h_i, h_j, |x_i - x_j|^2, a_{ij}) \\
        x_i &\leftarrow x_i + \phi_v(h_i)\, v_i
            + \tfrac{1}{|N(i)|} \sum_j (x_i - x_j)\, \phi_x(m_{ij}) \\
        h_i &\leftarrow h_i + \phi_h(h_i, \textstyle\sum_j m_{ij})

    Parameters
    ----------
    hidden
        Width of h and of the messages.
    edge_width
        Width of a_ij.
    last
        No layer follows, so that h need not be updated.
    """

    def __init__(self, hidden: int, edge_width: int, *, last: bool = False) -> None:
        super().__init__(hidden, 1 + edge_width)
        self.gate = TwoLayers(hidden, hidden, 1, bias=False)
        self.drift = TwoLayers(hidden, hidden, 1)
        self.update = None if last else TwoLayers(2 * hidden, hidden, hidden)
        self.gate.begin_near(0.0)  # or the first steps throw particles across mocap's distances

    def start_straight(self, share: float) -> None:
        """Begin with phi_v equal to `share` for every particle."""
        self.drift.begin_near(share)

    def forward(
        self,
        h: Tensor,  # (M, hidden)
        x: Tensor,  # (M, 3)
        v: Tensor,  # (M, 3)
        a: Tensor,  # (E, edge_width)
        graph: Graph,
        length: Tensor | None = None,  # ()
        *,
        recompute: bool = False,
    ) -> tuple[Tensor, Tensor]:  # (M, hidden), (M, 3)
        """Embeddings and positions after the layer.

        Parameters
        ----------
        length
            The unit of distances, if any.
        recompute
            Keep nothing of the edges for the backward pass.
        """
        length = x.new_ones(()) if length is None else length
        m, moved = self._edge_sums(*self.pair.ends(h), x, a, graph, length, recompute=recompute)
        x = x + moved / graph.in_degree + self.drift(h) * v
        if self.update is not None:
            h = h + self.update(h, m)
        return h, x

    def _edge_sums(
        self,
        to_target: Tensor,  # (M, hidden)
        to_source: Tensor,  # (M, hidden)
        x: Tensor,  # (M, 3)
        a: Tensor,  # (E, edge_width)
        graph: Graph,
        length: Tensor,  # ()
        *,
        recompute: bool,
    ) -> tuple[Tensor, Tensor]:  # (M, hidden), (M, 3)
        """Sums of the messages and of the pulls that end at each particle.

        Where gradients are kept for all edges these go through at once; else in stretches, of which
        no more than one is in memory.
        """
        recompute = recompute and torch.is_grad_enabled()
        totals: tuple[Tensor, ...] = ()
        for here in _stretches(graph, to_target.shape[-1], recompute=recompute):
            target = graph.target[here]
            given = (to_target, to_source, x, a[here], target, graph.source[here], length)
            if recompute:  # with the sums, which would keep what they are of
                parts = checkpoint(  # nothing is drawn
                    self._sums_of, *given, use_reentrant=False, preserve_rng_state=False
                )
                totals = tuple(map(torch.add, totals, parts)) if totals else parts
            else:
                totals = self._sums_of(*given, totals=totals)
        m, moved = totals
        return m, moved

    def _sums_of(
        self,
        to_target: Tensor,
        to_source: Tensor,
        x: Tensor,
        a: Tensor,
        target: Tensor,
        source: Tensor,
        length: Tensor,
        totals: tuple[Tensor, ...] = (),
    ) -> tuple[Tensor, ...]:  # (M, hidden), (M, 3)
        """Sums over some edges, added to what is given; in x's dtype, whatever autocast says."""
        apart = x.index_select(0, target) - x.index_select(0, source)
        squared = (apart / length).square().sum(dim=-1, keepdim=True)
        z = self.pair.meet(to_target, to_source, torch.cat([squared, a], dim=-1), target, source)
        m = F.silu(self.message(F.silu(z)))
        pull = apart * self.gate(m).to(x.dtype).clamp(-_LARGEST_GATE, _LARGEST_GATE)
        parts = m.to(x.dtype), pull
        totals = totals or tuple(part.new_zeros((len(x), part.shape[1])) for part in parts)
        return tuple(
            total.index_add_(0, target, part) for total, part in zip(totals, parts, strict=True)
        )


class TwoLayers(nn.Sequential):
    """Linear, SiLU, linear, of one input or of several side by side.

    Parameters
    ----------
    width
        Columns of all inputs together.
    hidden, out
        Columns between the linear maps and of the result.
    bias
        That of the second linear map.
    """

    def __init__(self, width: int, hidden: int, out: int, *, bias: bool = True) -> None:
        super().__init__(nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, out, bias=bias))

    def begin_near(self, value: float) -> None:
        """Have weights that first give nearly `value`, or without a bias nearly nought."""
        last = cast("nn.Linear", self[-1])
        nn.init.xavier_uniform_(last.weight, gain=0.001)
        if last.bias is not None:
            nn.init.constant_(last.bias, value)

    def forward(
        self,
        *parts: Tensor,  # (rows, some columns) each
    ) -> Tensor:  # (rows, out)
        """The network of [x, y, ...]."""
        x = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        out: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return out


def recomputed_at_once(nodes: int) -> int:
    """Edges of a stretch that is computed again for its gradients.

    Each makes sums for all particles, which must not be what costs most.
    """
    return max(_RECOMPUTED, 2 * nodes)


def _stretches(graph: Graph, hidden: int, *, recompute: bool) -> list[slice]:
    """Stretches of about equal length that make up all edges of a graph."""
    edges = graph.edge_hop.shape[0]
    if recompute:
        longest = recomputed_at_once(graph.num_nodes)
    elif torch.is_grad_enabled() or torch.compiler.is_compiling():
        longest = max(edges, 1)
    else:  # such that a CPU's caches hold what a stretch needs
        longest = max(_UNKEPT // hidden, 1) if graph.types.is_cpu else _UNKEPT_ON_GPU
    count = max(-(-edges // longest), 1)
    return [slice(edges * k // count, edges * (k + 1) // count) for k in range(count)]


def sum_at_targets(messages: Tensor, graph: Graph) -> Tensor:
    """(M, d) sum of the messages (E, d) that end at each particle."""
    total = messages.new_zeros((graph.num_nodes, messages.shape[-1]))
    return total.index_add(0, graph.target, messages)
