"""All-pair attention of equation 8: every particle reads every other, by type and by likeness.

Two ways to the same numbers. `dense` builds the N x N weights. `factorised` never does: phi and psi
depend on types alone, so the sums over particles of one type are taken once and every query reads
E of them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from painet_cli.data.batches.graph import Graph
from painet_cli.models.layers.padded import padded
from painet_cli.models.painet.type_groups import TypeGroups, groups_of


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

    Sums are taken in float32 at least, whatever autocast says.
    """
    groups = groups_of(graph, phi.shape[-1])
    with torch.autocast(q.device.type, enabled=False):
        q, k, v, phi, psi = (
            part.float() if part.dtype in (torch.float16, torch.bfloat16) else part
            for part in (q, k, v, phi, psi)
        )
        return _read(q, k, v, phi, psi, groups)


def _read(
    q: Tensor, k: Tensor, v: Tensor, phi: Tensor, psi: Tensor, groups: TypeGroups
) -> Tensor:  # (heads, M, d)
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
    return groups.scatter((q @ products + values) / total)


def dense_is_cheaper(graph: Graph, types: int, d: int) -> bool:
    """Whether the dense form needs fewer operations than the factorised one."""
    n = graph.nodes_per_system
    return n is not None and n * n < n * d + types * types * d / 2


def _by_system(rows: Tensor, graph: Graph) -> Tensor:
    """(heads, B, N, d) rows of each system; zeros fill up where systems differ in size."""
    if graph.nodes_per_system is not None:
        return rows.reshape(len(rows), graph.num_systems, graph.nodes_per_system, -1)
    return padded(rows.transpose(0, 1), graph)[0].movedim(2, 0)


def _pair_weights(phi: Tensor, psi: Tensor, graph: Graph) -> tuple[Tensor, Tensor, Tensor | None]:
    """Phi and psi of pairs, (heads, B or 1, N, N); (B, N) which places are particles, or None."""
    if graph.unit is not None:  # all systems have the same types: look them up once
        types, mask = graph.unit.types[None], None
    elif graph.nodes_per_system is not None:
        types, mask = graph.types.view(graph.num_systems, graph.nodes_per_system), None
    else:
        types, mask = graph.derived_of_nodes(
            "dense_types",
            lambda: padded(graph.types, graph),
        )
    rows, columns = types[:, :, None], types[:, None, :]
    return phi[:, rows, columns], psi[:, rows, columns], mask
