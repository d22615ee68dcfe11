"""From a preset and its dataset to a training before its first epoch, and what is said of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError

from painet_cli.config.presets import Preset
from painet_cli.data.batches.cut import windows_of
from painet_cli.data.batches.graph import Graph
from painet_cli.data.batches.offsets import (
    before_of,
    check_no_answer,
    target_offsets,
    with_velocity,
)
from painet_cli.data.batches.spacing import frame_times_of
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset, open_dataset
from painet_cli.data.dataset.manifest import Manifest
from painet_cli.data.dataset.splits import every_start
from painet_cli.data.particles.structure import Structure, structure_of
from painet_cli.data.sources.registry import how_to_prepare
from painet_cli.errors import RequestError
from painet_cli.models.registry import build_model, package_of, system_of
from painet_cli.storage.provenance import command_line, versions
from painet_cli.training.augmentation import augmentation_of
from painet_cli.training.checkpoint import Header, TrainingState
from painet_cli.training.device import seed_everything
from painet_cli.training.distributed.world import World
from painet_cli.training.loss import check_loss
from painet_cli.training.setup.members import with_members
from painet_cli.training.setup.prior import fit_prior
from painet_cli.training.setup.usual import usual_errors
from painet_cli.training.several import check_several, check_types
from painet_cli.training.start import read_start, take_weights
from painet_cli.training.trainer import Trainer

_MEASURED = 50
"""Training windows by whose starts the structure is measured."""


def dataset_of(preset: Preset, data_dir: Path) -> Dataset:
    """Open the dataset a preset names, with the training windows that it asks for.

    Raises
    ------
    RequestError
        It is not there; says which command prepares it.
    """
    folder = data_dir / preset.data.dataset
    if not folder.exists():
        raise RequestError(
            f"{folder}: dataset {preset.data.dataset} is not prepared",
            how_to_prepare(preset.data.dataset),
        )
    dataset = open_dataset(folder)
    if preset.train.windows == "split":
        return dataset
    manifest = dataset.manifest
    split = every_start(manifest.split, manifest.segments)
    return replace(dataset, manifest=manifest.model_copy(update={"split": split}))


def build_trainer(
    preset: Preset,
    name: str,
    data_dir: Path,
    device: torch.device,
    budget_s: float | None,
    world: World,
    begun: Header | None = None,
) -> tuple[Trainer, Header]:
    """Build the model of a preset, its windows and its optimiser, and what its checkpoints say.

    Parameters
    ----------
    begun
        What the checkpoint says of a training that is gone on with, whose weights are to be taken
        from there: what `train.start_from` names is not read again.

    Raises
    ------
    RequestError
        The dataset is not there or does not suit the preset, or there are more processes than
        windows in a batch.
    """
    if preset.train.batch_size < world.size:
        raise RequestError(
            f"train.batch_size={preset.train.batch_size}: {world.size} processes share a batch, "
            "and each needs a window",
            "raise it, or start fewer processes",
        )
    dataset = dataset_of(preset, data_dir)
    preset = preset.model_copy(update={"data": with_velocity(preset.data, dataset.manifest)})
    check_no_answer(preset.data)
    check_loss(preset, dataset.manifest)
    preset = with_members(preset, dataset)
    where = preset.train.start_from
    start = None if where is None or begun is not None else read_start(where, dataset.manifest)
    before = begun if start is None else start.header
    known = () if before is None else before.type_names
    system, graph = system_of(dataset.manifest, preset, known)
    offsets, times = target_offsets(preset.data), frame_times_of(preset.data)
    train, val = (
        windows_of(dataset, part, offsets, graph, device, before_of(preset.data), times)
        for part in ("train", "val")
    )
    check_types(dataset, train, graph, system.type_names, len(known))
    seed_everything(preset.train.seed, device)
    model = build_model(preset, system).to(device)
    check_several(dataset.manifest, model, preset)
    augmentation = augmentation_of(preset, dataset)
    fit_prior(model, train, val, augmentation)
    if preset.train.loss == "relative":
        train.usual = val.usual = usual_errors(train)
    if start is None:
        model.fit_scales(train.batches(preset.train.batch_size))
    else:
        take_weights(model, start, system.type_names)
    header = _header(
        painet_version=version("painet"),
        model_package=package_of(preset.model.name),
        preset_name=name,
        preset=preset,
        type_names=system.type_names,
        composition=_composition(graph, train, system.type_names),
        structure=_structure(dataset, train),
        systems=_trained_on(dataset.manifest, train),
        treatment=dataset.manifest.treatment,
        reference=_reference(dataset),
        up_axis=system.up_axis,
        units=dataset.manifest.units,
        dataset=dataset.manifest.name,
        dataset_label=dataset.manifest.origin.label,
        dataset_sha256=dataset.sha256,
        progress=TrainingState(),
        command=command_line(),
        versions=versions(),
        start=start.facts() if start is not None else begun and begun.start,
    )
    report = preset.data.report
    return Trainer(model, preset.train, train, val, budget_s, world, augmentation, report), header


def _composition(graph: Graph, train: Windows, names: tuple[str, ...]) -> Counter[str]:
    """Particles of each type in the system that is trained on, of several in the largest."""
    largest = int(train.systems[int(train.sizes.argmax())])
    types = graph.select(torch.tensor([largest])).types.tolist()
    return Counter(names[index] for index in types)


def _trained_on(manifest: Manifest, train: Windows) -> tuple[str, ...]:
    """Names of the systems that training windows are of, where there are several."""
    numbers = np.unique(train.systems.numpy()).tolist() if manifest.systems else []
    return tuple(manifest.systems[number].name for number in numbers)


def _reference(dataset: Dataset) -> list[list[float]]:
    """What the frames were superposed on, which `prepare` left where it was."""
    manifest = dataset.manifest
    if manifest.systems or "superposed" not in manifest.treatment:
        return []
    positions: list[list[float]] = dataset.frames[manifest.reference].astype(float).tolist()
    return positions


def _structure(dataset: Dataset, train: Windows) -> Structure | None:
    """How the system is built, by the first frames of training windows."""
    manifest = dataset.manifest
    if any(segment.types is not None for segment in manifest.segments):
        return None
    if manifest.systems:
        return _common_structure(train)
    frames = dataset.frames[train.starts[:_MEASURED]]
    return structure_of(manifest.particles, frames, manifest.units.length)


def _common_structure(train: Windows) -> Structure | None:
    """How the largest of several systems is built, where all are made of the same types."""
    numbers = np.unique(train.systems.numpy())
    kinds = [set(train.graph.select(torch.tensor([one])).types.tolist()) for one in numbers]
    if any(one != kinds[0] for one in kinds):
        return None
    largest = train.dataset_of(int(train.sizes.argmax()))
    manifest = largest.manifest
    return structure_of(manifest.particles, largest.frames[:_MEASURED], manifest.units.length)


def _header(**content: Any) -> Header:
    try:
        return Header(**content)
    except ValidationError as error:
        first = error.errors()[0]
        raise RequestError(
            f"no checkpoint can say this: {first['loc'][0]} {str(first['input'])[:60]!r}",
            "choose another name for the preset or the dataset",
        ) from error
