"""The interface all models share, and the invariants they may read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from painet_cli.config.preset import FeatureConfig
from painet_cli.data.batch import Batch
from painet_cli.data.graph import Graph
from painet_cli.data.manifest import Axis
from painet_cli.errors import RequestError

_AXES: tuple[Axis, ...] = ("x", "y", "z")


@dataclass(frozen=True)
class SystemSpec:
    """What a model must know of the systems it is built for.

    Attributes
    ----------
    type_names
        Names of the particle types; E of them.
    hops
        Largest `edge_hop` in a graph.
    up_axis
        Direction of height, where there is one.
    """

    type_names: tuple[str, ...]
    hops: int
    up_axis: Axis | None = None


class DynamicsModel(nn.Module, ABC):
    """Predicts X(1..T) of a batch of systems from X(0) and V(0) in one pass.

    Attributes
    ----------
    horizon
        T, the number of steps `forward` predicts.
    """

    horizon: int

    @abstractmethod
    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3), in the length unit of the batch."""

    def fit_scales(self, batches: Iterable[Batch]) -> None:
        """Take the size of typical inputs from the training windows; models without scales do nothing."""


class Features(nn.Module):
    """The invariants of a batch, chosen by name, with lengths and speeds brought to the order of one.

    The scales are fixed numbers taken once from the training windows and kept in the checkpoint: a feature
    depends on nothing but its own system.

    Parameters
    ----------
    config
        Names of the node and edge features.
    system
        Types, hops and up axis.

    Raises
    ------
    RequestError
        `height` is asked for and the system has no up axis.
    """

    length: Tensor
    speed: Tensor
    ground: Tensor
    height: Tensor

    def __init__(self, config: FeatureConfig, system: SystemSpec) -> None:
        super().__init__()
        if "height" in config.node and system.up_axis is None:
            raise RequestError(
                "features.node: `height` needs a dataset with an up axis, and this one has none",
                "use `speed` and `type`",
            )
        self.config = config
        self.num_types = len(system.type_names)
        self.hops = system.hops
        self.up = _AXES.index(system.up_axis) if system.up_axis else 0
        widths = {
            "speed": 1, "height": 1, "type": self.num_types,
            "hop": self.hops, "distance": 1, "types": 2 * self.num_types,
        }  # fmt: skip
        self.node_width = sum(widths[name] for name in config.node)
        self.edge_width = sum(widths[name] for name in config.edge)
        self.register_buffer("length", torch.ones(()))
        self.register_buffer("speed", torch.ones(()))
        self.register_buffer("ground", torch.zeros(()))
        self.register_buffer("height", torch.ones(()))

    @torch.no_grad()
    def fit(self, batches: Iterable[Batch]) -> None:
        """Set the scales: root mean square edge length and speed, mean and spread of the height."""
        totals = torch.zeros(5, dtype=torch.float64)
        nodes = edges = 0
        for batch in batches:
            squared = squared_lengths(displacements(batch.positions, batch.graph))
            height = batch.positions[:, self.up].double()
            totals += torch.stack(
                [
                    squared.double().sum(),
                    batch.velocities.double().square().sum(),
                    height.sum(),
                    height.square().sum(),
                    torch.zeros((), dtype=torch.float64, device=height.device),
                ]
            ).cpu()
            nodes += batch.positions.shape[0]
            edges += squared.shape[0]
        mean_height = totals[2] / max(nodes, 1)
        spread = (totals[3] / max(nodes, 1) - mean_height.square()).clamp(min=0).sqrt()
        self.length.fill_(_positive(torch.sqrt(totals[0] / max(edges, 1))))
        self.speed.fill_(_positive(torch.sqrt(totals[1] / max(nodes, 1))))
        self.ground.fill_(mean_height)
        self.height.fill_(_positive(spread))

    def nodes(self, batch: Batch) -> Tensor:
        """(M, node_width) invariants of the particles."""
        columns = {
            "speed": lambda: batch.velocities.norm(dim=-1, keepdim=True) / self.speed,
            "height": lambda: (
                (batch.positions[:, self.up : self.up + 1] - self.ground) / self.height
            ),
            "type": lambda: self._one_hot_types(batch.graph.types, batch.positions.dtype),
        }
        return torch.cat([columns[name]() for name in self.config.node], dim=-1)

    def edges(self, batch: Batch) -> Tensor:
        """(E, edge_width) invariants of the edges, of the start positions."""
        graph, dtype = batch.graph, batch.positions.dtype
        columns = {
            "hop": lambda: nn.functional.one_hot(graph.edge_hop - 1, self.hops).to(dtype),
            "distance": lambda: (
                displacements(batch.positions, graph).norm(dim=-1, keepdim=True) / self.length
            ),
            "types": lambda: self._one_hot_types(graph.types[graph.edge_index.t()], dtype).flatten(
                1
            ),
        }
        return torch.cat([columns[name]() for name in self.config.edge], dim=-1)

    def _one_hot_types(self, types: Tensor, dtype: torch.dtype) -> Tensor:
        return nn.functional.one_hot(types, self.num_types).to(dtype)


def displacements(positions: Tensor, graph: Graph) -> Tensor:
    """(E, 3) x_i - x_j of every edge, from its source j to its target i."""
    return positions.index_select(0, graph.target) - positions.index_select(0, graph.source)


def squared_lengths(vectors: Tensor) -> Tensor:
    """(E, 1) squared Euclidean length of (E, 3) vectors."""
    return vectors.square().sum(dim=-1, keepdim=True)


def _positive(scale: Tensor) -> float:
    value = float(scale)
    return value if value > 0 else 1.0
