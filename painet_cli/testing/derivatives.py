"""Derivatives of predictions, held against finite differences, and what `torch.func` makes of them.

A whole Hessian of a model is too large to look at: it is taken along one random direction of
positions and velocities, for every input and parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import jacrev, jvp, vmap

from painet_cli.data.batches.batch import Batch
from painet_cli.models.base import DynamicsModel
from painet_cli.testing.systems import normal

_STEP = 1e-5
_WEIGHTS = (1 / 12, -2 / 3, 2 / 3, -1 / 12)  # of the function at -2, -1, 1 and 2 steps


def assert_first_derivatives(model: DynamicsModel, batch: Batch, rounding: float) -> None:
    """Hold the Jacobian, along a direction, against finite differences of predictions."""
    x, along = batch.positions, normal(*batch.positions.shape, seed=8)
    predict = _prediction(model, batch)
    jacobian: Tensor = torch.autograd.functional.jacobian(predict, x)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        expected = _slope(lambda step: (predict(x + step * along),))
    _assert_near([(jacobian * along).sum(dim=(-1, -2))], expected, rounding)


def assert_second_derivatives(model: DynamicsModel, batch: Batch, rounding: float) -> None:
    """Hold gradients of gradients against finite differences of gradients."""
    state = (batch.positions, batch.velocities)
    along = tuple(normal(*part.shape, seed=8 + k) for k, part in enumerate(state))
    parameters = list(model.parameters())

    def gradient(step: float, *, graph: bool) -> tuple[list[Tensor], tuple[Tensor, ...]]:
        moved = [
            (part + step * way).requires_grad_() for part, way in zip(state, along, strict=True)
        ]
        predicted = model(batch.at(*moved))
        weighed = (predicted * normal(*predicted.shape, seed=5)).mean()
        inputs = [*moved, *parameters]
        return inputs, torch.autograd.grad(
            weighed, inputs, create_graph=graph, allow_unused=True, materialize_grads=True
        )

    inputs, first = gradient(0.0, graph=True)
    slope = sum((part * way).sum() for part, way in zip(first[:2], along, strict=True))
    assert isinstance(slope, Tensor)
    second = torch.autograd.grad(slope, inputs, allow_unused=True, materialize_grads=True)
    _assert_near(second, _slope(lambda step: gradient(step, graph=False)[1]), rounding)


def assert_transforms(model: DynamicsModel, batch: Batch, rounding: float) -> None:
    """Hold `jacrev`, `jvp` and `vmap` against autograd; any may refuse by an error instead."""
    x, along = batch.positions, normal(*batch.positions.shape, seed=8)
    predict = _prediction(model, batch)
    jacobian: Tensor = torch.autograd.functional.jacobian(predict, x)  # type: ignore[no-untyped-call]
    two = torch.stack([x, x + 0.1 * along])
    for transformed, expected in (
        (lambda: jacrev(predict)(x), jacobian),
        (lambda: jvp(predict, (x,), (along,))[1], (jacobian * along).sum(dim=(-1, -2))),
        (lambda: vmap(predict)(two), torch.stack([predict(one) for one in two])),
    ):
        try:
            given = transformed()
        except RuntimeError as refused:
            assert "vmap" in str(refused) or "functorch" in str(refused), (
                "it says what it cannot do"
            )
        else:
            _assert_near([given], [expected], rounding)


def _prediction(model: DynamicsModel, batch: Batch) -> Callable[[Tensor], Tensor]:
    """Positions that are predicted from positions."""

    def predict(x: Tensor) -> Tensor:
        predicted: Tensor = model(batch.at(x, batch.velocities))
        return predicted

    return predict


def _slope(values_at: Callable[[float], Sequence[Tensor]]) -> list[Tensor]:
    """Derivatives at 0 by the central difference of fourth order."""
    rows = [values_at(k * _STEP) for k in (-2, -1, 1, 2)]
    return [
        torch.stack([weight * part for weight, part in zip(_WEIGHTS, parts, strict=True)]).sum(
            dim=0
        )
        / _STEP
        for parts in zip(*rows, strict=True)
    ]


def _assert_near(actual: Sequence[Tensor], expected: Sequence[Tensor], rounding: float) -> None:
    largest = max(float(part.detach().abs().max()) for part in expected)
    for left, right in zip(actual, expected, strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=rounding * max(largest, 1e-3))
