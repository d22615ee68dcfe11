"""Synthetic systems: sown, of any size, and with the neighbour statistics of a real protein."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from painet_cli.benchmark.synthetic_backbone import (
    TYPE_NAMES,
    backbone_graph,
    nearest_pairs,
    synthetic_backbone,
    synthetic_batch,
)

# of adenylate kinase's 855 backbone atoms: mean number of neighbours and its standard deviation
ADK_NEIGHBOURS = {
    3.0: (5.6, 1.0),
    4.0: (10.0, 2.0),
    5.5: (20.2, 4.4),
    8.0: (40.9, 8.6),
    10.0: (68.7, 16.7),
}
ADK_NEAREST = (1.17, 1.28, 1.53)  # angstrom to the nearest neighbour: least, median, most


def neighbours(positions: NDArray[np.floating], radius: float) -> tuple[float, float]:
    counts = cKDTree(positions).query_ball_point(positions, radius, return_length=True) - 1
    return counts.mean(), counts.std()


def nearest(positions: NDArray[np.floating]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = cKDTree(positions).query(positions, k=2)[0][:, 1]
    return distances


def test_has_the_neighbours_of_a_protein() -> None:
    positions = synthetic_backbone(855).positions
    for radius, (mean, deviation) in ADK_NEIGHBOURS.items():
        here = neighbours(positions, radius)
        assert here[0] == pytest.approx(mean, rel=0.13), radius
        assert here[1] == pytest.approx(deviation, rel=0.15), radius
    closest = nearest(positions)
    assert closest.min() > ADK_NEAREST[0] - 0.25
    assert np.median(closest) == pytest.approx(ADK_NEAREST[1], abs=0.1)
    assert closest.max() < ADK_NEAREST[2] + 0.25


def test_the_figures_of_the_protein_are_the_proteins(shared: Path) -> None:
    import MDAnalysis

    folder = shared / "data" / "protein" / "adk"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        atoms = MDAnalysis.Universe(folder / "adk.psf", folder / "adk_dims.dcd")
        positions = atoms.select_atoms("backbone").positions
    for radius, figures in ADK_NEIGHBOURS.items():
        assert neighbours(positions, radius) == pytest.approx(figures, abs=0.06)
    closest = nearest(positions)
    found = (closest.min(), np.median(closest), closest.max())
    assert found == pytest.approx(ADK_NEAREST, abs=0.006)


def test_density_does_not_depend_on_size() -> None:
    inside = []
    for count in (4_000, 32_000):
        positions = synthetic_backbone(count).positions
        middle = np.abs(positions - positions.mean(axis=0)).max(axis=1) < 20
        inside.append(middle.sum() / 40**3)
    assert inside[0] == pytest.approx(inside[1], rel=0.05)
    assert inside[0] == pytest.approx(0.026, rel=0.1)  # atoms a cubic angstrom


def test_a_seed_is_a_system() -> None:
    first, again, other = (synthetic_backbone(103, seed) for seed in (5, 5, 6))
    assert np.array_equal(first.positions, again.positions)
    assert np.array_equal(first.types, again.types)
    assert not np.array_equal(first.positions, other.positions)
    assert first.positions.shape == first.velocities.shape == (103, 3)


def test_types_are_residues_and_atoms_in_the_order_of_the_chain() -> None:
    types = synthetic_backbone(40_000).types
    assert len(TYPE_NAMES) == 80
    assert [TYPE_NAMES[kind].split()[1] for kind in types[:5]] == ["N", "CA", "C", "O", "N"]
    assert len(np.unique(types)) == 80
    leucine = np.mean([name.startswith("LEU") for name in np.array(TYPE_NAMES)[types]])
    assert leucine == pytest.approx(0.0965, abs=0.01)


@pytest.mark.parametrize("count", [100, 1_000, 10_000])
def test_a_particle_has_twenty_neighbours_on_average_at_every_size(count: int) -> None:
    graph = synthetic_batch(count, 1).graph
    assert graph.edge_hop.shape[0] == 20 * count
    assert (graph.target.diff() >= 0).all()
    there = graph.source * count + graph.target
    back = graph.target * count + graph.source
    assert len(there.unique()) == 20 * count
    assert torch.equal(there.sort().values, back.sort().values), "every edge goes both ways"
    assert (graph.source != graph.target).all()


def test_the_pairs_are_the_closest_ones() -> None:
    positions = synthetic_backbone(300).positions.astype(float)
    distances = np.linalg.norm(positions[:, None] - positions, axis=-1)
    chosen = nearest_pairs(positions, 20)
    farthest = distances[tuple(chosen.T)].max()
    assert (distances[np.triu_indices(300, 1)] < farthest).sum() == len(chosen) - 1


def test_too_few_particles_are_joined_all_with_all() -> None:
    assert len(nearest_pairs(synthetic_backbone(8).positions, 20)) == 8 * 7 / 2


def test_bonds_of_the_chain_count_one_hop() -> None:
    backbone = synthetic_backbone(400)
    graph = backbone_graph(backbone)
    bonded = graph.edge_index[:, graph.edge_hop == 1]
    lengths = (backbone.positions[bonded[0]] - backbone.positions[bonded[1]]) ** 2
    assert 2 * 390 < bonded.shape[1] <= 2 * 399  # a chain, whose turns are wider than the cutoff
    assert np.sqrt(np.median(lengths.sum(axis=1))) == pytest.approx(1.4, abs=0.1)
    assert graph.edge_hop.max() == 2


def test_targets_lie_about_straight_lines() -> None:
    batch = synthetic_batch(2_000, 3)
    targets = batch.known_targets()
    assert targets.shape == (3, 2_000, 3)
    for step, target in enumerate(targets, 1):
        off = target - batch.positions - step * batch.velocities
        assert off.mean().abs() < 0.02 * step
        torch.testing.assert_close(off.std(), torch.tensor(0.3 * step), rtol=0.05, atol=0)
