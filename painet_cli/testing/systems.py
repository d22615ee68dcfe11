"""Small systems that models are tested on: molecules, their states, presets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch as PyGBatch

from painet_cli.config.presets import Preset
from painet_cli.config.schema import FeatureConfig
from painet_cli.data.batches.batch import Batch, from_pyg, to_pyg
from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.graph import Graph
from painet_cli.models.base import SystemSpec


@dataclass(frozen=True)
class Molecule:
    """Particle types and bonds of one system."""

    types: tuple[int, ...]
    bonds: tuple[tuple[int, int], ...]


CHAIN = Molecule((0, 1, 2, 1), ((0, 1), (1, 2), (2, 3)))
RING = Molecule((0, 1, 0, 1, 0, 1), ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)))
# 0-1-2-3 with a side branch at 1: 4, which carries 5 and 6-7
BRANCHED = Molecule(
    (0, 1, 1, 2, 0, 1, 2, 0), ((0, 1), (1, 2), (2, 3), (1, 4), (4, 5), (4, 6), (6, 7))
)
PAIR = Molecule((2, 0), ((0, 1),))

HOPS = 2
"""Edges join particles up to two bonds apart."""
SPEC = SystemSpec(type_names=("a", "b", "c", "nowhere"), hops=HOPS, up_axis="y")
"""What models are built for; no system has a particle of the last type."""
INVARIANTS = FeatureConfig(node=("speed", "type"), edge=("hop", "distance", "types"))
"""Features that every motion leaves alone."""
WITH_HEIGHT = FeatureConfig(node=("speed", "height"), edge=("hop", "distance"))
"""Features that only motions along the ground leave alone."""


def generator(seed: int) -> torch.Generator:
    """Torch's generator at a seed."""
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Normal random numbers of a shape, drawn in float64."""
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64).to(dtype)


def state(graph: Graph, *, horizon: int = 1, seed: int = 0) -> Batch:
    """Random positions, velocities and targets, float64, for the particles of a graph."""
    m = graph.num_nodes
    return Batch(
        graph,
        2 * normal(m, 3, seed=seed),
        normal(m, 3, seed=seed + 1000),
        normal(horizon, m, 3, seed=seed + 2000),
    )


def equal_systems(
    molecule: Molecule = BRANCHED, copies: int = 1, *, horizon: int = 1, seed: int = 0
) -> Batch:
    """`copies` of one molecule, each in its own state."""
    graph = bond_graph(molecule.types, molecule.bonds, HOPS)
    return state(graph.repeat(copies), horizon=horizon, seed=seed)


def side_by_side(batches: Sequence[Batch]) -> Batch:
    """Systems of any sizes in one batch, through PyTorch Geometric."""
    data = [one for batch in batches for one in to_pyg(batch).to_data_list()]
    return from_pyg(PyGBatch.from_data_list(data))


def cast(batch: Batch, dtype: torch.dtype) -> Batch:
    """Batch with its numbers in another precision."""
    targets = None if batch.targets is None else batch.targets.to(dtype)
    past = None if batch.past is None else batch.past.to(dtype)
    return Batch(batch.graph, batch.positions.to(dtype), batch.velocities.to(dtype), targets, past)


def preset(model: dict[str, Any], horizon: int = 1, features: FeatureConfig = INVARIANTS) -> Preset:
    """Smallest preset with a model's section."""
    return Preset.model_validate(
        {
            "data": {"dataset": "small", "horizon": horizon, "delta_frames": 10, "hops": HOPS},
            "features": features,
            "model": model,
            "train": {"epochs": 1, "batch_size": 2, "lr": 1e-3},
        }
    )


def shaken(model: nn.Module, seed: int = 7, scale: float = 0.3) -> nn.Module:
    """The model away from where it starts, so that no near-zero layer hides a mistake."""
    noise = generator(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            step = torch.randn(parameter.shape, generator=noise, dtype=torch.float64)
            parameter.add_((scale * step).to(parameter.dtype))
    return model
