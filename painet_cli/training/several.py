"""What a dataset of several systems must have, and what cannot learn from one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from painet_cli.config.presets import Preset
from painet_cli.data.batches.graph import Graph
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import Manifest
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel


def check_several(manifest: Manifest, model: DynamicsModel, preset: Preset) -> None:
    """Refuse what is for one system alone on a dataset of several."""
    if not manifest.systems:
        return
    name = manifest.name
    if model.closed_form:
        raise RequestError(
            f"dataset {name}: several systems, and the model {preset.model.name} is fitted to one",
            "choose another model, or a dataset of one system",
        )
    if preset.train.augment:
        raise RequestError(
            f"dataset {name}: several systems, and train.augment knows the names of one",
            "set train.augment=[]",
        )


def check_types(
    dataset: Dataset, train: Windows, graph: Graph, type_names: Sequence[str], known: int
) -> None:
    """Refuse systems for validation or tests with a particle type that is in no training window.

    The first `known` types were trained before.
    """
    systems, split = dataset.manifest.systems, dataset.manifest.split
    if not systems:
        return
    types, bounds = graph.types.tolist(), graph.ptr.tolist()
    own = [{*types[first:last]} for first, last in pairwise(bounds)]
    learned = {*range(known)}.union(*(own[k] for k in np.unique(train.systems.numpy()).tolist()))
    held_out = np.unique(dataset.manifest.segment_at([*split.val, *split.test]))
    for k in sorted({dataset.manifest.segments[segment].system for segment in held_out}):
        unknown = sorted(type_names[index] for index in own[k] - learned)
        if unknown:
            raise RequestError(
                f"dataset {dataset.manifest.name}: particle type {unknown[0]} of system "
                f"{systems[k].name} is in no system that is trained on",
                "share the systems out otherwise (`painet prepare merge`), or choose data.types",
            )
