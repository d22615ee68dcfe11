"""Straight on: the yardstick that every learned model must beat.

Linear dynamics of Satorras et al. 2021 (https://arxiv.org/abs/2102.09844, section 5.1).

.. math::
    x_i^{(k)} = x_i^{(0)} + s_k v_i^{(0)}

The published code has one scalar for its one target; here there is one for each of the T steps.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from painet_cli.config.models import LinearConfig
from painet_cli.config.presets import Preset
from painet_cli.data.batches.batch import Batch
from painet_cli.models.base import DynamicsModel, SystemSpec


class StraightLine(DynamicsModel):
    """Positions plus a learned multiple of the velocities, one scalar a step.

    Parameters
    ----------
    horizon
        T, steps to predict.
    """

    Config = LinearConfig
    keeps = "shift, rotation, reflection"

    def __init__(self, horizon: int) -> None:
        super().__init__()
        self.horizon = horizon
        self.time = nn.Parameter(torch.full((horizon,), 0.7))  # start value of the published code

    @classmethod
    def build(cls, config: LinearConfig, preset: Preset, system: SystemSpec) -> StraightLine:
        """Model of a preset."""
        return cls(preset.data.horizon)

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3)."""
        return batch.positions + self.time[:, None, None] * batch.velocities
