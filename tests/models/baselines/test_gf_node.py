"""GF-NODE: the modes it is built on, the steps of its ODE, and what it does not promise."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torchdiffeq import odeint

from painet_cli.config.models import GfNodeConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph, graph_of
from painet_cli.errors import RequestError
from painet_cli.models.baselines import gf_node as gf_node_module
from painet_cli.models.baselines.dopri5 import equal_steps
from painet_cli.models.baselines.gf_node import GfNode, ModeFlow
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
TIMES = torch.tensor([0.2, 0.7, 1.0], dtype=torch.float64)


def gf_node(horizon: int = 1) -> GfNode:
    torch.manual_seed(0)
    chosen = preset({"name": "gf-node", "layers": 2, "hidden": 8}, horizon)
    assert isinstance(chosen.model, GfNodeConfig)
    model = GfNode.build(chosen.model, chosen, SPEC).double()
    shaken(model, scale=0.1)
    return model.eval()


def flow(*, rtol: float = 1e-5, atol: float = 1e-6, scale: float = 0.1) -> ModeFlow:
    torch.manual_seed(0)
    made = ModeFlow(4, 2, 16, rtol=rtol, atol=atol).double()
    shaken(made, scale=scale)
    return made.eval()


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


def literal(module: ModeFlow, t: Tensor, y: Tensor) -> Tensor:
    """The right-hand side as it is written, map by map."""
    z = torch.cat([y, t.expand(*y.shape[:-1], 16)], dim=-1)
    scores = module.query(z) @ module.key(y).transpose(-1, -2) / len(module.key.weight) ** 0.5
    read = module.post(module.out(scores.softmax(dim=-1) @ module.value(z)))
    return torch.einsum("brmd,mdc->brmc", read, module.weight)


def test_the_maps_multiplied_out_are_the_maps_in_a_row() -> None:
    module, y, t = flow(), normal(3, 2, 2, 4, seed=1), torch.tensor(0.3, dtype=torch.float64)
    torch.testing.assert_close(module._flow()(t, y), literal(module, t, y))


@torch.no_grad()
@pytest.mark.parametrize(("rtol", "atol"), [(1e-3, 1e-4), (1e-5, 1e-6), (1e-8, 1e-9)])
def test_the_solution_is_as_good_as_its_tolerances(rtol: float, atol: float) -> None:
    module, start = flow(rtol=rtol, atol=atol, scale=0.2), normal(3, 2, 2, 4, seed=1)
    exact = odeint(
        lambda t, y: literal(module, t, y),
        start,
        torch.cat([torch.zeros(1, dtype=torch.float64), TIMES]),
        rtol=1e-12,
        atol=1e-12,
        method="dopri5",
    )[1:]
    error = (module._solve(start, TIMES) - exact).abs() / (atol + rtol * exact.abs())
    assert error.max() < 10


@torch.no_grad()
@pytest.mark.parametrize("steps", [1, 2, 8])
def test_equal_steps_are_those_of_torchdiffeq(steps: int) -> None:
    module, start = flow(), normal(3, 2, 2, 4, seed=1)
    ours, errors = equal_steps(module._flow(), start, TIMES.tolist(), steps, rtol=1e-5, atol=1e-6)
    grid = {"norm": lambda error: error.new_zeros(()), "first_step": 1 / steps}
    theirs = odeint(
        module._flow(),
        start,
        torch.cat([torch.zeros(1, dtype=torch.float64), TIMES]),
        method="dopri5",
        options={**grid, "max_step": 1 / steps},
    )
    torch.testing.assert_close(ours, theirs[1:], rtol=1e-12, atol=1e-12)
    assert errors.shape == (3,)


@torch.no_grad()
def test_each_system_takes_the_steps_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    module, start = flow(scale=0.2), normal(3, 2, 2, 4, seed=1)
    start[1] *= 4.0  # its own tempo
    attempts: list[tuple[int, int]] = []

    def noted(
        f: torch.nn.Module, some: Tensor, times: list[float], steps: int, **tolerances: float
    ) -> tuple[Tensor, Tensor]:
        attempts.append((steps, len(some)))
        return equal_steps(f, some, times, steps, **tolerances)

    monkeypatch.setattr(gf_node_module, "equal_steps", noted)
    together = module._solve(start, TIMES)
    assert attempts[0] == (1, 3)
    assert attempts[-1][1] < 3, "some are done before others"
    for k in range(3):
        alone = module._solve(start[k : k + 1], TIMES)
        torch.testing.assert_close(together[:, k : k + 1], alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("scale", "start"), [(1.0, 3.0), (0.1, float("nan"))], ids=["too stiff", "not finite"]
)
def test_an_ode_that_cannot_be_solved_is_refused(
    scale: float, start: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("painet_cli.models.baselines.gf_node._MOST_STEPS", 8)
    with pytest.raises(RequestError, match="gf-node: its ODE"):
        flow(scale=scale)._solve(torch.full((1, 1, 2, 4), start, dtype=torch.float64), TIMES)


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
