"""Equation 8, computed three ways: by loops, densely, and factorised by type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from painet_cli.data.batches.graph import Graph
from painet_cli.models.painet.attention import (
    attend_dense,
    attend_factorised,
    dense_is_cheaper,
)
from painet_cli.models.painet.type_groups import group_by_type
from systems import normal, typed, unit_rows

TOLERANCE = {"rtol": 1e-10, "atol": 1e-10}
Inputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
Attend = Callable[..., Tensor]

both_forms = pytest.mark.parametrize("attend", [attend_dense, attend_factorised])


def inputs(graph: Graph, types: int, *, heads: int = 2, d: int = 4, seed: int = 0) -> Inputs:
    """Unit q and k, any v, and tables with phi > psi > 0 that are not symmetric."""
    m = graph.num_nodes
    psi = normal(heads, types, types, seed=seed).exp()
    phi = psi + normal(heads, types, types, seed=seed + 1).exp()
    q, k = (unit_rows(heads, m, d, seed=seed + offset) for offset in (2, 3))
    made = (q, k, normal(heads, m, d, seed=seed + 4), phi, psi)
    for tensor in made:
        tensor.requires_grad_()
    return made


def attend_by_loops(
    q: Tensor, k: Tensor, v: Tensor, phi: Tensor, psi: Tensor, graph: Graph
) -> Tensor:
    out = torch.empty_like(v)
    for head in range(len(q)):
        for i in range(graph.num_nodes):
            numerator, denominator = torch.zeros_like(v[head, i]), 0.0
            for j in range(graph.num_nodes):
                if graph.system[i] != graph.system[j]:
                    continue
                pair = (head, int(graph.types[i]), int(graph.types[j]))
                weight = phi[pair] + psi[pair] * (q[head, i] @ k[head, j])
                numerator = numerator + weight * v[head, j]
                denominator = denominator + weight
            out[head, i] = numerator / denominator
    return out


def values_and_gradients(attend: Attend, graph: Graph, given: Inputs) -> list[Tensor]:
    out = attend(*given, graph)
    sensitivity = normal(*out.shape, seed=99)
    return [out.detach(), *torch.autograd.grad((out * sensitivity).sum(), given)]


def assert_forms_agree(types_of: Sequence[Sequence[int]], types: int, **sizes: int) -> None:
    graph = typed(types_of)
    given = inputs(graph, types, **sizes)
    dense = values_and_gradients(attend_dense, graph, given)
    factorised = values_and_gradients(attend_factorised, graph, given)
    for left, right in zip(dense, factorised, strict=True):
        torch.testing.assert_close(left, right, **TOLERANCE)


SYSTEMS = {
    "one system": ([[0, 1, 2, 1, 0]], 3),
    "one particle": ([[0]], 1),
    "equal systems": ([[0, 1, 2], [2, 2, 0], [1, 1, 1]], 3),
    "unequal systems": ([[0, 1, 2, 1, 0], [2], [1, 0]], 3),
    "one type": ([[0, 0, 0, 0], [0, 0]], 1),
    "as many types as particles": ([[3, 0, 2, 1], [1, 2, 3, 0]], 4),
    "types absent everywhere": ([[5, 5, 1], [1, 1, 1]], 7),
}
every_system = pytest.mark.parametrize(("types_of", "types"), SYSTEMS.values(), ids=SYSTEMS.keys())


@both_forms
@every_system
def test_is_equation_8(attend: Attend, types_of: list[list[int]], types: int) -> None:
    graph = typed(types_of)
    given = inputs(graph, types)
    torch.testing.assert_close(attend(*given, graph), attend_by_loops(*given, graph), **TOLERANCE)


@every_system
def test_both_forms_agree_in_values_and_gradients(types_of: list[list[int]], types: int) -> None:
    assert_forms_agree(types_of, types)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 130])
@pytest.mark.parametrize("others", [0, 1, 64])
def test_both_forms_agree_around_the_bounds_of_a_chunk(size: int, others: int) -> None:
    mixed = [0] * size + [1] * others + [2]
    assert_forms_agree([mixed], types=3, d=3)
    assert_forms_agree([mixed[::-1], [1, 0], mixed], types=3, d=3)


@settings(max_examples=60)
@given(
    types_of=st.integers(1, 5).flatmap(
        lambda types: st.tuples(
            st.lists(
                st.lists(st.integers(0, types - 1), min_size=1, max_size=9),
                min_size=1,
                max_size=4,
            ),
            st.just(types),
        )
    ),
    heads=st.integers(1, 3),
    d=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_both_forms_agree_on_any_systems(
    types_of: tuple[list[list[int]], int], heads: int, d: int, seed: int
) -> None:
    assert_forms_agree(*types_of, heads=heads, d=d, seed=seed)


@both_forms
def test_reads_a_weighted_mean(attend: Attend) -> None:
    """Positive weights that sum to one: equal values are read as they are, others within bounds."""
    graph = typed([[0, 1, 1, 0, 2], [2, 2, 1]])
    q, k, v, phi, psi = inputs(graph, 3)
    same = torch.full_like(v, 3.5)
    torch.testing.assert_close(attend(q, k, same, phi, psi, graph), same, **TOLERANCE)
    read = attend(q, k, v, phi, psi, graph)[:, :5]
    assert (read <= v[:, :5].amax(dim=1, keepdim=True)).all()
    assert (read >= v[:, :5].amin(dim=1, keepdim=True)).all()


def test_a_million_particles_are_summed_in_float32() -> None:
    types = torch.randint(0, 5, (1_000_000,), generator=torch.Generator().manual_seed(1))
    graph = typed([types.tolist()])
    q, k, v, phi, psi = (part.detach() for part in inputs(graph, 5, heads=1, d=2))
    v = v + 10  # sums far from zero, where adding one by one would lose digits
    exact = attend_factorised(q, k, v, phi, psi, graph)
    single = attend_factorised(*(part.float() for part in (q, k, v, phi, psi)), graph)
    torch.testing.assert_close(single.double(), exact, rtol=2e-6, atol=0)


def test_under_autocast_sums_stay_in_float32() -> None:
    graph = typed([[k % 3 for k in range(400)]])
    q, k, v, phi, psi = (part.detach().float() for part in inputs(graph, 3))
    exact = attend_factorised(q, k, v, phi, psi, graph)
    lowered = [part.bfloat16() for part in (q, k, v)]
    with torch.autocast("cpu", torch.bfloat16):
        read = attend_factorised(*lowered, phi, psi, graph)
    assert read.dtype is torch.float32
    rounded = attend_factorised(*(part.float() for part in lowered), phi, psi, graph)
    assert torch.equal(read, rounded)  # the inputs were rounded, no sum was
    torch.testing.assert_close(read, exact, rtol=0.02, atol=0.02)


def test_groups_hold_every_particle_once_and_no_two_types() -> None:
    graph = typed([[0] * 5 + [2] * 4, [2] * 3 + [0]])
    groups = group_by_type(graph, types=3, chunk=2)
    assert groups.size.tolist() == [5, 0, 4, 1, 0, 3]
    rows = groups.rows.flatten()
    assert torch.equal(rows[groups.place], torch.arange(graph.num_nodes))
    assert sorted([*groups.place.tolist(), *groups.empty.tolist()]) == list(range(len(rows)))
    assert groups.of_chunk.tolist() == [0, 0, 0, 2, 2, 3, 5, 5]
    group = groups.of_chunk.repeat_interleave(2)[groups.place]
    assert torch.equal(graph.system * 3 + graph.types, group)


@pytest.mark.parametrize("types", [1, 5, 80])
def test_a_protein_leaves_few_places_empty(types: int) -> None:
    graph = typed([[k % types for k in range(3341)]])
    assert group_by_type(graph, types).rows.numel() < 1.25 * 3341


@pytest.mark.parametrize(
    ("particles", "types", "d", "dense"),
    [
        pytest.param(31, 31, 128, True, id="mocap"),
        pytest.param(21, 4, 64, True, id="aspirin"),
        pytest.param(3341, 5, 64, False, id="protein"),
    ],
)
def test_the_cheaper_form(particles: int, types: int, d: int, dense: bool) -> None:
    graph = typed([[0] * particles])
    assert dense_is_cheaper(graph, types, d) is dense
    assert dense_is_cheaper(graph.repeat(4), types, d) is dense


def test_systems_of_unequal_size_are_factorised() -> None:
    assert not dense_is_cheaper(typed([[0, 1], [0]]), types=2, d=64)


class LargestTensor(TorchDispatchMode):
    """Notes the most elements of any tensor that an operation gives."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, Tensor):
                self.elements = max(self.elements, tensor.numel())
        return out


def largest_tensor(attend: Attend, particles: int, d: int) -> int:
    graph = typed([[k % 5 for k in range(particles)]])
    q, k, v, phi, psi = inputs(graph, 5, heads=1, d=d)
    with LargestTensor() as largest:
        attend(q, k, v, phi, psi, graph).sum().backward()
    return largest.elements


def test_the_factorised_form_needs_memory_in_proportion_to_particles() -> None:
    d = 8
    assert largest_tensor(attend_dense, 500, d) == 500**2
    assert largest_tensor(attend_factorised, 500, d) < 500**2 / 10
    particles = 20_000
    assert largest_tensor(attend_factorised, particles, d) < 1.1 * particles * (d + 1)
