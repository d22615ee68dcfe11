"""GF-NODE's ODE: signals on particles, moved over the slow modes of their system's graph."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchdiffeq import odeint

from painet_cli.data.batches.graph import Graph
from painet_cli.errors import RequestError
from painet_cli.models.baselines.dopri5 import equal_steps

_MOST_STEPS = 1024


class ModeFlow(nn.Module):
    r"""Signals moved by an ODE over the modes, in which a system's modes attend to each other.

    With z_m = [y_m, t, ..., t] and one attention head of width d,

    .. math::
        \tfrac{d}{dt} y_m = W_m^\top \Bigl( P \Bigl( O \textstyle\sum_n
            \mathrm{softmax}_n\bigl(\tfrac{1}{\sqrt d} (Q z_m)^\top K y_n\bigr)\, V z_n \Bigr)
            \Bigr),

    where Q, V, O and P have biases. These maps in a row are multiplied out once a solve: what is
    left is y_m times a matrix in the exponent, and the mean of y_n times a matrix behind it.

    To predict, a window is solved in one step, or in 2, 4, 8 and so on equal ones up to the first
    number at which the root mean square of a system's error estimate, in units of atol + rtol |y|,
    is at most one in every step (`equal_steps`). The number is each system's own: no other system
    of the batch bears on it. In training mode torchdiffeq's dopri5 chooses the steps, for all
    systems of a batch together, as published.

    Parameters
    ----------
    channels
        C, channels of a signal.
    modes
        K, modes that are moved.
    time_width
        Copies of the time that the maps read.
    rtol, atol
        Tolerances of a step.
    """

    def __init__(
        self, channels: int, modes: int, time_width: int, *, rtol: float, atol: float
    ) -> None:
        super().__init__()
        width = channels + time_width
        self.rtol, self.atol = rtol, atol
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(channels, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.post = nn.Linear(width, width)
        # start values of the published code: PyTorch's attention, and small positive weights
        bound = math.sqrt(6 / (4 * width))
        for attention in (self.query, self.key, self.value):
            nn.init.uniform_(attention.weight, -bound, bound)
        for biased in (self.query, self.value, self.out):
            nn.init.zeros_(biased.bias)
        self.weight = nn.Parameter(torch.rand(modes, width, channels) / channels**2)

    def forward(
        self,
        signals: Tensor,  # (M, R, C)
        basis: Tensor,  # (M, K)
        graph: Graph,
        times: Tensor,  # (T,)
    ) -> Tensor:  # (T, M, R, C)
        """Signals at the times; each of the R rows of a particle goes its own way."""
        signals = signals.to(basis.dtype)  # autocast may have lowered them
        wide = basis[:, None, :, None]
        start = signals.new_zeros(graph.num_systems, signals.shape[1], *self.weight.shape[::2])
        start = start.index_add(0, graph.system, wide * signals[:, :, None])
        reached = self._solve(start, times)
        return signals + F.silu((wide * reached.index_select(1, graph.system)).sum(dim=-2))

    def _solve(
        self,
        start: Tensor,  # (B, R, K, C)
        times: Tensor,  # (T,)
    ) -> Tensor:  # (T, B, R, K, C)
        flow = self._flow()
        if self.training:
            return self._in_common_steps(flow, start, times)
        if not bool(torch.isfinite(start).all()):
            raise _stiff("begins at no finite numbers")
        left, ends = torch.arange(len(start), device=start.device), times.tolist()
        done: list[tuple[Tensor, Tensor]] = []
        steps = 1
        while steps <= _MOST_STEPS:
            reached, errors = equal_steps(
                flow, start[left], ends, steps, rtol=self.rtol, atol=self.atol
            )
            kept = errors <= 1
            if bool(kept.all()) and not done:
                return reached
            done.append((left[kept], reached[:, kept]))
            left = left[~kept]
            if not len(left):
                order = torch.argsort(torch.cat([systems for systems, _ in done]))
                return torch.cat([solved for _, solved in done], dim=1)[:, order]
            steps *= 2
        raise _stiff(f"needs more than {_MOST_STEPS} steps")

    def _in_common_steps(
        self, flow: nn.Module, start: Tensor, times: Tensor
    ) -> Tensor:  # (T, B, R, K, C)
        times = torch.cat([times.new_zeros(1), times])
        try:
            states = odeint(flow, start, times, rtol=self.rtol, atol=self.atol, method="dopri5")
        except AssertionError as error:  # all that is left for it to assert
            raise _stiff("leaves the finite numbers") from error
        reached: Tensor = states[1:]
        return reached

    def _flow(self) -> _Flow:
        """f, multiplied out."""
        channels = self.key.in_features
        scaled_key = self.key.weight / math.sqrt(len(self.key.weight))
        ask, ask_time = _parted(self.query.weight, channels)
        read, read_time = _parted(self.value.weight, channels)
        both = self.post.weight @ self.out.weight
        bias = both @ self.value.bias + self.post.weight @ self.out.bias + self.post.bias
        return _Flow(
            ask.t() @ scaled_key,
            torch.stack([ask_time, self.query.bias]) @ scaled_key,
            (both @ read).t() @ self.weight,
            torch.stack([both @ read_time, bias]) @ self.weight,
        )


class _Flow(nn.Module):
    """Right-hand side of the ODE."""

    def __init__(self, ask: Tensor, asked: Tensor, answer: Tensor, answered: Tensor) -> None:
        super().__init__()
        self.ask, self.answer = ask, answer
        self.ask_time, self.ask_bias = asked.unbind()
        self.answer_time, self.answer_bias = answered[:, :1], answered[:, 1:]

    def forward(self, t: Tensor | float, y: Tensor) -> Tensor:
        rows = y.flatten(0, 1)  # (B R, K, C)
        asked = rows @ self.ask + (t * self.ask_time + self.ask_bias)
        read = torch.softmax(asked @ rows.transpose(1, 2), dim=-1) @ rows
        slope = torch.baddbmm(
            t * self.answer_time + self.answer_bias, read.transpose(0, 1), self.answer
        )
        back: Tensor = slope.transpose(0, 1).reshape(y.shape)
        return back


def _parted(weight: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """(out, channels) what a map makes of the signal, and (out,) what it makes of the time."""
    return weight[:, :channels], weight[:, channels:].sum(dim=1)


def _stiff(what: str) -> RequestError:
    return RequestError(
        f"model gf-node: its ODE {what}",
        "lower train.lr, set train.clip_norm, or loosen model.rtol and model.atol",
    )
