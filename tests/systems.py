"""Small systems that tests are made of: molecules, their states, presets and manifests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from painet_cli.data.batches.graph import Graph, graph_of
from painet_cli.data.dataset.manifest import (
    Manifest,
    Origin,
    Segment,
    Split,
    Units,
)
from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.particles import Particles
from painet_cli.testing.systems import (
    BRANCHED,
    CHAIN,
    HOPS,
    INVARIANTS,
    PAIR,
    RING,
    SPEC,
    WITH_HEIGHT,
    Molecule,
    cast,
    equal_systems,
    generator,
    normal,
    preset,
    shaken,
    side_by_side,
    state,
)

__all__ = [
    "BRANCHED",
    "CHAIN",
    "HOPS",
    "INVARIANTS",
    "PAIR",
    "RING",
    "SPEC",
    "WITH_HEIGHT",
    "Molecule",
    "cast",
    "equal_systems",
    "frames_of",
    "generator",
    "manifest",
    "normal",
    "preset",
    "shaken",
    "side_by_side",
    "state",
    "typed",
    "unit_rows",
    "wagging_chain",
]


def unit_rows(*shape: int, seed: int) -> Tensor:
    return nn.functional.normalize(normal(*shape, seed=seed), dim=-1)


def typed(types: Sequence[Sequence[int]]) -> Graph:
    """Graph without edges of systems with these particle types."""
    sizes = torch.tensor([0, *(len(system) for system in types)])
    flat = torch.tensor([a for system in types for a in system], dtype=torch.int64)
    nothing = torch.empty(0, dtype=torch.int64)
    return graph_of(flat, nothing.expand(2, 0), nothing, sizes.cumsum(0))


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
    )


def frames_of(describe: Manifest, seed: int = 0) -> NDArray[np.float32]:
    shape = (describe.frame_count, len(describe.particles.names), 3)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def wagging_chain() -> NDArray[np.float64]:
    """(101, 5, 3): a flat chain that bends to one side and, half-way through, to the other.

    Bent as much as it is broad, it is nearly its own mirror image turned half round.
    """
    flat = np.array([[0, 0, 0], [1.2, 0.7, 0], [2.4, 0, 0], [3.6, 0.7, 0], [4.8, 0, 0.0]])
    across = np.cos(np.pi * np.arange(101) / 100)[:, None] * [0.5, 0, -1, 0, 0.5]
    return flat + 0.8 * across[..., None] * [0, 0, 1]
