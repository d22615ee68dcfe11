"""Edges by distance: who is joined, how they are batched, kept and made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from painet_cli.data.batches import windows as windows_module
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.cut import windows_of
from painet_cli.data.batches.graph import Graph
from painet_cli.data.batches.symmetries import Symmetries
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.errors import PainetError
from painet_cli.models.baselines.straight_line import StraightLine
from painet_cli.prediction.rollout import rollout
from systems import BRANCHED, CHAIN, frames_of, manifest, normal

CPU = torch.device("cpu")
CUTOFF = 1.5


def near(cutoff: float = CUTOFF) -> Graph:
    graph = bond_graph(CHAIN.types, CHAIN.bonds, hops=1)
    return graph.within(cutoff, 2)


def joined(graph: Graph) -> dict[tuple[int, int], int]:
    return {
        (int(j), int(i)): int(hop)
        for (j, i), hop in zip(graph.edge_index.t(), graph.edge_hop, strict=True)
    }


def expected(positions: Tensor, cutoff: float = CUTOFF) -> dict[tuple[int, int], int]:
    """The edges of chains side by side, found pair by pair."""
    n = len(CHAIN.types)
    edges = {}
    for first in range(0, len(positions), n):
        for i in range(n):
            for j in range(n):
                pair = (first + j, first + i)
                apart = (positions[first + i] - positions[first + j]).norm()
                if (i, j) in CHAIN.bonds or (j, i) in CHAIN.bonds:
                    edges[pair] = 1
                elif i != j and apart <= cutoff:
                    edges[pair] = 2
    return edges


@given(seed=st.integers(0, 2**31), copies=st.integers(1, 4), size=st.floats(0.1, 3.0))
def test_joins_the_bonded_and_the_near_of_each_system(seed: int, copies: int, size: float) -> None:
    base = near()
    positions = size * normal(copies * base.num_nodes, 3, seed=seed)
    graph = base.repeat(copies).at(positions)
    assert joined(graph) == expected(positions)
    assert graph.edge_index.shape[1] == len(joined(graph)), "no edge twice"
    assert (graph.target.diff() >= 0).all(), "sorted by target"
    assert graph.num_systems == copies


def test_systems_that_lie_on_top_of_each_other_stay_apart() -> None:
    base = near()
    positions = normal(4, 3, seed=1).repeat(3, 1)
    assert joined(base.repeat(3).at(positions)) == expected(positions)


@pytest.mark.parametrize("away", [torch.nan, torch.inf, 1e30])
def test_a_state_that_has_run_away_keeps_its_bonds_and_leaves_the_others_alone(away: float) -> None:
    base = near()
    positions = normal(12, 3, seed=1)
    positions[5, 0] = away
    graph = base.repeat(3).at(positions)
    alone = expected(
        torch.cat([positions[:4], 9 * torch.arange(4.0)[:, None].expand(4, 3), positions[8:]])
    )
    assert joined(graph) == alone


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    described = manifest()
    return write_dataset(tmp_path / "small", frames_of(described), described)


def windows(dataset: Dataset, graph: Graph) -> Windows:
    return windows_of(dataset, "train", np.array([2, 4]), graph, CPU)


def test_each_window_has_the_edges_of_its_start(dataset: Dataset) -> None:
    batches = list(windows(dataset, near()).batches(3))
    assert [batch.graph.num_systems for batch in batches] == [3, 1]
    for batch in batches:
        assert joined(batch.graph) == expected(batch.positions)


def test_kept_or_not_the_edges_are_the_same(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = windows(dataset, near())
    first = [batch.graph.edge_index for batch in kept.batches(2)]
    assert len(kept._edges) == len(kept)
    again = [batch.graph.edge_index for batch in kept.batches(2)]
    monkeypatch.setattr(windows_module, "_RESIDENT_BYTES", 0)
    never = windows(dataset, near())
    made = [batch.graph.edge_index for batch in never.batches(2)]
    assert not never._edges
    for one, two, three in zip(first, again, made, strict=True):
        assert torch.equal(one, two)
        assert torch.equal(one, three)


def test_a_rollout_makes_the_edges_of_its_own_positions(dataset: Dataset) -> None:
    graphs: list[tuple[Graph, Tensor]] = []

    class Watched(StraightLine):
        def forward(self, batch: Batch) -> Tensor:
            graphs.append((batch.graph, batch.positions))
            return super().forward(batch)

    batch = windows(dataset, near()).batch(torch.tensor([0, 1]))
    rollout(Watched(1), batch, 3, np.array([2]))
    assert len(graphs) == 3
    for graph, positions in graphs:
        assert joined(graph) == expected(positions)
    assert joined(graphs[0][0]) != joined(graphs[2][0])


def test_seen_in_a_mirror_particles_have_the_edges_of_where_they_are(dataset: Dataset) -> None:
    batch = windows(dataset, near()).batch(torch.tensor([0, 1]))
    partners = torch.tensor([[0, 1, 2, 3], [3, 2, 1, 0]])
    seen = Symmetries(partners, torch.ones(2, 3)).applied(batch, torch.tensor([1, 0]))
    assert joined(seen.graph) == expected(seen.positions)
    assert joined(seen.graph) != joined(batch.graph)


@pytest.mark.parametrize("first", [(0, 0, 1, 1), None])
def test_types_of_a_segment_go_into_its_windows(
    tmp_path: Path, first: tuple[int, ...] | None
) -> None:
    described = manifest()
    segments = tuple(
        segment.model_copy(update={"types": types})
        for segment, types in zip(described.segments, (first, (1, 0, 1, 0)), strict=True)
    )
    described = described.model_copy(update={"segments": segments})
    data = write_dataset(tmp_path / "typed", frames_of(described), described)
    own = windows(data, bond_graph(CHAIN.types, CHAIN.bonds, hops=1))
    batch = next(iter(own.batches(10)))
    seconds = [data.manifest.split.train[k] >= 12 for k in range(len(own))]
    types = batch.graph.types.view(-1, 4).tolist()
    usual = list(first or CHAIN.types)
    assert types == [[1, 0, 1, 0] if second else usual for second in seconds]
    assert any(seconds)
    assert not all(seconds)
    assert batch.graph.unit is None, "the systems are not copies of one"


def test_a_graph_with_other_types_shares_what_depends_on_edges_alone() -> None:
    graph = bond_graph(BRANCHED.types, BRANCHED.bonds, hops=1)
    degrees = graph.in_degree
    typed = graph.with_types(torch.zeros_like(graph.types), (0, 0))
    assert typed.in_degree is degrees
    typed.check_types(1)


def test_a_collapsed_state_ends_in_a_sentence_not_in_memory() -> None:
    n = 50_000
    graph = bond_graph((0,) * n, [(0, 1)], hops=1).within(CUTOFF, 2)
    with pytest.raises(PainetError, match="50,000 particles: each has more than 500 others"):
        graph.at(torch.zeros(n, 3))
