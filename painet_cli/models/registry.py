"""Names of models and where they live: a new model is one file and one line here."""

from __future__ import annotations

from importlib import import_module

from painet_cli.config.preset import Preset
from painet_cli.data.graph import Graph, bond_graph
from painet_cli.data.manifest import Manifest
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel, SystemSpec

MODELS = {
    "painet": "painet_cli.models.painet:Painet",
    "linear": "painet_cli.models.linear:Linear",
}


def build_model(preset: Preset, system: SystemSpec) -> DynamicsModel:
    """Model that a preset describes, with weights drawn from torch's global generator."""
    module, _, name = MODELS[preset.model.name].partition(":")
    model: DynamicsModel = getattr(import_module(module), name).build(preset.model, preset, system)
    return model


def system_of(manifest: Manifest, preset: Preset) -> tuple[SystemSpec, Graph]:
    """What a model must know of a dataset's system, and the system's graph.

    Raises
    ------
    RequestError
        The system has no bonds, so that no particle hears of another in the decoder.
    """
    particles = manifest.particles
    if not particles.bonds:
        raise RequestError(
            f"dataset {manifest.name}: no bonds, so no edges",
            "prepare it with a topology that has bonds",
        )
    graph = bond_graph(particles.types, particles.bonds, preset.data.hops)
    return SystemSpec(particles.type_names, preset.data.hops, manifest.up_axis), graph
