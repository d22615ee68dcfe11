"""What every model promises. A new model joins with one line in KITS."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from painet_cli.config.preset import FeatureConfig
from painet_cli.data.batch import Batch
from painet_cli.data.graph import graph_of
from painet_cli.models.base import DynamicsModel
from painet_cli.models.registry import MODELS, build_model
from painet_cli.training.loss import squared_errors
from systems import (
    BRANCHED,
    CHAIN,
    INVARIANTS,
    PAIR,
    RING,
    SPEC,
    WITH_HEIGHT,
    cast,
    equal_systems,
    normal,
    preset,
    shaken,
    side_by_side,
)

TOLERANCE = {torch.float64: 1e-10, torch.float32: 2e-5}
VERTICAL = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)  # SPEC's up axis is y


@dataclass(frozen=True)
class Kit:
    """Small configurations of one model to test."""

    options: tuple[dict[str, Any], ...] = ({},)
    equivariant: bool = True
    reads_features: bool = True
    horizons: tuple[int, ...] = (1, 5)
    shake: float = 0.3  # spread of the noise on the parameters


SMALL = {"layers": 2, "hidden": 8, "heads": 2}
NARROW = {"layers": 2, "hidden": 8}
KITS = {
    "linear": Kit(reads_features=False),
    "rf": Kit((NARROW,), reads_features=False, horizons=(1,)),
    "mpnn": Kit((NARROW,), equivariant=False, reads_features=False, horizons=(1,)),
    "egnn": Kit((NARROW,)),
    "egno": Kit((NARROW,)),
    "hegnn": Kit(({**NARROW, "max_ell": 2}, {**NARROW, "max_ell": 3})),
    # more noise makes its ODE so stiff that no step size serves; what it promises of the order of
    # particles where molecules are symmetric is in test_gf_node
    "gf-node": Kit((NARROW,), equivariant=False, shake=0.1),
    "painet": Kit(
        (
            {**SMALL, "pairwise": "guaranteed", "attention": "dense"},
            {**SMALL, "pairwise": "guaranteed", "attention": "factorised"},
            {**SMALL, "pairwise": "paper", "attention": "dense"},
            {**SMALL, "pairwise": "paper", "attention": "factorised"},
            {**SMALL, "pairwise": "fixed", "attention": "dense"},
            {**SMALL, "pairwise": "fixed", "attention": "factorised"},
            {**SMALL, "pairwise": "none"},
            {**SMALL, "pairwise": "none", "layer_norm": True},
            {**SMALL, "share_time": True},
            {**SMALL, "layer_norm": True},
            {**SMALL, "share_time": True, "layer_norm": True, "attention": "factorised"},
            {**SMALL, "reach": "neighbours"},
            {**SMALL, "attention_layers": 2},
            {**SMALL, "attention_layers": 2, "share_time": True},
            {**SMALL, "decoder": "recurrent"},
            {**SMALL, "decoder": "mlp-add"},
            {**SMALL, "decoder": "mlp-concat"},
        )
    ),
}


@dataclass(frozen=True)
class Case:
    """One configuration of one model at one horizon."""

    name: str
    options: dict[str, Any]
    horizon: int

    def __str__(self) -> str:
        switches = [
            key if value is True else str(value) if isinstance(value, str) else f"{key}{value}"
            for key, value in self.options.items()
            if key not in SMALL
        ]
        return "-".join([self.name, *switches, f"T{self.horizon}"])

    @property
    def equivariant(self) -> bool:
        by_itself = self.options.get("decoder", "").startswith("mlp")  # it reads coordinates
        return KITS[self.name].equivariant and not by_itself

    def model(
        self,
        features: FeatureConfig = INVARIANTS,
        dtype: torch.dtype = torch.float64,
        seed: int = 7,
    ) -> DynamicsModel:
        torch.manual_seed(0)
        model = build_model(
            preset({"name": self.name, **self.options}, self.horizon, features), SPEC
        ).double()
        model.fit_scales([equal_systems(BRANCHED, 2, seed=50)])
        model.eval()
        shaken(model, seed, KITS[self.name].shake)
        return model.to(dtype)


def cases() -> Iterator[Case]:
    for name, kit in KITS.items():
        for options in kit.options:
            for horizon in kit.horizons:
                yield Case(name, options, horizon)


CASES = list(cases())
every_model = pytest.mark.parametrize("case", CASES, ids=str)
every_equivariant_model = pytest.mark.parametrize(
    "case", [case for case in CASES if case.equivariant], ids=str
)
every_model_with_features = pytest.mark.parametrize(
    "case", [case for case in CASES if KITS[case.name].reads_features], ids=str
)


def assert_same(actual: Tensor, expected: Tensor) -> None:
    tolerance = TOLERANCE[actual.dtype]
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def orthogonal(seed: int, determinant: int) -> Tensor:
    q, _ = torch.linalg.qr(normal(3, 3, seed=seed))
    q[:, 0] *= determinant * torch.linalg.det(q).sign()
    return q


def turn_about(axis: int, angle: float) -> Tensor:
    first, second = (k for k in range(3) if k != axis)
    turn = torch.eye(3, dtype=torch.float64)
    turn[first, first] = turn[second, second] = math.cos(angle)
    turn[first, second], turn[second, first] = -math.sin(angle), math.sin(angle)
    return turn


def moved(batch: Batch, q: Tensor, shift: Tensor) -> Batch:
    return batch.at(batch.positions @ q.t() + shift, batch.velocities @ q.t())


def deviation(
    model: DynamicsModel, batch: Batch, q: Tensor, shift: Tensor
) -> tuple[Tensor, Tensor]:
    """The prediction of the moved systems, and the moved prediction."""
    with torch.no_grad():
        return model(moved(batch, q, shift)), model(batch) @ q.t() + shift


def test_the_kit_knows_every_model() -> None:
    assert KITS.keys() == MODELS.keys()


@every_model
def test_predicts_every_step_of_every_particle_and_not_the_start(case: Case) -> None:
    model, batch = case.model(), equal_systems(BRANCHED, 2)
    predicted = model(batch)
    assert predicted.shape == (case.horizon, batch.graph.num_nodes, 3)
    assert predicted.dtype == torch.float64
    moves = (predicted - batch.positions).norm(dim=-1)
    assert moves.min() > 1e-3
    steps = predicted.diff(dim=0).norm(dim=-1)
    assert (steps.mean(dim=1) > 1e-3).all(), "the steps are told apart"


@every_equivariant_model
@pytest.mark.parametrize(
    ("q", "shift"),
    [
        pytest.param(orthogonal(3, 1), torch.zeros(3, dtype=torch.float64), id="rotation"),
        pytest.param(torch.eye(3, dtype=torch.float64), 5 * normal(3, seed=4), id="translation"),
        pytest.param(orthogonal(5, -1), torch.zeros(3, dtype=torch.float64), id="reflection"),
        pytest.param(orthogonal(6, -1), 5 * normal(3, seed=7), id="all"),
    ],
)
def test_moves_with_its_systems(case: Case, q: Tensor, shift: Tensor) -> None:
    assert_same(*deviation(case.model(), equal_systems(BRANCHED, 2), q, shift))


@every_equivariant_model
@pytest.mark.parametrize(
    ("q", "shift"),
    [
        pytest.param(turn_about(1, 2.0), torch.zeros(3, dtype=torch.float64), id="turn"),
        pytest.param(turn_about(1, 0.0), (1 - VERTICAL) * 3.0, id="horizontal shift"),
        pytest.param(
            torch.diag(torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)),
            torch.zeros(3, dtype=torch.float64),
            id="mirror that keeps the vertical",
        ),
    ],
)
def test_with_height_moves_along_the_ground(case: Case, q: Tensor, shift: Tensor) -> None:
    assert_same(*deviation(case.model(WITH_HEIGHT), equal_systems(BRANCHED, 2), q, shift))


@every_model_with_features
@pytest.mark.parametrize(
    ("q", "shift"),
    [
        pytest.param(turn_about(0, 0.5), torch.zeros(3, dtype=torch.float64), id="tilt"),
        pytest.param(turn_about(1, 0.0), VERTICAL, id="lift"),
    ],
)
def test_with_height_a_tilt_or_a_lift_changes_the_prediction(
    case: Case, q: Tensor, shift: Tensor
) -> None:
    actual, expected = deviation(case.model(WITH_HEIGHT), equal_systems(BRANCHED, 2), q, shift)
    assert (actual - expected).abs().max() > 1e-3


@every_model
def test_the_order_of_particles_and_edges_is_of_no_account(case: Case) -> None:
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


@every_model
@pytest.mark.parametrize(
    "together",
    [
        pytest.param(lambda: equal_systems(BRANCHED, 3), id="equal systems"),
        pytest.param(
            lambda: side_by_side(
                [
                    equal_systems(molecule, seed=seed)
                    for seed, molecule in enumerate((BRANCHED, PAIR, RING, CHAIN))
                ]
            ),
            id="unequal systems",
        ),
    ],
)
def test_a_system_does_not_feel_the_others_of_its_batch(
    case: Case, together: Callable[[], Batch]
) -> None:
    model, batch = case.model(), together()
    predicted = model(batch)
    graph = batch.graph
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


@every_model
def test_every_parameter_learns(case: Case) -> None:
    model, batch = case.model(), equal_systems(BRANCHED, 2, horizon=case.horizon)
    squared_errors(model(batch), batch).mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


@every_model
def test_saved_and_loaded_it_predicts_the_same(case: Case, tmp_path: Path) -> None:
    model, batch = case.model(), equal_systems(BRANCHED, 2)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    other = case.model(seed=8)
    assert not torch.equal(other(batch), model(batch))
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert torch.equal(other(batch), model(batch))


@every_model
def test_single_precision_agrees_with_double(case: Case) -> None:
    batch = equal_systems(BRANCHED, 2)
    single = case.model(dtype=torch.float32)(cast(batch, torch.float32))
    assert single.dtype == torch.float32
    double = case.model()(batch)
    size = double.abs().max()  # shaken weights may throw particles far
    assert_same(single / size.float(), (double / size).float())
