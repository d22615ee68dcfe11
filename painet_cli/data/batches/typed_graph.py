"""A dataset's system as a graph: particle types by the labels of a preset, edges by bonds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from painet_cli.config.schema import DataConfig, ParticleLabel
from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.graph import Graph
from painet_cli.data.dataset.manifest import Manifest
from painet_cli.data.particles.particles import Particles
from painet_cli.errors import RequestError


def dataset_graph(
    manifest: Manifest, data: DataConfig, known: Sequence[str] = ()
) -> tuple[tuple[str, ...], Graph]:
    """Names of a dataset's particle types, and the graph of its systems, one of each side by side.

    Parameters
    ----------
    known
        Names of types that come first, as a trained model counts them.

    Raises
    ------
    RequestError
        The dataset has not what the preset makes particle types of; or a system has no bonds and
        the preset no cutoff, so that no particle hears of another in the decoder.
    """
    particles, sizes = manifest.particles, [one.particles for one in manifest.each_system]
    first = torch.tensor([0, *sizes]).cumsum(0)
    bonded = np.searchsorted(first.numpy(), [i for i, _ in particles.bonds], side="right") - 1
    bare = sorted({*range(len(sizes))} - {*bonded.tolist()})
    if bare and data.cutoff is None:
        whose = f", system {manifest.systems[bare[0]].name}" if manifest.systems else ""
        raise RequestError(
            f"dataset {manifest.name}{whose}: no bonds, so no edges",
            "set data.cutoff, or prepare it with a topology that has bonds",
        )
    types, type_names = particle_types(manifest, data.types)
    if known:
        own, type_names = type_names, tuple(dict.fromkeys([*known, *type_names]))
        types = tuple(type_names.index(own[index]) for index in types)
    graph = bond_graph(types, particles.bonds, data.hops)
    if manifest.systems:
        equal = sizes[0] if len({*sizes}) == 1 else None
        graph = replace(graph, ptr=first, nodes_per_system=equal)
    if data.cutoff is not None:
        graph = graph.within(data.cutoff, data.edge_hops)
    return type_names, graph


def particle_types(
    manifest: Manifest, labels: Sequence[ParticleLabel]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Type of every particle and the names of the types, sorted, or as the dataset lists them.

    Raises
    ------
    RequestError
        The dataset does not have one of the labels, or types that differ by segment.
    """
    particles = manifest.particles
    if tuple(labels) == ("listed",):
        return particles.types, particles.type_names
    if any(segment.types is not None for segment in manifest.segments):
        raise RequestError(
            f"dataset {manifest.name}: its particle types differ by segment",
            "set data.types=[listed]",
        )
    kinds = particle_kinds(particles, labels, f"dataset {manifest.name}")
    names = sorted(set(kinds))
    index = {name: number for number, name in enumerate(names)}
    return tuple(index[kind] for kind in kinds), tuple(names)


class MissingLabelError(RequestError):
    """Particles do not have a label that their types are to be made of.

    Attributes
    ----------
    missing
        Whose particles lack which label.
    """

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"data.types: {missing}",
            "choose of listed, name, element, residue what it has (`painet data show`)",
        )
        self.missing = missing


def particle_kinds(
    particles: Particles, labels: Sequence[ParticleLabel], whose: str
) -> tuple[str, ...]:
    """Name of every particle's type: its labels, joined by blanks.

    Parameters
    ----------
    whose
        What has these particles, for messages: `dataset mocap-walk`.

    Raises
    ------
    MissingLabelError
        One of the labels is not known of the particles.
    """
    columns: dict[str, Sequence[str]] = {
        "listed": particles.kinds,
        "name": particles.names,
        "element": particles.elements,
        "residue": particles.residues,
    }
    for label in labels:
        if not columns[label]:
            raise MissingLabelError(f"{whose} has no {label} for its particles")
    return tuple(
        " ".join(parts) for parts in zip(*(columns[label] for label in labels), strict=True)
    )
