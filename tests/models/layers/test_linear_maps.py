"""Linear maps equal `nn.Linear`, whichever library multiplies."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from painet_cli.models.layers import linear_maps as dense
from painet_cli.models.layers.linear_maps import Linear, linear, two_linear
from systems import normal

WIDE, NARROW = 24, 3


@pytest.fixture(autouse=True)
def on_a_processor_with_avx512(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both libraries are there everywhere; only which one is faster differs."""
    monkeypatch.setattr(dense, "_use_onednn", dense._has_onednn)


def results(map_of: object, inputs: list[Tensor | None]) -> list[Tensor]:
    """The map's value and its gradients, in float64."""
    assert callable(map_of)
    out = map_of(*inputs)
    wanted = [one for one in inputs if one is not None and one.requires_grad]
    sensitivity = normal(*out.shape, seed=9, dtype=out.dtype)
    return [one.double() for one in (out, *torch.autograd.grad(out, wanted, sensitivity))]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [0, 1, 50])
@pytest.mark.parametrize("inner", [WIDE, NARROW])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("sliced", [False, True])
def test_values_and_gradients_are_those_of_linear(
    dtype: torch.dtype, rows: int, inner: int, *, bias: bool, sliced: bool
) -> None:
    x = normal(rows, 2 * inner, seed=1, dtype=dtype)
    weight = normal(WIDE, 2 * inner, seed=2, dtype=dtype)
    x, weight = (x[:, :inner], weight[:, :inner]) if sliced else (x, weight)
    inputs = [x, weight, normal(WIDE, seed=3, dtype=dtype) if bias else None]
    for one in inputs:
        if one is not None:
            one.requires_grad_()
    exact = [None if one is None else one.detach().double().requires_grad_() for one in inputs]
    tolerance = 1e-4 if dtype is torch.float32 else 1e-10
    sums = zip(results(linear, inputs), results(F.linear, exact), strict=True)
    for left, right in sums:
        torch.testing.assert_close(left, right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_gives_only_the_gradients_that_are_asked_for(wanted: int) -> None:
    inputs = [normal(5, WIDE, seed=1), normal(WIDE, WIDE, seed=2), normal(WIDE, seed=3)]
    inputs = [one.float().requires_grad_(k == wanted) for k, one in enumerate(inputs)]
    linear(*inputs).sum().backward()
    assert [one.grad is not None for one in inputs] == [k == wanted for k in range(3)]


def test_a_gradient_that_is_one_number_spread_out() -> None:
    x = normal(5, WIDE, seed=1, dtype=torch.float32)
    layer = Linear(WIDE, WIDE)
    layer(x).sum().backward()  # its gradient has no memory of its own
    assert layer.weight.grad is not None
    torch.testing.assert_close(layer.weight.grad, x.sum(dim=0).expand(WIDE, WIDE))


def test_keeps_nothing_where_no_gradient_is_asked_for() -> None:
    layer = Linear(WIDE, WIDE)
    with torch.no_grad():
        assert layer(torch.ones(2, WIDE)).grad_fn is None


def test_starts_and_copies_as_linear_does() -> None:
    torch.manual_seed(1)
    ours = Linear(WIDE, WIDE)
    torch.manual_seed(1)
    theirs = nn.Linear(WIDE, WIDE)
    for left, right in ((ours, theirs), (copy.deepcopy(ours), ours)):
        assert left.state_dict().keys() == right.state_dict().keys()
        assert all(
            torch.equal(a, b) for a, b in zip(left.parameters(), right.parameters(), strict=True)
        )


def test_without_the_operator_the_maps_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> Tensor:
        raise AttributeError

    monkeypatch.setattr(dense, "_product", gone)
    dense._has_onednn.cache_clear()
    x, weight = normal(5, WIDE, seed=1).float(), normal(WIDE, WIDE, seed=2).float()
    assert torch.equal(linear(x, weight), F.linear(x, weight))
    dense._has_onednn.cache_clear()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("out", [1, WIDE])
def test_two_linear_maps_in_one_operation_are_the_two(out: int, dtype: torch.dtype) -> None:
    shapes = [(WIDE, 2 * WIDE), (WIDE,), (out, WIDE), (out,), (7, WIDE), (7, WIDE)]
    given = [normal(*shape, seed=k).to(dtype).requires_grad_() for k, shape in enumerate(shapes)]
    weight, bias, last, last_bias, *parts = given
    ours = two_linear(tuple(parts), weight, bias, last, last_bias)
    theirs = F.linear(F.silu(F.linear(torch.cat(parts, dim=1), weight, bias)), last, last_bias)
    sensitivity = normal(7, out, seed=9).to(dtype)
    compared = [
        [result, *torch.autograd.grad((result * sensitivity).sum(), given)]
        for result in (ours, theirs)
    ]
    tolerance = 1e-4 if dtype is torch.float32 else 1e-10
    for left, right in zip(*compared, strict=True):
        torch.testing.assert_close(left, right, rtol=tolerance, atol=tolerance)
