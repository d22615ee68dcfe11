"""Batches at the API's edge: PyTorch Geometric in and out."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Batch as PyGBatch
from torch_geometric.data import Data

from painet_cli.data.batches.batch import Batch, from_pyg, to_pyg
from painet_cli.errors import RequestError
from systems import BRANCHED, CHAIN, PAIR, RING, equal_systems, side_by_side


def assert_same(left: Batch, right: Batch) -> None:
    for name in ("types", "edge_index", "edge_hop", "ptr"):
        assert torch.equal(getattr(left.graph, name), getattr(right.graph, name)), name
    assert left.graph.nodes_per_system == right.graph.nodes_per_system
    assert torch.equal(left.positions, right.positions)
    assert torch.equal(left.velocities, right.velocities)
    assert (left.targets is None) == (right.targets is None)
    if left.targets is not None and right.targets is not None:
        assert torch.equal(left.targets, right.targets)


@pytest.mark.parametrize("horizon", [1, 5])
@pytest.mark.parametrize("copies", [1, 3])
def test_equal_systems_go_out_and_come_back(copies: int, horizon: int) -> None:
    batch = equal_systems(BRANCHED, copies, horizon=horizon)
    assert_same(from_pyg(to_pyg(batch)), batch)


def test_unequal_systems_go_out_and_come_back() -> None:
    batch = side_by_side([equal_systems(molecule) for molecule in (CHAIN, PAIR, RING)])
    assert batch.graph.ptr.tolist() == [0, 4, 6, 12]
    assert batch.graph.nodes_per_system is None
    assert_same(from_pyg(to_pyg(batch)), batch)


def test_each_system_is_its_own_data() -> None:
    parts = [equal_systems(CHAIN, seed=1, horizon=2), equal_systems(PAIR, seed=2, horizon=2)]
    for data, part in zip(to_pyg(side_by_side(parts)).to_data_list(), parts, strict=True):
        assert_same(from_pyg(data), part)
        assert data.y.shape == (part.graph.num_nodes, 2, 3)
        assert torch.equal(data.y[:, 1], part.known_targets()[1])


def test_without_targets() -> None:
    batch = equal_systems(CHAIN)
    batch = batch.at(batch.positions, batch.velocities)
    assert_same(from_pyg(to_pyg(batch)), batch)
    with pytest.raises(RequestError, match="no targets"):
        batch.known_targets()


def data(**fields: object) -> Data:
    made = to_pyg(equal_systems(CHAIN)).to_data_list()[0]
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def test_edges_without_hops_are_bonds() -> None:
    batch = from_pyg(data(edge_hop=None))
    assert batch.graph.edge_hop.tolist() == [1] * batch.graph.edge_index.shape[1]


def test_edges_may_come_in_any_order() -> None:
    whole = data()
    turned = data(edge_index=whole.edge_index.flip(1), edge_hop=whole.edge_hop.flip(0))
    assert_same(from_pyg(turned), from_pyg(whole))


@pytest.mark.parametrize("name", ["pos", "vel", "types", "edge_index"])
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(RequestError, match=f"Data.{name} is missing"):
        from_pyg(data(**{name: None}))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("pos", (4, 2)),
        ("vel", (3, 3)),
        ("vel", (4, 3, 1)),
        ("types", (4, 1)),
        ("types", (5,)),
        ("edge_index", (3, 10)),
        ("edge_hop", (9,)),
        ("edge_hop", (10, 1)),
        ("y", (4, 3)),
        ("y", (1, 4, 3)),
        ("y", (4, 1, 2)),
    ],
)
def test_a_wrong_shape_is_named(name: str, shape: tuple[int, ...]) -> None:
    kind = torch.int64 if name in ("types", "edge_index", "edge_hop") else torch.float64
    with pytest.raises(RequestError, match=f"Data.{name} has shape"):
        from_pyg(data(**{name: torch.ones(shape, dtype=kind)}))


@pytest.mark.parametrize("name", ["types", "edge_index", "edge_hop"])
def test_types_and_edges_are_whole_numbers(name: str) -> None:
    whole = data()[name]
    with pytest.raises(RequestError, match=f"Data.{name} is torch.float64\nexpected whole numbers"):
        from_pyg(data(**{name: whole.double()}))
    assert_same(from_pyg(data(**{name: whole.int()})), from_pyg(data()))


@pytest.mark.parametrize("end", [-1, 4])
def test_an_edge_to_nowhere_is_refused(end: int) -> None:
    edges = data().edge_index.clone()
    edges[1, -1] = end
    with pytest.raises(RequestError, match="joins no two of the 4 particles"):
        from_pyg(data(edge_index=edges))


def test_a_batch_moves_to_another_device_whole() -> None:
    batch = equal_systems(CHAIN).to(torch.device("meta"))
    tensors = (batch.positions, batch.velocities, batch.known_targets(), batch.graph.types)
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_a_batch_of_pyg_batches_keeps_its_order() -> None:
    parts = [equal_systems(CHAIN, seed=seed) for seed in range(3)]
    joined = from_pyg(PyGBatch.from_data_list([to_pyg(part).to_data_list()[0] for part in parts]))
    assert torch.equal(joined.positions, torch.cat([part.positions for part in parts]))
    assert joined.graph.nodes_per_system == 4
