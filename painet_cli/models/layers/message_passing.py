"""Message passing on sorted edges: the layers that decoders are made of."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from painet_cli.data.batches.graph import Graph
from painet_cli.models.layers.edge_sums import EdgeWeights, edge_sums
from painet_cli.models.layers.linear_maps import Linear, linear, two_linear

_LARGEST_GATE = 100.0  # a coordinate message moves a particle by at most this many edge lengths


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
        target, source, to_edge = self.ends(h)
        out = target.index_select(0, graph.target)
        out += source.index_select(0, graph.source)
        return out.addmm_(e, to_edge.t())

    def ends(
        self,
        h: Tensor,  # (M, nodes)
    ) -> tuple[Tensor, Tensor, Tensor]:  # (M, out), (M, out), (out, edges)
        """W1 h + b and W2 h, what a particle adds to the edges that end and begin at it; W3."""
        to_target, to_source, to_edge = torch.split(self.weight, list(self.widths), dim=1)
        return linear(h, to_target, self.bias), linear(h, to_source), to_edge


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
        self.message = Linear(hidden, hidden)

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
        # near zero, or the first steps throw particles across mocap's distances
        nn.init.xavier_uniform_(self.gate[-1].weight, gain=0.001)  # type: ignore[arg-type]

    def start_straight(self, share: float) -> None:
        """Begin with phi_v equal to `share` for every particle."""
        nn.init.xavier_uniform_(self.drift[-1].weight, gain=0.001)  # type: ignore[arg-type]
        nn.init.constant_(self.drift[-1].bias, share)  # type: ignore[arg-type]

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
        to_target, to_source, to_edge = self.pair.ends(h)
        inner, outer = self.gate.maps
        m, moved = edge_sums(
            to_target,
            to_source,
            x,
            a,
            EdgeWeights(
                to_edge,
                self.message.weight,
                self.message.bias,
                inner.weight,
                inner.bias,
                outer.weight,
            ),
            graph,
            length=x.new_ones(()) if length is None else length,
            bound=_LARGEST_GATE,
            recompute=recompute,
        )
        x = x + moved / graph.in_degree + self.drift(h) * v
        if self.update is not None:
            h = h + self.update(h, m)
        return h, x


class TwoLayers(nn.Sequential):
    """Linear, SiLU, linear, of one input or of several side by side, which are not joined for it.

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
        super().__init__(Linear(width, hidden), nn.SiLU(), Linear(hidden, out, bias=bias))

    def forward(
        self,
        *parts: Tensor,  # (rows, some columns) each
    ) -> Tensor:  # (rows, out)
        """The network of [x, y, ...]; the result can be differentiated once."""
        first, last = self.maps
        return two_linear(parts, first.weight, first.bias, last.weight, last.bias)

    @property
    def maps(self) -> tuple[Linear, Linear]:
        """Both linear maps."""
        return cast("Linear", self[0]), cast("Linear", self[2])


def sum_at_targets(messages: Tensor, graph: Graph) -> Tensor:
    """(M, d) sum of the messages (E, d) that end at each particle."""
    total = messages.new_zeros((graph.num_nodes, messages.shape[-1]))
    return total.index_add_(0, graph.target, messages)
