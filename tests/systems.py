"""Small systems that tests are made of: molecules, their states, presets and manifests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.data import Batch as PyGBatch

from painet_cli.config.preset import FeatureConfig, Preset
from painet_cli.data.batch import Batch, from_pyg, to_pyg
from painet_cli.data.graph import Graph, bond_graph, graph_of
from painet_cli.data.manifest import (
    Axis,
    Manifest,
    Origin,
    Particles,
    Segment,
    Split,
    Units,
)
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
SPEC = SystemSpec(type_names=("a", "b", "c", "nowhere"), hops=HOPS, up_axis="y")
INVARIANTS = FeatureConfig(node=("speed", "type"), edge=("hop", "distance", "types"))
WITH_HEIGHT = FeatureConfig(node=("speed", "height"), edge=("hop", "distance"))


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64).to(dtype)


def unit_rows(*shape: int, seed: int) -> Tensor:
    return nn.functional.normalize(normal(*shape, seed=seed), dim=-1)


def state(graph: Graph, *, horizon: int = 1, seed: int = 0) -> Batch:
    """Random positions, velocities and targets, float64, for the particles of a graph."""
    m = graph.num_nodes
    return Batch(
        graph,
        2 * normal(m, 3, seed=seed),
        normal(m, 3, seed=seed + 1000),
        normal(horizon, m, 3, seed=seed + 2000),
    )


def equal_systems(molecule: Molecule, copies: int = 1, *, horizon: int = 1, seed: int = 0) -> Batch:
    """`copies` of one molecule, each in its own state."""
    graph = bond_graph(molecule.types, molecule.bonds, HOPS)
    return state(graph.repeat(copies), horizon=horizon, seed=seed)


def side_by_side(batches: Sequence[Batch]) -> Batch:
    """Systems of any sizes in one batch, through PyTorch Geometric."""
    data = [one for batch in batches for one in to_pyg(batch).to_data_list()]
    return from_pyg(PyGBatch.from_data_list(data))


def typed(types: Sequence[Sequence[int]]) -> Graph:
    """Graph without edges of systems with these particle types."""
    sizes = torch.tensor([0, *(len(system) for system in types)])
    flat = torch.tensor([a for system in types for a in system], dtype=torch.int64)
    nothing = torch.empty(0, dtype=torch.int64)
    return graph_of(flat, nothing.expand(2, 0), nothing, sizes.cumsum(0))


def cast(batch: Batch, dtype: torch.dtype) -> Batch:
    targets = None if batch.targets is None else batch.targets.to(dtype)
    return Batch(batch.graph, batch.positions.to(dtype), batch.velocities.to(dtype), targets)


def preset(model: dict[str, Any], horizon: int = 1, features: FeatureConfig = INVARIANTS) -> Preset:
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
            parameter += (scale * step).to(parameter.dtype)
    return model


def manifest(
    lengths: Sequence[int] = (12, 8),
    *,
    delta_frames: int = 4,
    train: Sequence[int] = (0, 1, 2, 13),
    val: Sequence[int] = (5,),
    test: Sequence[int] = (7, 14),
    up_axis: Axis | None = None,
    molecule: Molecule = CHAIN,
) -> Manifest:
    """Manifest of trials of these lengths, one after the other."""
    starts = [sum(lengths[:k]) for k in range(len(lengths))]
    return Manifest(
        name="small",
        origin=Origin(source="tests", licence="MIT", citation="", prepared_by="pytest"),
        units=Units(length="angstrom", length_in_metres=1e-10, frame_time_s=1e-15),
        up_axis=up_axis,
        particles=Particles(
            names=tuple(f"p{k}" for k in range(len(molecule.types))),
            types=molecule.types,
            type_names=("a", "b", "c"),
            bonds=molecule.bonds,
        ),
        segments=tuple(
            Segment(name=f"trial {k}", start=start, length=length)
            for k, (start, length) in enumerate(zip(starts, lengths, strict=True))
        ),
        split=Split(
            kind="published",
            delta_frames=delta_frames,
            train=tuple(train),
            val=tuple(val),
            test=tuple(test),
        ),
        files={},
    )


def frames_of(describe: Manifest, seed: int = 0) -> NDArray[np.float32]:
    shape = (describe.frame_count, len(describe.particles.names), 3)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
