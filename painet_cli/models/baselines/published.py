"""Published networks, as their authors wrote them, with the features of a preset around them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from painet_cli.data.batches.batch import Batch
from painet_cli.models.base import DynamicsModel
from painet_cli.models.features import Features


class PublishedModel(DynamicsModel):
    """A network and the invariants it reads.

    Parameters
    ----------
    features
        Invariants to read.
    core
        The network.
    horizon
        T, steps to predict.
    """

    reads_past: ClassVar[Literal["never", "features", "always"]] = "features"

    def __init__(self, features: Features, core: nn.Module, horizon: int) -> None:
        super().__init__()
        self.horizon = horizon
        self.features = features
        self.core = core

    def fit_scales(self, batches: Iterable[Batch]) -> None:
        """Take the units of the invariants from the training windows."""
        self.features.fit(batches)

    def compile_blocks(self) -> None:
        """Compile the network; checks and what is computed once a graph stay outside."""
        self.core.compile()


class OneStepModel(PublishedModel):
    """A network for one step that reads no node features: positions and velocities are enough.

    Parameters
    ----------
    features
        Invariants to read.
    core
        Positions (M, 3) from positions, velocities, edge features and graph.
    """

    reads_past = "never"

    def __init__(self, features: Features, core: nn.Module) -> None:
        super().__init__(features, core, horizon=1)

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (1, M, 3)
        """Predicted positions, (1, M, 3)."""
        batch.graph.check_types(self.features.num_types)
        a = self.features.edges(batch)
        x: Tensor = self.core(batch.positions, batch.velocities, a, batch.graph)
        return x[None]


class ParallelSteps(PublishedModel):
    """A network for one step, run once for every step to predict, all of them at once.

    For T > 1 it runs on T copies of the systems, in which every particle is told the step that is
    asked of it: t / T is one more of its invariants. Its equations stay the published ones, and for
    T = 1 nothing is added.

    Parameters
    ----------
    features
        Invariants to read.
    core
        Positions (M, 3) from node features, positions, velocities, edge features and graph.
    horizon
        T, steps to predict.
    """

    @staticmethod
    def node_width(features: Features, horizon: int) -> int:
        """Width of the node features that the network is given."""
        return features.node_width + int(horizon > 1)

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3)."""
        horizon = self.horizon
        batch.graph.check_types(self.features.num_types)
        nodes = self.features.nodes(batch).repeat(horizon, 1)
        if horizon > 1:
            steps = torch.arange(1, horizon + 1, dtype=nodes.dtype, device=nodes.device)
            told = (steps / horizon).repeat_interleave(batch.graph.num_nodes)
            nodes = torch.cat([nodes, told[:, None]], dim=-1)
        x: Tensor = self.core(
            nodes,
            batch.positions.repeat(horizon, 1),
            batch.velocities.repeat(horizon, 1),
            self.features.edges(batch).repeat(horizon, 1),
            batch.graph.repeat(horizon),
        )
        return x.view(horizon, -1, 3)
