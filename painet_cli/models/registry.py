"""Names of models and where they live: a new model is one file and one line here.

A model of another package is registered by its entry point, group `painet.models`, and is treated
as one of these from there on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version

from painet_cli.config.plugins import MODELS as GROUP
from painet_cli.config.plugins import Plugin
from painet_cli.config.preset import MODEL_CONFIGS, ParticleLabel, Preset
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
"""Models of this package."""
_EXTRA = ("e3nn", "torchdiffeq")  # packages of the extra `baselines`


def registered_models() -> dict[str, Plugin]:
    """All models by name, those of this package first; none is imported."""
    here = version("painet")
    own = {name: Plugin(GROUP, name, at, "painet", here) for name, at in MODELS.items()}
    return {**own, **MODEL_CONFIGS.plugins()}


def find_model(name: str) -> type[DynamicsModel]:
    """Class of a model.

    Raises
    ------
    RequestError
        There is no such model, or it needs a package that is not installed, or is of another
        package that cannot be used.
    """
    known = registered_models()
    if name not in known:
        raise RequestError(f"model {name}: no such model", f"there are {', '.join(known)}")
    try:
        kind = known[name].load()
    except RequestError as error:
        missing = getattr(error.__cause__, "name", None)
        if missing not in _EXTRA or name not in MODELS:
            raise
        raise RequestError(
            f"model {name}: the package {missing} is not installed",
            'install it with `pip install "painet[baselines]"`',
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, DynamicsModel)):
        raise known[name].broken(f"{known[name].target} is no subclass of DynamicsModel")
    return kind


def package_of(name: str) -> str:
    """Package of a model and its version, `spring-model 0.1.0`; empty for this package's own."""
    plugin = MODEL_CONFIGS.plugins().get(name)
    return "" if plugin is None or name in MODELS else f"{plugin.package} {plugin.version}"


def models_for(horizon: int) -> list[str]:
    """Names of the models of this package that can predict so many steps."""
    return [name for name in MODELS if horizon == 1 or not MODEL_CONFIGS[name].one_step]


def build_model(preset: Preset, system: SystemSpec) -> DynamicsModel:
    """Model that a preset describes, with weights drawn from torch's global generator.

    Raises
    ------
    RequestError
        The model predicts one step only and the preset asks for more, does not suit the system, or
        needs a package that is not installed.
    """
    name, horizon = preset.model.name, preset.data.horizon
    kind = find_model(name)
    if horizon > 1 and preset.model.one_step:
        raise RequestError(
            f"model {name}: predicts one step, but data.horizon is {horizon}",
            f"choose a preset with T = 1, or one of the models {', '.join(models_for(horizon))}",
        )
    return kind.build(preset.model, preset, system)


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
