"""GF-NODE's ODE: its right-hand side, its solution, and the steps that each system takes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchdiffeq import odeint

from painet_cli.errors import RequestError
from painet_cli.models.baselines import mode_flow
from painet_cli.models.baselines.dopri5 import equal_steps
from painet_cli.models.baselines.mode_flow import ModeFlow
from systems import normal, shaken

TIMES = torch.tensor([0.2, 0.7, 1.0], dtype=torch.float64)


def flow(*, rtol: float = 1e-5, atol: float = 1e-6, scale: float = 0.1) -> ModeFlow:
    torch.manual_seed(0)
    made = ModeFlow(4, 2, 16, rtol=rtol, atol=atol).double()
    shaken(made, scale=scale)
    return made.eval()


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

    monkeypatch.setattr(mode_flow, "equal_steps", noted)
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
    monkeypatch.setattr("painet_cli.models.baselines.mode_flow._MOST_STEPS", 8)
    with pytest.raises(RequestError, match="gf-node: its ODE"):
        flow(scale=scale)._solve(torch.full((1, 1, 2, 4), start, dtype=torch.float64), TIMES)
