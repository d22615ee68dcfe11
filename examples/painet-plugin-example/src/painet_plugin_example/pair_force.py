"""Straight motion and one push: Newton's second order, with a pair force that is learned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from painet.plugins import (
    Batch,
    DynamicsModel,
    Features,
    ModelConfig,
    Preset,
    SystemSpec,
    displacements,
    lengths,
)


class PairForceConfig(ModelConfig):
    """Straight motion and one push by learned pair forces."""

    name: Literal["pair-force"] = "pair-force"
    hidden: PositiveInt = 32
    """Width of the network that gives the force of a pair."""


class PairForce(DynamicsModel):
    r"""Every particle goes straight on, and is pushed along its edges.

    .. math::
        x_i^{(k)} = x_i + s_k v_i
            + c_k \sum_j (x_i - x_j)\, \phi(|x_i - x_j|, e_i + e_j, \mathrm{hop}_{ij})

    The push on i by j is the opposite of that on j by i, so the momentum is kept; it lies along
    their distance, so predictions turn, shift and mirror with their systems.

    Parameters
    ----------
    hidden
        Width of the network.
    features
        Units of length and time, taken from the training windows.
    system
        Particle types and hops.
    horizon
        T, steps to predict.
    """

    Config = PairForceConfig
    keeps = "shift, rotation, reflection"

    def __init__(self, hidden: int, features: Features, system: SystemSpec, horizon: int) -> None:
        super().__init__()
        self.horizon = horizon
        self.features = features
        self.types = nn.Embedding(len(system.type_names), hidden)
        self.hops = nn.Embedding(system.hops, hidden)
        self.distance = nn.Linear(1, hidden)
        self.force = nn.Sequential(nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.strength = nn.Linear(hidden, 1)
        nn.init.zeros_(self.strength.weight)  # begins as straight motion
        steps = torch.arange(1, horizon + 1) / horizon
        self.time = nn.Parameter(steps.clone())
        self.push = nn.Parameter(steps**2)

    @classmethod
    def build(cls, config: PairForceConfig, preset: Preset, system: SystemSpec) -> PairForce:
        """Model of a preset."""
        features = Features(preset.features, system)
        return cls(config.hidden, features, system, preset.data.horizon)

    def fit_scales(self, batches: Iterable[Batch]) -> None:
        """Take the units of length and time from the training windows."""
        self.features.fit(batches)

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3)."""
        graph, x, v = batch.graph, batch.positions, batch.velocities
        graph.check_types(self.types.num_embeddings)
        apart = displacements(x, graph)  # (E, 3)
        kinds = self.types(graph.types)  # (M, hidden)
        pairs = kinds.index_select(0, graph.source) + kinds.index_select(0, graph.target)
        read = pairs + self.hops(graph.edge_hop - 1)
        read = self.force(read + self.distance(lengths(apart) / self.features.length))
        pushes = torch.zeros_like(x).index_add(0, graph.target, apart * self.strength(read))
        straight = self.time[:, None, None] * self.features.time * v
        return x + straight + self.push[:, None, None] * pushes
