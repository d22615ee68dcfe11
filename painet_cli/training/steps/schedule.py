"""The learning rate over time, and the average over the weights."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from painet_cli.config.schema import ConstantSchedule, CosineSchedule, TrainConfig

_Weights = tuple[Tensor, ...] | list[Tensor]


def rate_factor(config: TrainConfig, epochs_done: float) -> float:
    """Learning rate after `epochs_done` epochs (fractions count), as a multiple of `lr`."""
    schedule = config.schedule
    if isinstance(schedule, ConstantSchedule):
        return 1.0
    if epochs_done < schedule.warmup_epochs:
        return max(epochs_done, 1e-3) / schedule.warmup_epochs
    if isinstance(schedule, CosineSchedule):
        falling = max(config.epochs - schedule.warmup_epochs, 1e-9)
        share = min((epochs_done - schedule.warmup_epochs) / falling, 1.0)
        shape = 0.5 * (1 + math.cos(math.pi * share))
    else:
        falling = max(schedule.decay_fraction * config.epochs, 1e-9)
        shape = min(max((config.epochs - epochs_done) / falling, 0.0), 1.0)
    return schedule.final_fraction + (1 - schedule.final_fraction) * shape


def moving_average(decay: float) -> Callable[[_Weights, _Weights, Tensor | int], None]:
    """Exponential moving average; the decay rises to `decay`, so that random weights fade soon."""

    @torch.no_grad()
    def update(averaged: _Weights, current: _Weights, count: Tensor | int) -> None:
        weight = 1 - torch.as_tensor((1 + count) / (10 + count)).clamp(max=decay)
        for mean, value in zip(averaged, current, strict=True):
            mean.lerp_(value, weight)

    return update
