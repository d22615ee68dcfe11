"""The learning rate over time, and the average over the weights."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from painet_cli.config.schema import (
    ConstantSchedule,
    CosineSchedule,
    TimedSchedule,
    TrainConfig,
)

_Weights = tuple[Tensor, ...] | list[Tensor]
_FIRST = 1e-3
"""What a warm-up begins with instead of zero."""
_LONGEST_WARMUP = 0.5
"""Share of the epochs that a warm-up takes at most: a short trial of a preset reaches `lr` too."""


def rate_factor(config: TrainConfig, epochs_done: float, seconds: float = 0.0) -> float:
    """Learning rate after `epochs_done` epochs (fractions count), as a multiple of `lr`.

    A schedule over time reads the `seconds` of training instead.
    """
    schedule = config.schedule
    if isinstance(schedule, ConstantSchedule):
        return 1.0
    if isinstance(schedule, TimedSchedule):
        done, warmup = seconds / schedule.seconds, schedule.warmup_fraction
        if done < warmup:
            return max(done / warmup, _FIRST)
        return _cosine((done - warmup) / (1 - warmup))
    warmup = min(schedule.warmup_epochs, _LONGEST_WARMUP * config.epochs)
    if epochs_done < warmup:
        return max(epochs_done, _FIRST) / warmup
    if isinstance(schedule, CosineSchedule):
        shape = _cosine((epochs_done - warmup) / (config.epochs - warmup))
    else:
        falling = max(schedule.decay_fraction * config.epochs, 1e-9)
        shape = min(max((config.epochs - epochs_done) / falling, 0.0), 1.0)
    return schedule.final_fraction + (1 - schedule.final_fraction) * shape


def _cosine(share: float) -> float:
    """From 1 down to 0 as the share goes from 0 to 1, and 0 from there on."""
    return 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


def moving_average(decay: float) -> Callable[[_Weights, _Weights, Tensor | int], None]:
    """Exponential moving average; the decay rises to `decay`, so that random weights fade soon."""

    @torch.no_grad()
    def update(averaged: _Weights, current: _Weights, count: Tensor | int) -> None:
        weight = 1 - torch.as_tensor((1 + count) / (10 + count)).clamp(max=decay)
        for mean, value in zip(averaged, current, strict=True):
            mean.lerp_(value, weight)

    return update
