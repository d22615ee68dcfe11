"""Particles of all times by system: where each goes, and that all come back."""

from __future__ import annotations

import pytest
import torch

from painet_cli.data.batches.batch import Batch
from painet_cli.models.layers.padded import Rows
from systems import BRANCHED, CHAIN, PAIR, equal_systems, normal, side_by_side

UNEQUAL = [equal_systems(molecule) for molecule in (PAIR, BRANCHED, CHAIN)]


@pytest.mark.parametrize(
    "batch", [equal_systems(CHAIN, 3), side_by_side(UNEQUAL)], ids=["equal", "unequal"]
)
def test_what_is_set_apart_comes_back_as_it_was(batch: Batch) -> None:
    graph = batch.graph
    given, rows = normal(2, graph.num_nodes, 4, seed=1), Rows(graph, 2)
    apart = rows.gather(given)
    assert apart.shape == (3, 2 * rows.size, 4)
    assert torch.equal(rows.scatter(apart), given)


def test_smaller_systems_are_filled_up_with_zeros_that_the_mask_leaves_out() -> None:
    graph = side_by_side(UNEQUAL).graph
    rows = Rows(graph, 2)
    apart = rows.gather(torch.ones(2, graph.num_nodes, 1))
    assert rows.size == int(graph.ptr.diff().max())
    assert rows.mask is not None
    assert torch.equal(apart[..., 0] == 1, rows.mask[:, 0, 0])
    assert (apart.sum(dim=(1, 2)) == 2 * graph.ptr.diff()).all(), "those of every time"


def test_equal_systems_need_no_mask() -> None:
    assert Rows(equal_systems(CHAIN, 3).graph, 2).mask is None
