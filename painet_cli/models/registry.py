"""From the name of a model to its class, and from a preset to a model.

The names of this package's models are in `config/model_table.py`. A model of another package is
registered by its entry point, group `painet.models`, and is treated as one of these from there on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import torch
from torch import Tensor

from painet_cli.config.model_table import OWN
from painet_cli.config.models import MODEL_CONFIGS
from painet_cli.config.plugins import Plugin
from painet_cli.config.presets import Preset
from painet_cli.config.stack import StackConfig
from painet_cli.data.batches.graph import Graph
from painet_cli.data.batches.offsets import target_offsets
from painet_cli.data.batches.spacing import frame_times_of
from painet_cli.data.batches.typed_graph import dataset_graph
from painet_cli.data.dataset.manifest import Manifest
from painet_cli.data.particles.names import Axis
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel, SystemSpec
from painet_cli.models.prior import OnPrior

LARGEST_UNCHECKED = 2**28
"""Weights, a gibibyte, that may be drawn before a checkpoint turns out to have others."""
_EXTRA = ("e3nn", "torchdiffeq")  # packages of the extra `baselines`


def registered_models() -> dict[str, Plugin]:
    """All models by name, those of this package first; none is imported."""
    return MODEL_CONFIGS.registered()


def find_model(name: str) -> type[DynamicsModel]:
    """Class of a model.

    Raises
    ------
    RequestError
        There is no such model, or it needs a package that is not installed, or is of another
        package that cannot be used.
    """
    known = MODEL_CONFIGS.own() if name in OWN else registered_models()
    if name not in known:
        raise RequestError(f"model {name}: no such model", f"there are {', '.join(known)}")
    try:
        kind = known[name].load()
    except RequestError as error:
        cause = error.__cause__
        missing = cause.name if isinstance(cause, ModuleNotFoundError) else None
        if missing not in _EXTRA or name not in OWN:
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
    plugin = registered_models().get(name)
    return "" if plugin is None or name in OWN else f"{plugin.package} {plugin.version}"


def models_for(horizon: int) -> list[str]:
    """Names of the models of this package that can predict so many steps."""
    return [
        name
        for name in OWN
        if (horizon == 1 or not MODEL_CONFIGS[name].one_step) and not MODEL_CONFIGS[name].of_runs
    ]


def _models_of_past(horizon: int) -> list[str]:
    """Those of `models_for` that read frames before the start, and whose packages are there."""
    found = []
    for name in models_for(horizon):
        with suppress(RequestError):
            if find_model(name).reads_past != "never":
                found.append(name)
    return found


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
    history, node = preset.data.history, preset.features.node
    by_prior = preset.model.prior in ("past", "kernel")
    if history and kind.reads_past == "never" and not by_prior:
        raise RequestError(
            f"model {name}: reads no frame before the start, but data.history is {history}",
            f"set data.history=0, or choose one of {', '.join(_models_of_past(horizon))}",
        )
    if history and kind.reads_past == "features" and "past" not in node and not by_prior:
        raise RequestError(
            f"model {name}: reads the past as a feature alone, and features.node has no `past`",
            f"set features.node=[{', '.join((*node, 'past'))}]",
        )
    model = kind.build(preset.model, preset, system)
    prior = preset.model.prior
    return model if prior is None else OnPrior(model, prior, target_offsets(preset.data), system)


def member_presets(preset: Preset) -> list[Preset]:
    """Presets of the members of a stack.

    Raises
    ------
    RequestError
        It has none, one is not known yet, or is of a stack itself.
    ValueError
        One is no preset.
    """
    members = preset.model.members if isinstance(preset.model, StackConfig) else ()
    if not members:
        raise RequestError(
            "model stack: no members", "set model.members=[RUN, RUN], folders of `painet train`"
        )
    found = [
        Preset.model_validate_json(json.dumps(member.preset), strict=True) for member in members
    ]
    if any(isinstance(one.model, StackConfig) for one in found):
        raise RequestError("model stack: a member is a stack itself", "name its members instead")
    return found


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
    size = steps = 0
    for one in member_presets(preset) if isinstance(preset.model, StackConfig) else [preset]:
        find_model(one.model.name)  # its packages make tensors as they are imported
        model = one.model.model_dump()
        widest = model.get("hidden", 0) + model.get("time_width", 0) + len(system.type_names) + 64
        attending = model.get("attention_layers", 1) * one.data.horizon
        deep = model.get("layers", 1) * model.get("modes", 1) + model.get("heads", 0) * attending
        size += 64 * deep * widest**2  # more than any of the models has
        steps += 0 if model.get("share_time", True) else attending
    if size <= LARGEST_UNCHECKED:
        return
    if steps > len(weights):  # even without numbers, so many layers take long to make
        raise RuntimeError(f"it has {steps:,} attention layers, the file {len(weights):,} tensors")
    with torch.device("meta"):  # shapes without numbers
        build_model(preset, system).load_state_dict(weights, assign=True)


def system_of(
    manifest: Manifest, preset: Preset, known: Sequence[str] = ()
) -> tuple[SystemSpec, Graph]:
    """What a model must know of a dataset's systems, and their graph; raises as that does.

    Parameters
    ----------
    known
        Names of particle types that come first, whether or not the dataset has them.
    """
    type_names, graph = dataset_graph(manifest, preset.data, known)
    spec = system_spec(preset, type_names, manifest.up_axis)
    return replace(spec, names=() if manifest.systems else manifest.particles.names), graph


def system_spec(preset: Preset, type_names: tuple[str, ...], up_axis: Axis | None) -> SystemSpec:
    """What a model must know of systems with these types, as a preset cuts their windows."""
    data = preset.data
    times = frame_times_of(data)
    return SystemSpec(type_names, data.edge_hops, up_axis, data.history, frame_times=times)
