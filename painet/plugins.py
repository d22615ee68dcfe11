"""What another package needs to add a model or a data source to painet.

A model subclasses `DynamicsModel` and has a `Config`, a subclass of `ModelConfig`; a source is a
`DataSource`. Both are named by entry points, groups `painet.models` and `painet.sources`. The
guides "Add a model" and "Add a data source" go through an example; `painet.testing` holds the
checks that every model of painet's passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from painet_cli import lazy_names

if TYPE_CHECKING:
    from painet_cli.config.model_table import ModelConfig
    from painet_cli.config.presets import Preset
    from painet_cli.data.batches.batch import Batch
    from painet_cli.data.batches.graph import Graph
    from painet_cli.data.dataset.dataset import Dataset, write_dataset
    from painet_cli.data.dataset.manifest import (
        Manifest,
        Origin,
        Segment,
        Split,
        Units,
    )
    from painet_cli.data.dataset.splits import block_split, random_split
    from painet_cli.data.particles.bonds import bonds_within
    from painet_cli.data.particles.particles import Particles
    from painet_cli.data.sources.registry import DataSource, Destination, RemoteFile, Source
    from painet_cli.data.units import seconds
    from painet_cli.errors import PainetError, RequestError, option
    from painet_cli.models.base import DynamicsModel, Features, SystemSpec, displacements, lengths
else:  # a source needs no torch, and its command's help must not wait for it
    __getattr__ = lazy_names(
        __name__,
        {
            "Batch": "painet_cli.data.batches.batch:Batch",
            "DataSource": "painet_cli.data.sources.registry:DataSource",
            "Dataset": "painet_cli.data.dataset.dataset:Dataset",
            "Destination": "painet_cli.data.sources.registry:Destination",
            "DynamicsModel": "painet_cli.models.base:DynamicsModel",
            "Features": "painet_cli.models.base:Features",
            "Graph": "painet_cli.data.batches.graph:Graph",
            "Manifest": "painet_cli.data.dataset.manifest:Manifest",
            "ModelConfig": "painet_cli.config.model_table:ModelConfig",
            "Origin": "painet_cli.data.dataset.manifest:Origin",
            "PainetError": "painet_cli.errors:PainetError",
            "Particles": "painet_cli.data.dataset.manifest:Particles",
            "Preset": "painet_cli.config.presets:Preset",
            "RemoteFile": "painet_cli.data.sources.registry:RemoteFile",
            "RequestError": "painet_cli.errors:RequestError",
            "Segment": "painet_cli.data.dataset.manifest:Segment",
            "Source": "painet_cli.data.sources.registry:Source",
            "Split": "painet_cli.data.dataset.manifest:Split",
            "SystemSpec": "painet_cli.models.base:SystemSpec",
            "Units": "painet_cli.data.dataset.manifest:Units",
            "block_split": "painet_cli.data.dataset.splits:block_split",
            "bonds_within": "painet_cli.data.particles.bonds:bonds_within",
            "displacements": "painet_cli.models.base:displacements",
            "option": "painet_cli.errors:option",
            "lengths": "painet_cli.models.base:lengths",
            "random_split": "painet_cli.data.dataset.splits:random_split",
            "seconds": "painet_cli.data.units:seconds",
            "write_dataset": "painet_cli.data.dataset.dataset:write_dataset",
        },
    )

__all__ = [
    "Batch",
    "DataSource",
    "Dataset",
    "Destination",
    "DynamicsModel",
    "Features",
    "Graph",
    "Manifest",
    "ModelConfig",
    "Origin",
    "PainetError",
    "Particles",
    "Preset",
    "RemoteFile",
    "RequestError",
    "Segment",
    "Source",
    "Split",
    "SystemSpec",
    "Units",
    "block_split",
    "bonds_within",
    "displacements",
    "lengths",
    "option",
    "random_split",
    "seconds",
    "write_dataset",
]
