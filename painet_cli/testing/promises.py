"""What models promise, each put to one small model: what is broken raises `AssertionError`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import load_file, save_file

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import graph_of
from painet_cli.testing.derivatives import (
    assert_first_derivatives,
    assert_second_derivatives,
    assert_transforms,
)
from painet_cli.testing.kit import Case
from painet_cli.testing.motions import (
    NOTHING,
    STAYS,
    VERTICAL,
    assert_same,
    deviation,
    orthogonal,
    turn_about,
)
from painet_cli.testing.systems import (
    BRANCHED,
    CHAIN,
    PAIR,
    RING,
    WITH_HEIGHT,
    cast,
    equal_systems,
    normal,
    side_by_side,
)
from painet_cli.training.loss import squared_errors


def predicts_every_step_of_every_particle_and_not_the_start(case: Case) -> None:
    """Shapes are (T, M, 3), particles move, and the steps are told apart."""
    model, batch = case.model(), equal_systems(BRANCHED, 2)
    predicted = model(batch)
    assert predicted.shape == (case.horizon, batch.graph.num_nodes, 3)
    assert predicted.dtype == torch.float64
    moves = (predicted - batch.positions).norm(dim=-1)
    assert moves.min() > 1e-3
    steps = predicted.diff(dim=0).norm(dim=-1)
    assert (steps.mean(dim=1) > 1e-3).all(), "the steps are told apart"


def moves_with_its_systems(case: Case) -> None:
    """E(3): rotations, shifts and reflections of the input are those of the prediction."""
    model, batch = case.model(), equal_systems(BRANCHED, 2)
    for q, shift in (
        (orthogonal(3, 1), NOTHING),
        (STAYS, 5 * normal(3, seed=4)),
        (orthogonal(5, -1), NOTHING),
        (orthogonal(6, -1), 5 * normal(3, seed=7)),
    ):
        assert_same(*deviation(model, batch, q, shift))


def with_height_moves_along_the_ground(case: Case) -> None:
    """With `height`: turns about the vertical, horizontal shifts, mirrors that keep it."""
    model, batch = case.model(WITH_HEIGHT), equal_systems(BRANCHED, 2)
    mirror = torch.diag(torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64))
    for q, shift in (
        (turn_about(1, 2.0), NOTHING),
        (STAYS, (1 - VERTICAL) * 3.0),
        (mirror, NOTHING),
    ):
        assert_same(*deviation(model, batch, q, shift))


def with_height_a_tilt_or_a_lift_changes_the_prediction(case: Case) -> None:
    """With `height` the model does read it."""
    model, batch = case.model(WITH_HEIGHT), equal_systems(BRANCHED, 2)
    for q, shift in ((turn_about(0, 0.5), NOTHING), (STAYS, VERTICAL)):
        actual, expected = deviation(model, batch, q, shift)
        assert (actual - expected).abs().max() > 1e-3


def the_order_of_particles_and_edges_is_of_no_account(case: Case) -> None:
    """Relabelled particles and shuffled edges are predicted alike."""
    model, batch = case.model(), equal_systems(BRANCHED)
    graph = batch.graph
    order = torch.randperm(graph.num_nodes, generator=torch.Generator().manual_seed(1))
    name = torch.argsort(order)  # new name of an old particle
    shuffle = torch.randperm(graph.edge_hop.shape[0], generator=torch.Generator().manual_seed(2))
    relabelled = graph_of(
        graph.types[order], name[graph.edge_index][:, shuffle], graph.edge_hop[shuffle]
    )
    predicted = model(Batch(relabelled, batch.positions[order], batch.velocities[order]))
    assert_same(predicted, model(batch)[:, order])


def a_system_does_not_feel_the_others_of_its_batch(case: Case) -> None:
    """Alone and in any batch a system is predicted alike."""
    model = case.model()
    molecules = enumerate((BRANCHED, PAIR, RING, CHAIN))
    unequal = [equal_systems(molecule, seed=seed) for seed, molecule in molecules]
    for batch in (equal_systems(BRANCHED, 3), side_by_side(unequal)):
        predicted, graph = model(batch), batch.graph
        assert graph.num_systems > 1
        for first, end in zip(graph.ptr[:-1].tolist(), graph.ptr[1:].tolist(), strict=True):
            inside = (graph.target >= first) & (graph.target < end)
            alone = Batch(
                graph_of(
                    graph.types[first:end],
                    graph.edge_index[:, inside] - first,
                    graph.edge_hop[inside],
                ),
                batch.positions[first:end],
                batch.velocities[first:end],
            )
            assert_same(predicted[:, first:end], model(alone))


def a_system_is_predicted_alike_alone_and_beside_its_copies(case: Case) -> None:
    """Whatever states of the same system are in its batch."""
    model, batch = case.model(), equal_systems(BRANCHED, 3)
    n = batch.graph.num_nodes // 3
    unit = equal_systems(BRANCHED).graph
    for k in range(3):
        here = slice(k * n, (k + 1) * n)
        alone = Batch(unit, batch.positions[here], batch.velocities[here])
        assert_same(model(batch)[:, here], model(alone))


def it_writes_into_nothing_that_it_is_given(case: Case) -> None:
    """The batch is as it was, for whoever reads it next."""
    model, batch = case.model(), equal_systems(BRANCHED, 2)
    before = batch.writes()
    model(batch)
    assert batch.writes() == before


def what_became_of_its_systems_is_nothing_to_it(case: Case) -> None:
    """A batch with the answer is predicted as one without."""
    model, batch = case.model(), equal_systems(BRANCHED, 2, horizon=case.horizon)
    assert batch.targets is not None
    assert_same(model(batch), model(batch.question()))


def every_parameter_learns(case: Case) -> None:
    """Every parameter has a finite gradient that is not zero."""
    model, batch = case.model(), equal_systems(BRANCHED, 2, horizon=case.horizon)
    torch.autograd.backward(squared_errors(model(batch), batch).mean())
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def saved_and_loaded_it_predicts_the_same(case: Case) -> None:
    """To the bit, through a safetensors file."""
    model, batch = case.model(), equal_systems(BRANCHED, 2)
    other = case.model(seed=8)
    assert not torch.equal(other(batch), model(batch))
    with TemporaryDirectory() as folder:
        save_file(model.state_dict(), Path(folder) / "model.safetensors")
        other.load_state_dict(load_file(Path(folder) / "model.safetensors"))
    assert torch.equal(other(batch), model(batch))


def single_precision_agrees_with_double(case: Case) -> None:
    """In float32 the same comes out, to seven digits less what rounding takes."""
    batch = equal_systems(BRANCHED, 2)
    single = case.model(dtype=torch.float32)(cast(batch, torch.float32))
    assert single.dtype == torch.float32
    double = case.model()(batch)
    size = double.abs().max()  # shaken weights may throw particles far
    assert_same(single / size.float(), (double / size).float())


def its_jacobian_is_that_of_finite_differences(case: Case) -> None:
    """To 1e-9 in float64."""
    assert_first_derivatives(case.model(), equal_systems(case.molecule), case.kit.rounding)


def its_second_derivatives_are_those_of_finite_differences(case: Case) -> None:
    """Of positions, velocities and parameters, to 1e-9 in float64."""
    assert_second_derivatives(case.model(), equal_systems(case.molecule), case.kit.rounding)


def torch_func_gives_the_same_or_refuses(case: Case) -> None:
    """`jacrev`, `jvp` and `vmap` agree with autograd, or say what they cannot do."""
    assert_transforms(case.model(), equal_systems(case.molecule), case.kit.rounding)


ALWAYS: Sequence[Callable[[Case], None]] = (
    predicts_every_step_of_every_particle_and_not_the_start,
    the_order_of_particles_and_edges_is_of_no_account,
    a_system_does_not_feel_the_others_of_its_batch,
    it_writes_into_nothing_that_it_is_given,
    what_became_of_its_systems_is_nothing_to_it,
    every_parameter_learns,
    saved_and_loaded_it_predicts_the_same,
    single_precision_agrees_with_double,
    its_jacobian_is_that_of_finite_differences,
    its_second_derivatives_are_those_of_finite_differences,
    torch_func_gives_the_same_or_refuses,
)
"""Promises of every model."""
OF_ANY_SYSTEM = (
    the_order_of_particles_and_edges_is_of_no_account,
    a_system_does_not_feel_the_others_of_its_batch,
)
"""Those of models that predict systems of any particles."""
