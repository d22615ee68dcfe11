r"""The edges of an equivariant layer, a stretch at a time: messages, gates and their sums.

Written with autograd's own operations, every edge keeps some eight rows of width d for the backward
pass, and every intermediate result has a row an edge. Here a stretch of edges goes through all of
it before the next, in buffers that are used again, and an edge keeps two rows, or none where they
are computed again.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from painet_cli.data.batches.graph import Graph

_CPU_ROWS, _GPU_ROWS = 3120, 2**20  # edges a stretch
_silu = torch.ops.aten.silu.out  # F.silu takes no `out`
_silu_backward = torch.ops.aten.silu_backward.grad_input


class EdgeWeights(NamedTuple):
    """Weights of the maps that run over edges; a bias stands behind its map."""

    edge: Tensor  # (d, 1 + w)
    message: Tensor  # (d, d)
    message_bias: Tensor  # (d,)
    gate: Tensor  # (d, d)
    gate_bias: Tensor  # (d,)
    gate_out: Tensor  # (1, d)


def edge_sums(
    to_target: Tensor,  # (M, d)
    to_source: Tensor,  # (M, d)
    x: Tensor,  # (M, 3)
    a: Tensor,  # (E, w)
    weights: EdgeWeights,
    graph: Graph,
    *,
    length: Tensor,  # ()
    bound: float,
    recompute: bool = False,
) -> tuple[Tensor, Tensor]:  # (M, d), (M, 3)
    r"""Sums of the messages and of the gated displacements that end at each particle.

    .. math::
        m_{ij} &= \sigma(W_m\, \sigma(t_i + s_j + W_e [|x_i - x_j|^2 / \ell^2, a_{ij}]) + b_m) \\
        g_{ij} &= w_o^\top \sigma(W_g m_{ij} + b_g), \quad |g_{ij}| \le \text{bound} \\
        \text{out}_i &= \textstyle\sum_j m_{ij}, \quad \sum_j g_{ij}\, (x_i - x_j)

    with :math:`\sigma` = SiLU. The result can be differentiated once.

    Parameters
    ----------
    to_target, to_source
        t and s, what a particle adds to the edges that end and that begin at it.
    x
        Positions.
    a
        Invariants of the edges.
    weights
        The maps over edges.
    graph
        Who is joined to whom.
    length
        The unit of lengths.
    bound
        Largest gate.
    recompute
        Keep nothing of the edges for the backward pass, which computes it again.
    """
    inputs = (to_target, to_source, x, *weights)
    if torch.compiler.is_compiling() or torch.is_autocast_enabled(x.device.type):
        return _composed(*inputs, a, graph, length, bound)
    keep = torch.is_grad_enabled() and not recompute
    out: tuple[Tensor, Tensor] = _EdgeSums.apply(*inputs, a, graph, length, bound, keep)  # type: ignore[no-untyped-call]
    return out


def _composed(
    to_target: Tensor, to_source: Tensor, x: Tensor,
    edge: Tensor, message: Tensor, message_bias: Tensor,
    gate: Tensor, gate_bias: Tensor, gate_out: Tensor,
    a: Tensor, graph: Graph, length: Tensor, bound: float,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The same by autograd's own operations, for a compiler to fuse and autocast to lower.

    Gates and sums stay in the dtype of the positions.
    """
    target, source = graph.target, graph.source
    apart = x.index_select(0, target) - x.index_select(0, source)
    e = torch.cat([(apart / length).square().sum(dim=-1, keepdim=True), a], dim=-1)
    z = to_target.index_select(0, target) + to_source.index_select(0, source) + F.linear(e, edge)
    m = F.silu(F.linear(F.silu(z), message, message_bias))
    b = F.silu(F.linear(m, gate, gate_bias))
    moved = apart * F.linear(b, gate_out).to(x.dtype).clamp(-bound, bound)
    none = x.new_zeros((len(x), m.shape[1]))
    return none.index_add(0, target, m.to(x.dtype)), torch.zeros_like(x).index_add(0, target, moved)


class _EdgeSums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        to_target: Tensor, to_source: Tensor, x: Tensor,
        edge: Tensor, message: Tensor, message_bias: Tensor,
        gate: Tensor, gate_bias: Tensor, gate_out: Tensor,
        a: Tensor, graph: Graph, length: Tensor, bound: float, keep: bool,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        weights = EdgeWeights(edge, message, message_bias, gate, gate_bias, gate_out)
        edges = _Edges(to_target, to_source, x, a, weights, graph, length)
        d = to_target.shape[1]
        stretches, rows = edges.stretches()
        kept = x.new_empty((2, len(a) if keep else rows, d))
        spare = x.new_empty((2, rows, d))
        gates = x.new_empty((len(a), 1))
        m_sum, moved_sum = torch.zeros_like(to_target), torch.zeros_like(x)
        for here in stretches:
            z1, z2 = kept[:, here] if keep else kept[:, : here.stop - here.start]
            z0, m = spare[:, : here.stop - here.start]
            apart = edges.meet(here, z0, m)
            edges.message(_silu(z0, out=z0), z1, m, z2)
            g = torch.mm(_silu(z2, out=z0), gate_out.t(), out=gates[here])
            target = graph.target[here]
            m_sum.index_add_(0, target, m)
            moved_sum.index_add_(0, target, apart.mul_(g.clamp(-bound, bound)))
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(
            to_target, to_source, x, *weights, a, length, *([kept, gates] if keep else [])
        )
        ctx.graph, ctx.bound = graph, bound
        return m_sum, moved_sum

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, d_m_sum: Tensor | None, d_moved_sum: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        to_target, to_source, x, *rest = ctx.saved_tensors
        weights, (a, length, *kept) = EdgeWeights(*rest[:6]), rest[6:]
        graph, bound = ctx.graph, ctx.bound
        edges = _Edges(to_target, to_source, x, a, weights, graph, length)
        stretches, rows = edges.stretches()
        spare = x.new_empty((5 if kept else 7, rows, to_target.shape[1]))
        d_target, d_source = torch.zeros_like(to_target), torch.zeros_like(to_source)
        d_x = torch.zeros_like(x)
        d_weights = EdgeWeights(*(torch.zeros_like(weight) for weight in weights))
        d_edge = weights.edge.new_zeros(weights.edge.shape[::-1])
        by_a = ctx.needs_input_grad[3 + len(weights)]
        d_a = torch.empty_like(a) if by_a else None
        if d_moved_sum is None:
            d_moved_sum = torch.zeros_like(x)
        for here in stretches:
            z0, a0, m, up, down, *again = spare[:, : here.stop - here.start]
            target, source = graph.target[here], graph.source[here]
            apart = edges.meet(here, z0, m)
            _silu(z0, out=a0)
            if kept:
                (z1, z2), gates = kept[0][:, here], kept[1][here]
                _silu(z1, out=m)
                b = _silu(z2, out=up)
            else:
                z1, z2 = again
                edges.message(a0, z1, m, z2)
                b = _silu(z2, out=up)
                gates = b @ weights.gate_out.t()
            # 1. displacements and gates
            d_moved = d_moved_sum.index_select(0, target)
            d_gates = (d_moved * apart).sum(dim=-1, keepdim=True)
            d_gates *= gates.abs() <= bound
            d_apart = d_moved.mul_(gates.clamp(-bound, bound))
            d_weights.gate_out.addmm_(d_gates.t(), b)
            # 2. from the gates to the messages
            d_z = _silu_backward(torch.mul(d_gates, weights.gate_out, out=down), z2, grad_input=up)
            _add_gradients(d_weights.gate, d_weights.gate_bias, d_z, m)
            d_m = torch.mm(d_z, weights.gate, out=down)
            if d_m_sum is not None:
                d_m += torch.index_select(d_m_sum, 0, target, out=m)
            # 3. from the messages to what meets at an edge
            d_z = _silu_backward(d_m, z1, grad_input=up)
            _add_gradients(d_weights.message, d_weights.message_bias, d_z, a0)
            d_a0 = torch.mm(d_z, weights.message, out=down)
            d_z = _silu_backward(d_a0, z0, grad_input=up)
            d_edge.addmm_(edges.invariants(here, apart).t(), d_z)
            d_target.index_add_(0, target, d_z)
            d_source.index_add_(0, source, d_z)
            if d_a is not None:
                torch.mm(d_z, weights.edge[:, 1:], out=d_a[here])
            # 4. from the squared lengths to the positions
            d_squared = d_z @ weights.edge[:, :1]
            d_apart.addcmul_(apart, d_squared / length.square(), value=2)
            d_x.index_add_(0, target, d_apart)
            d_x.index_add_(0, source, d_apart, alpha=-1)
        d_weights = d_weights._replace(edge=d_edge.t())
        return d_target, d_source, d_x, *d_weights, d_a, None, None, None, None


class _Edges(NamedTuple):
    """What the edges are made of, and the steps that both passes share."""

    to_target: Tensor
    to_source: Tensor
    x: Tensor
    a: Tensor
    weights: EdgeWeights
    graph: Graph
    length: Tensor

    def stretches(self) -> tuple[list[slice], int]:
        """Stretches of about equal length that make up all edges, and the longest."""
        edges = len(self.a)
        count = max(round(edges / (_CPU_ROWS if self.a.is_cpu else _GPU_ROWS)), 1)
        bounds = [edges * k // count for k in range(count + 1)]
        return [slice(*ends) for ends in pairwise(bounds)], -(-edges // count)

    def invariants(self, here: slice, apart: Tensor) -> Tensor:
        """(edges here, 1 + w) squared lengths, in the unit, and what else is known of the edges."""
        squared = (apart / self.length).square_().sum(dim=-1, keepdim=True)
        return torch.cat([squared, self.a[here]], dim=-1)

    def meet(self, here: slice, z0: Tensor, buffer: Tensor) -> Tensor:
        """Fill in what both ends and the edge itself add up to; (edges here, 3) displacements."""
        target, source = self.graph.target[here], self.graph.source[here]
        apart = self.x.index_select(0, target)
        apart -= self.x.index_select(0, source)
        torch.index_select(self.to_target, 0, target, out=z0)
        z0 += torch.index_select(self.to_source, 0, source, out=buffer)
        z0.addmm_(self.invariants(here, apart), self.weights.edge.t())
        return apart

    def message(self, a0: Tensor, z1: Tensor, m: Tensor, z2: Tensor) -> None:
        """Fill in the messages, and what SiLU is taken of to come to them and to the gates."""
        weights = self.weights
        torch.addmm(weights.message_bias, a0, weights.message.t(), out=z1)
        _silu(z1, out=m)
        torch.addmm(weights.gate_bias, m, weights.gate.t(), out=z2)


def _add_gradients(d_weight: Tensor, d_bias: Tensor, d_out: Tensor, x: Tensor) -> None:
    """Add the gradients of a linear map's weight and bias."""
    d_weight.addmm_(d_out.t(), x)
    d_bias += d_out.sum(dim=0)
