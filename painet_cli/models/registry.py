"""Names of models and where they live: a new model is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module

import torch
from torch import Tensor

from painet_cli.config.preset import ParticleLabel, Preset
from painet_cli.data.contacts import Contacts
from painet_cli.data.graph import Graph, bond_graph
from painet_cli.data.manifest import Manifest, Particles
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel, SystemSpec

MODELS = {
    "painet": "painet_cli.models.painet:Painet",
    "linear": "painet_cli.models.linear:Linear",
    "rf": "painet_cli.models.radial_field:RadialField",
    "mpnn": "painet_cli.models.mpnn:Mpnn",
    "egnn": "painet_cli.models.egnn:Egnn",
    "egno": "painet_cli.models.egno:Egno",
    "hegnn": "painet_cli.models.hegnn:Hegnn",
    "gf-node": "painet_cli.models.gf_node:GfNode",
}
ONE_STEP = ("rf", "mpnn")
"""Models that were made for a single target."""
LARGEST_UNCHECKED = 2**28
"""Weights, a gibibyte, that may be drawn before a checkpoint turns out to have others."""
_EXTRA = ("e3nn", "torchdiffeq")  # packages of the extra `baselines`


def models_for(horizon: int) -> list[str]:
    """Names of the models that can predict so many steps."""
    return [name for name in MODELS if horizon == 1 or name not in ONE_STEP]


def build_model(preset: Preset, system: SystemSpec) -> DynamicsModel:
    """Model that a preset describes, with weights drawn from torch's global generator.

    Raises
    ------
    RequestError
        The model predicts one step only and the preset asks for more, does not suit the system, or
        needs a package that is not installed.
    """
    model_name = preset.model.name
    module, _, name = MODELS[model_name].partition(":")
    try:
        kind = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        raise RequestError(
            f"model {model_name}: the package {error.name} is not installed",
            'install it with `pip install "painet[baselines]"`',
        ) from error
    if preset.data.horizon > 1 and model_name in ONE_STEP:
        several = ", ".join(models_for(preset.data.horizon))
        raise RequestError(
            f"model {model_name}: predicts one step, but data.horizon is {preset.data.horizon}",
            f"choose a preset with T = 1, or one of the models {several}",
        )
    model: DynamicsModel = kind.build(preset.model, preset, system)
    return model


def check_weights(preset: Preset, system: SystemSpec, weights: Mapping[str, Tensor]) -> None:
    """Hold weights against a large model before memory is taken for it.

    A checkpoint of a few bytes may name a model of terabytes.

    Raises
    ------
    RuntimeError
        The names or shapes are others.
    RequestError
        As `build_model` does.
    """
    model = preset.model.model_dump()
    widest = model.get("hidden", 0) + model.get("time_width", 0) + len(system.type_names) + 64
    deep = model.get("layers", 1) + model.get("heads", 0) * preset.data.horizon
    if 64 * deep * widest**2 <= LARGEST_UNCHECKED:  # more than any of the models has
        return
    with torch.device("meta"):  # shapes without numbers
        build_model(preset, system).load_state_dict(weights, assign=True)


def system_of(manifest: Manifest, preset: Preset) -> tuple[SystemSpec, Graph]:
    """What a model must know of a dataset's system, and the system's graph.

    Raises
    ------
    RequestError
        The dataset has not what the preset makes particle types of; or the system has no bonds and
        the preset no cutoff, so that no particle hears of another in the decoder.
    """
    data, particles = preset.data, manifest.particles
    if not particles.bonds and data.cutoff is None:
        raise RequestError(
            f"dataset {manifest.name}: no bonds, so no edges",
            "set data.cutoff, or prepare it with a topology that has bonds",
        )
    types, type_names = particle_types(manifest, data.types)
    graph = bond_graph(types, particles.bonds, data.hops)
    if data.cutoff is not None:
        graph = replace(graph, contacts=Contacts(graph, data.cutoff, data.edge_hops))
    return SystemSpec(type_names, data.edge_hops, manifest.up_axis), graph


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
    RequestError
        One of the labels is not known of the particles.
    """
    columns: dict[str, Sequence[str]] = {
        "listed": [particles.type_names[index] for index in particles.types],
        "name": particles.names,
        "element": particles.elements,
        "residue": particles.residues,
    }
    for label in labels:
        if not columns[label]:
            raise RequestError(
                f"data.types: {whose} has no {label} for its particles",
                "choose of listed, name, element, residue what it has (`painet data show`)",
            )
    return tuple(
        " ".join(parts) for parts in zip(*(columns[label] for label in labels), strict=True)
    )
