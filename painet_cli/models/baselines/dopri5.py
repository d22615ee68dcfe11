"""The method of Dormand and Prince in equal steps: states at some times, an error a system.

The coefficients are those of Dormand & Prince 1980 (https://doi.org/10.1016/0771-050X(80)90013-3);
between steps the state is the quartic through both ends, both slopes and the midpoint of Shampine
1986 (https://doi.org/10.1090/S0025-5718-1986-0815836-3), as torchdiffeq's `dopri5` has it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

_NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (
    35 / 384 - 1951 / 21600,
    0.0,
    500 / 1113 - 22642 / 50085,
    125 / 192 - 451 / 720,
    -2187 / 6784 + 12231 / 42400,
    11 / 84 - 649 / 6300,
    -1 / 60,
)
_MIDPOINT = (
    6025192743 / 30085553152 / 2,
    0.0,
    51252292925 / 65400821598 / 2,
    -2691868925 / 45128329728 / 2,
    187940372067 / 1594534317056 / 2,
    -1776094331 / 19743644256 / 2,
    11237099 / 235043384 / 2,
)


def equal_steps(
    slope: Callable[[float, Tensor], Tensor],
    start: Tensor,  # (B, ...)
    times: Sequence[float],
    steps: int,
    *,
    rtol: float,
    atol: float,
) -> tuple[Tensor, Tensor]:  # (T, B, ...), (B,)
    """Solve dy/dt = slope(t, y) from time 0 in `steps` equal steps a unit of time.

    Parameters
    ----------
    times
        When to tell the state, ascending and above 0; T of them.
    rtol, atol
        Unit of errors: atol + rtol |y|.

    Returns
    -------
    states
        At the times.
    errors
        The largest error estimate of each system in any step: the root mean square over its
        numbers, in units of the tolerance. No gradient passes through it.
    """
    length = 1 / steps
    y, first = start, slope(0.0, start)
    states: list[Tensor] = []
    errors = start.new_zeros(len(start))
    for step in range(math.ceil(times[-1] * steps - 1e-9)):
        t, slopes = step * length, [first]
        end = y
        for node, stage in zip(_NODES, _STAGES, strict=True):
            end = y + length * _combined(stage, slopes)
            slopes.append(slope(t + node * length, end))
        within = [time for time in times[len(states) :] if time <= t + length * (1 + 1e-9)]
        middle = y + length * _combined(_MIDPOINT, slopes)
        states += [_between(y, middle, end, slopes, length, (time - t) / length) for time in within]
        with torch.no_grad():
            unit = atol + rtol * torch.maximum(y.abs(), end.abs())
            error = length * _combined(_ERROR, slopes) / unit
            errors = errors.maximum(error.flatten(1).square().mean(dim=1).sqrt())
        y, first = end, slopes[-1]
    return torch.stack(states), errors


def _combined(weights: Iterable[float], slopes: Iterable[Tensor]) -> Tensor:
    parts = [weight * slope for weight, slope in zip(weights, slopes, strict=True) if weight]
    return functools.reduce(torch.add, parts)


def _between(
    y: Tensor, middle: Tensor, end: Tensor, slopes: Sequence[Tensor], length: float, share: float
) -> Tensor:
    """The quartic of a step at a share of its length."""
    if share > 1 - 1e-9:
        return end
    before, after = length * slopes[0], length * slopes[-1]
    powers = (
        y,
        before,
        after - 4 * before - 11 * y - 5 * end + 16 * middle,
        5 * before - 3 * after + 18 * y + 14 * end - 32 * middle,
        2 * (after - before) - 8 * (end + y) + 16 * middle,
    )
    return _combined([share**k for k in range(5)], powers)
