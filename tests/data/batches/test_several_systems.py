"""Batches of unequal systems: what each window is alone, side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from painet_cli.config.schema import DataConfig
from painet_cli.data.batches import system_frames as frames_module
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.cut import windows as windows_of_all
from painet_cli.data.batches.windows import POOL, Windows
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.errors import RequestError
from painet_cli.models.registry import build_model, models_for, system_of
from several import merged, three
from systems import cast, preset, side_by_side

__all__ = ["three"]

DATA = DataConfig(dataset="all", horizon=2, delta_frames=4, hops=2)


def assert_same(batch: Batch, expected: Batch) -> None:
    for name in ("positions", "velocities", "targets", "past"):
        own, other = getattr(batch, name), getattr(expected, name)
        assert (own is None) == (other is None)
        assert own is None or torch.equal(own, other)
    for name in ("types", "edge_index", "edge_hop", "ptr"):
        assert torch.equal(getattr(batch.graph, name), getattr(expected.graph, name))
    assert batch.graph.nodes_per_system == expected.graph.nodes_per_system


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("history", [0, 2])
def test_a_batch_of_unequal_systems_is_its_windows_side_by_side(
    three: list[Dataset],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    history: int,
    *,
    resident: bool,
) -> None:
    if not resident:
        monkeypatch.setattr(frames_module, "_RESIDENT_BYTES", 0)
    data = DATA.model_copy(update={"history": history})
    windows = windows_of_all(merged(three, tmp_path), "train", data)
    chosen = torch.cat([torch.arange(len(windows)).flip(0), torch.tensor([0])])
    alone = [windows.batch(index[None]) for index in chosen]
    assert len({one.graph.num_nodes for one in alone}) > 1
    assert_same(windows.batch(chosen), side_by_side(alone))


def test_a_window_of_a_merged_dataset_is_that_of_its_own(
    three: list[Dataset], tmp_path: Path
) -> None:
    windows = windows_of_all(merged(three, tmp_path), "train", DATA)
    alone = [windows_of_all(one, "train", DATA) for one in three]
    together = windows.batch(torch.arange(len(windows)))
    for name in ("positions", "velocities"):
        parts = [getattr(w.batch(torch.arange(len(w))), name) for w in alone]
        assert torch.equal(getattr(together, name), torch.cat(parts))


def test_a_batch_of_one_of_the_systems_is_made_as_if_there_were_no_other(
    three: list[Dataset], tmp_path: Path
) -> None:
    windows = windows_of_all(merged(three, tmp_path), "train", DATA)
    own = torch.nonzero(windows.systems == 1).flatten()
    batch = windows.batch(own)
    assert_same(batch, windows_of_all(three[1], "train", DATA).batch(torch.arange(len(own))))
    assert batch.graph.unit is not None
    assert batch.graph.unit is windows.batch(own[:2]).graph.unit


@pytest.mark.parametrize("name", [name for name in models_for(2) if name != "kernel"])
def test_a_prediction_does_not_depend_on_the_systems_beside_it(
    three: list[Dataset], tmp_path: Path, name: str
) -> None:
    if name in ("hegnn", "gf-node"):
        pytest.importorskip("e3nn" if name == "hegnn" else "torchdiffeq")
    together = merged(three, tmp_path)
    chosen = preset({"name": name}, horizon=2)
    chosen = chosen.model_copy(update={"data": DATA})
    windows = windows_of_all(together, "train", DATA)
    torch.manual_seed(0)
    model = build_model(chosen, system_of(together.manifest, chosen)[0]).eval()
    model.fit_scales(windows.batches(4))
    model.double()
    with torch.no_grad():
        batch = cast(windows.batch(torch.arange(len(windows))), torch.float64)
        predicted = model(batch)
        bounds = batch.graph.ptr.tolist()
        for k in range(len(windows)):
            alone = model(cast(windows.batch(torch.tensor([k])), torch.float64))
            torch.testing.assert_close(predicted[:, bounds[k] : bounds[k + 1]], alone)


def test_the_windows_of_a_batch_are_of_one_size_where_there_are_enough(
    three: list[Dataset], tmp_path: Path
) -> None:
    windows = windows_of_all(merged(three, tmp_path), "train", DATA)
    order = torch.randperm(len(windows), generator=torch.Generator().manual_seed(0))
    arranged = windows.by_size(order, 2)
    assert sorted(arranged.tolist()) == list(range(len(windows)))
    spreads = [int(np.ptp(windows.sizes[part].numpy())) for part in torch.split(arranged, 2)]
    mixed = [int(np.ptp(windows.sizes[part].numpy())) for part in torch.split(order, 2)]
    assert sum(spreads) < sum(mixed)
    assert len(windows) <= 2 * POOL


def test_batches_of_one_size_come_as_early_as_the_first_of_their_windows_did(
    three: list[Dataset], tmp_path: Path
) -> None:
    windows = windows_of_all(merged(three, tmp_path), "train", DATA)
    for seed in range(5):
        order = torch.randperm(len(windows), generator=torch.Generator().manual_seed(seed))
        place = {window: k for k, window in enumerate(order.tolist())}
        batches = [part.tolist() for part in torch.split(windows.by_size(order, 2), 2)]
        earliest = [min(place[one] for one in batch) for batch in batches if len(batch) == 2]
        assert earliest == sorted(earliest)


def test_windows_of_one_size_keep_the_order_they_are_given(three: list[Dataset]) -> None:
    windows = windows_of_all(three[0], "train", DATA)
    order = torch.tensor([2, 0, 3, 1])
    assert windows.by_size(order, 2) is order


def test_memory_is_planned_for_the_largest_windows(three: list[Dataset], tmp_path: Path) -> None:
    windows = windows_of_all(merged(three, tmp_path), "train", DATA)
    sizes: Tensor = windows.sizes[windows.largest(3)]
    assert sizes.tolist() == sorted(windows.sizes.tolist(), reverse=True)[:3]


def test_a_system_without_bonds_is_named(three: list[Dataset], tmp_path: Path) -> None:
    together = merged(three, tmp_path)
    particles = together.manifest.particles
    bonds = tuple(bond for bond in particles.bonds if min(bond) >= three[0].frames.shape[1])
    bare = particles.model_copy(update={"bonds": bonds})
    manifest = together.manifest.model_copy(update={"particles": bare})
    with pytest.raises(RequestError, match="system chain: no bonds"):
        system_of(manifest, preset({"name": "linear"}))


def test_frames_and_system_of_a_window_are_known(three: list[Dataset], tmp_path: Path) -> None:
    windows: Windows = windows_of_all(merged(three, tmp_path), "train", DATA)
    last = len(windows) - 1
    assert windows.dataset_of(last).manifest.name == "branched"
    assert windows.frames_of(last).tolist() == [13, 14, 15, 17]


def test_edges_by_distance_of_unequal_systems_are_those_of_each_alone(
    three: list[Dataset], tmp_path: Path
) -> None:
    data = DATA.model_copy(update={"cutoff": 1.5})
    windows = windows_of_all(merged(three, tmp_path), "train", data)
    chosen = torch.tensor([0, len(windows) - 1, 5, 0])
    batch = windows.batch(chosen)
    alone = side_by_side([windows.batch(index[None]) for index in chosen])
    assert batch.graph.num_systems == 4
    assert (batch.graph.edge_hop == 3).any()
    assert_same(batch, alone)
    elsewhere = batch.positions * 0.8
    again = batch.at(elsewhere, batch.velocities).graph
    bounds = batch.graph.ptr.tolist()
    for k, index in enumerate(chosen):
        own = windows.batch(index[None]).at(elsewhere[bounds[k] : bounds[k + 1]], batch.velocities)
        here = (again.target >= bounds[k]) & (again.target < bounds[k + 1])
        assert torch.equal(again.edge_index[:, here] - bounds[k], own.graph.edge_index)
