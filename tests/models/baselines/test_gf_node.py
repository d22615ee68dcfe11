"""GF-NODE: the modes it is built on, and what it does not promise."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from painet_cli.config.models import GfNodeConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph, graph_of
from painet_cli.models.baselines.gf_node import GfNode
from painet_cli.models.baselines.laplacian_modes import mode_basis, slow_modes
from painet_cli.models.layers.temporal import time_embeddings
from systems import (
    BRANCHED,
    CHAIN,
    PAIR,
    RING,
    SPEC,
    Molecule,
    equal_systems,
    normal,
    preset,
    shaken,
    side_by_side,
)

# a chain whose two ends are of one type, so that only their neighbours tell them apart
ENDS_ALIKE = Molecule((0, 1, 2, 0), ((0, 1), (1, 2), (2, 3)))
ONE_TYPE = Molecule((0, 0, 0, 0), ((0, 1), (1, 2), (2, 3)))


def gf_node(horizon: int = 1) -> GfNode:
    torch.manual_seed(0)
    chosen = preset({"name": "gf-node", "layers": 2, "hidden": 8}, horizon)
    assert isinstance(chosen.model, GfNodeConfig)
    model = GfNode.build(chosen.model, chosen, SPEC).double()
    shaken(model, scale=0.1)
    return model.eval()


def molecule_modes(molecule: Molecule, modes: int) -> Tensor:
    return slow_modes(*_bonded(molecule), modes)


def _bonded(molecule: Molecule) -> tuple[Tensor, Tensor]:
    one_way = torch.tensor(molecule.bonds).t()
    return torch.tensor(molecule.types), torch.cat([one_way, one_way.flip(0)], dim=1)


def laplacian(molecule: Molecule) -> Tensor:
    types, bonds = _bonded(molecule)
    adjacency = torch.zeros(len(types), len(types), dtype=torch.float64)
    adjacency[bonds[0], bonds[1]] = 1
    return adjacency.sum(dim=0).diag() - adjacency


def relabelled(molecule: Molecule, order: Tensor) -> Molecule:
    name = torch.argsort(order).tolist()
    return Molecule(
        tuple(molecule.types[k] for k in order.tolist()),
        tuple((name[a], name[b]) for a, b in molecule.bonds),
    )


@pytest.mark.parametrize("molecule", [CHAIN, RING, BRANCHED, PAIR], ids=lambda m: len(m.types))
def test_modes_are_the_first_eigenvectors_of_the_bonds_laplacian(molecule: Molecule) -> None:
    modes = len(molecule.types)
    basis = molecule_modes(molecule, modes)
    torch.testing.assert_close(basis.t() @ basis, torch.eye(modes, dtype=torch.float64))
    spectrum = basis.t() @ laplacian(molecule) @ basis
    torch.testing.assert_close(
        spectrum, torch.linalg.eigvalsh(laplacian(molecule)).diag(), rtol=0, atol=1e-12
    )
    assert (basis[:, 0] > 0).all(), "the mean, and not its negative"


@pytest.mark.parametrize("molecule", [CHAIN, BRANCHED, ENDS_ALIKE], ids=["types", "bonds", "both"])
@pytest.mark.parametrize("seed", range(5))
def test_modes_do_not_depend_on_the_order_of_particles(molecule: Molecule, seed: int) -> None:
    order = torch.randperm(len(molecule.types), generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(
        molecule_modes(relabelled(molecule, order), 3), molecule_modes(molecule, 3)[order]
    )


@pytest.mark.parametrize(
    ("molecule", "symmetry"),
    [
        pytest.param(ONE_TYPE, torch.arange(4).flip(0), id="chain reversed"),
        pytest.param(RING, torch.arange(6).roll(2), id="ring turned"),
    ],
)
def test_where_a_symmetry_keeps_all_types_the_order_decides(
    molecule: Molecule, symmetry: Tensor
) -> None:
    same = relabelled(molecule, symmetry)
    assert same.types == molecule.types
    assert torch.equal(laplacian(same), laplacian(molecule))
    basis = molecule_modes(molecule, 2)
    torch.testing.assert_close(molecule_modes(same, 2), basis)
    assert (basis[symmetry] - basis).abs().max() > 0.1, "the symmetry moves the mode"


def test_missing_modes_are_zero() -> None:
    basis = molecule_modes(PAIR, 4)
    assert (basis[:, 2:] == 0).all()
    assert (basis[:, :2] != 0).all()


def test_every_system_of_a_batch_has_its_own_modes() -> None:
    molecules = (BRANCHED, PAIR, RING, CHAIN)
    graph = side_by_side([equal_systems(molecule) for molecule in molecules]).graph
    basis = mode_basis(graph, 2)
    for molecule, (first, end) in zip(molecules, pairwise(graph.ptr.tolist()), strict=True):
        assert torch.equal(basis[first:end], molecule_modes(molecule, 2))
    assert mode_basis(graph, 2) is basis


def test_the_times_of_a_step_are_told_by_sines_and_cosines() -> None:
    told = time_embeddings(torch.tensor([0.0, 5.0], dtype=torch.float64), 4)
    expected = torch.tensor([[0.0, 0.0, 1.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(told[:1], expected)
    angles = torch.tensor([5.0, 5e-4], dtype=torch.float64)
    torch.testing.assert_close(told[1], torch.cat([angles.sin(), angles.cos()]))


@torch.no_grad()
def test_it_moves_with_a_shift_but_not_with_a_turn() -> None:
    model, batch = gf_node(5), equal_systems(BRANCHED, 2)
    predicted = model(batch)
    shift = 5 * normal(3, seed=4)
    shifted = model(batch.at(batch.positions + shift, batch.velocities))
    torch.testing.assert_close(shifted, predicted + shift, rtol=1e-10, atol=1e-10)
    turn = torch.tensor([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]], dtype=torch.float64)
    turned = model(batch.at(batch.positions @ turn, batch.velocities @ turn))
    assert (turned - predicted @ turn).abs().max() > 1e-2, "as the published code"


@torch.no_grad()
def test_a_single_particle_has_one_mode() -> None:
    nothing = torch.zeros(0, dtype=torch.int64)
    graph: Graph = graph_of(torch.zeros(1, dtype=torch.int64), nothing.expand(2, 0), nothing)
    batch = Batch(graph, normal(1, 3, seed=1), normal(1, 3, seed=2))
    assert gf_node()(batch).isfinite().all()


def test_in_training_the_solver_steps_for_the_whole_batch_to_the_same_tolerance() -> None:
    model, batch = gf_node(), equal_systems(BRANCHED, 3)
    alone = model(batch)
    together = model.train()(batch)
    assert not torch.equal(alone, together)
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler warns of its own doings
def test_compiled_it_predicts_the_same_in_training_too() -> None:
    model, batch = gf_node(), equal_systems(BRANCHED, 3)
    expected = model(batch), model.train()(batch)
    model.compile_blocks()
    for training, predicted in zip((False, True), expected, strict=True):
        compiled = model.train(training)(batch)
        torch.testing.assert_close(compiled, predicted, rtol=1e-9, atol=1e-9)
