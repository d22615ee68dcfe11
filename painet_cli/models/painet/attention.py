"""All-pair attention of equation 8: every particle reads every other, by type and by likeness.

Two ways to the same numbers. `dense` builds the N x N weights. `factorised` never does: phi and psi
depend on types alone, so the sums over particles of one type are taken once and every query reads
E of them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from painet_cli.data.batches.graph import Graph
from painet_cli.models.painet.type_groups import TypeGroups, groups_of

_SHORTEST = 1e-12  # a vector below it has no direction, as in F.normalize


def unit_rows(
    x: Tensor,  # (..., d)
) -> Tensor:  # (..., d)
    """Vectors of length one along those of x, or zero; the result can be differentiated once."""
    if torch.compiler.is_compiling():
        return F.normalize(x, dim=-1)
    out: Tensor = _UnitRows.apply(x)  # type: ignore[no-untyped-call]
    return out


class _UnitRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        length: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        shrink = length.clamp_(min=_SHORTEST).reciprocal_()
        unit = x * shrink
        ctx.save_for_backward(unit, shrink)
        return unit

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_unit: Tensor) -> Tensor:
        unit, shrink = ctx.saved_tensors
        along = (d_unit * unit).sum(dim=-1, keepdim=True)
        return torch.addcmul(d_unit, unit, along, value=-1).mul_(shrink)


def attend_dense(
    q: Tensor,  # (heads, M, d)
    k: Tensor,  # (heads, M, d)
    v: Tensor,  # (heads, M, d)
    phi: Tensor,  # (heads, E, E)
    psi: Tensor,  # (heads, E, E)
    graph: Graph,
) -> Tensor:  # (heads, M, d)
    """Weighted means of equation 8 over each system, with the N x N weights.

    Queries and keys are unit vectors, systems may differ in size. O(N^2 d) a head and system.
    """
    weights_phi, weights_psi, mask = _pair_weights(phi, psi, graph)
    q, k, v = (_by_system(rows, graph) for rows in (q, k, v))
    weights = torch.addcmul(weights_phi, weights_psi, q @ k.transpose(-1, -2))
    if mask is not None:
        weights = weights * mask[:, None, :]
    out: Tensor = (weights / weights.sum(dim=-1, keepdim=True)) @ v
    return out.flatten(1, 2) if mask is None else out[:, mask]


def attend_factorised(
    q: Tensor,  # (heads, M, d)
    k: Tensor,  # (heads, M, d)
    v: Tensor,  # (heads, M, d)
    phi: Tensor,  # (heads, E, E)
    psi: Tensor,  # (heads, E, E)
    graph: Graph,
) -> Tensor:  # (heads, M, d)
    r"""Weighted means of equation 8 without N x N, in O(N d^2 + E^2 d^2) a head and system.

    With the sums over the particles j of type b in a system, :math:`n_b`, :math:`\bar k_b`,
    :math:`\bar v_b` and :math:`S_b = \sum_j k_j v_j^\top`, a query i of type a reads

    .. math::
        \frac{\sum_b \phi_{ab} \bar v_b + (\sum_b \psi_{ab} S_b)^\top q_i}
             {\sum_b \phi_{ab} n_b + (\sum_b \psi_{ab} \bar k_b) \cdot q_i}.

    Sums are taken in float32 at least, whatever autocast says. The result can be differentiated
    once.
    """
    groups = groups_of(graph, phi.shape[-1])
    with torch.autocast(q.device.type, enabled=False):
        q, k, v, phi, psi = (
            part.float() if part.dtype in (torch.float16, torch.bfloat16) else part
            for part in (q, k, v, phi, psi)
        )
        if torch.compiler.is_compiling():
            return _read(q, k, v, phi, psi, groups)[0]
        out: Tensor = _Factorised.apply(q, k, v, phi, psi, groups)  # type: ignore[no-untyped-call]
        return out


def _read(
    q: Tensor, k: Tensor, v: Tensor, phi: Tensor, psi: Tensor, groups: TypeGroups
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """(heads, M, d) what the queries read, and what the gradient is made of."""
    q, k, v = (groups.gather(rows) for rows in (q, k, v))
    # 1. sums over the particles of a type: counts, keys, values, products
    k_sum, v_sum = groups.total(k.sum(dim=2)), groups.total(v.sum(dim=2))
    kv_sum = groups.total((k.transpose(2, 3) @ v).flatten(2))
    # 2. what a query of each type meets: they, weighted by phi and psi
    count, keys, values = phi @ groups.sizes(q), groups.mix(psi, k_sum), groups.mix(phi, v_sum)
    products = groups.mix(psi, kv_sum)
    # 3. numerator and denominator
    keys, values = groups.to_chunks(keys)[:, :, None], groups.to_chunks(values)[:, :, None]
    products = groups.to_chunks(products).view(*keys.shape[:2], q.shape[-1], -1)
    total = (q * keys).sum(dim=-1, keepdim=True)  # faster than so narrow a product
    total = total + groups.to_chunks(count.transpose(1, 2).reshape(len(q), -1, 1))[..., None]
    out = (q @ products + values) / total
    return groups.scatter(out), (
        q,
        k,
        v,
        phi,
        psi,
        k_sum,
        v_sum,
        kv_sum,
        keys,
        products,
        total,
        out,
    )


class _Factorised(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, phi: Tensor, psi: Tensor, groups: TypeGroups
    ) -> Tensor:
        out, parts = _read(q, k, v, phi, psi, groups)
        ctx.save_for_backward(*parts)
        ctx.groups = groups
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, phi, psi, k_sum, v_sum, kv_sum, keys, products, total, out = ctx.saved_tensors
        groups: TypeGroups = ctx.groups
        # 3. numerator and denominator
        d_read = groups.gather(d_out) / total
        d_total = -(d_read * out).sum(dim=-1, keepdim=True)
        d_q = d_read @ products.transpose(2, 3) + d_total * keys
        d_products = groups.total((q.transpose(2, 3) @ d_read).flatten(2))
        d_keys = groups.total((q * d_total).sum(dim=2))
        d_values, d_count = groups.total(d_read.sum(dim=2)), groups.total(d_total.sum(dim=2))
        # 2. tables, and sums by type
        d_psi = groups.compare(d_products, kv_sum) + groups.compare(d_keys, k_sum)
        sizes = groups.sizes(q).t().reshape(1, -1, 1).expand(len(q), -1, -1)
        d_phi = groups.compare(d_values, v_sum) + groups.compare(d_count, sizes)
        back_phi, back_psi = phi.transpose(1, 2), psi.transpose(1, 2)
        d_kv = groups.to_chunks(groups.mix(back_psi, d_products)).view_as(products)
        d_k_sum = groups.to_chunks(groups.mix(back_psi, d_keys))[:, :, None]
        d_v_sum = groups.to_chunks(groups.mix(back_phi, d_values))[:, :, None]
        # 1. particles
        d_k, d_v = v @ d_kv.transpose(2, 3) + d_k_sum, k @ d_kv + d_v_sum
        d_q, d_k, d_v = (groups.scatter(rows) for rows in (d_q, d_k, d_v))
        return d_q, d_k, d_v, d_phi, d_psi, None


def dense_is_cheaper(graph: Graph, types: int, d: int) -> bool:
    """Whether the dense form needs fewer operations than the factorised one."""
    n = graph.nodes_per_system
    return n is not None and n * n < n * d + types * types * d / 2


def _by_system(rows: Tensor, graph: Graph) -> Tensor:
    """(heads, B, N, d) rows of each system; zeros fill up where systems differ in size."""
    if graph.nodes_per_system is not None:
        return rows.reshape(len(rows), graph.num_systems, graph.nodes_per_system, -1)
    padded, _ = _to_dense(rows.transpose(0, 1), graph)
    return padded.movedim(2, 0)


def _to_dense(values: Tensor, graph: Graph) -> tuple[Tensor, Tensor]:
    """(B, N, ...) values of each system's particles, and (B, N) which places are particles."""
    # PyTorch Geometric takes as long to import as torch, and equal systems do without
    from torch_geometric.utils import to_dense_batch

    padded, mask = to_dense_batch(values, graph.system, batch_size=graph.num_systems)
    return padded, mask


def _pair_weights(phi: Tensor, psi: Tensor, graph: Graph) -> tuple[Tensor, Tensor, Tensor | None]:
    """Phi and psi of pairs, (heads, B or 1, N, N); (B, N) which places are particles, or None."""
    if graph.unit is not None:  # all systems have the same types: look them up once
        types, mask = graph.unit.types[None], None
    elif graph.nodes_per_system is not None:
        types, mask = graph.types.view(graph.num_systems, graph.nodes_per_system), None
    else:
        types, mask = graph.derived_of_nodes(
            "dense_types",
            lambda: _to_dense(graph.types, graph),
        )
    rows, columns = types[:, :, None], types[:, None, :]
    return phi[:, rows, columns], psi[:, rows, columns], mask
