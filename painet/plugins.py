"""What another package needs to add a model or a data source to painet.

A model subclasses `DynamicsModel` and has a `Config`, a subclass of `ModelConfig`; a source is a
`DataSource`. Both are named by entry points, groups `painet.models` and `painet.sources`. The
guides "Add a model" and "Add a data source" go through an example; `painet.testing` holds the
checks that every model of painet's passes.
"""

from painet_cli.config.model_config import ModelConfig
from painet_cli.config.preset import Preset
from painet_cli.data.batch import Batch
from painet_cli.data.bonds import bonds_within
from painet_cli.data.dataset import Dataset, write_dataset
from painet_cli.data.destination import Destination
from painet_cli.data.graph import Graph
from painet_cli.data.manifest import Manifest, Origin, Particles, Segment, Split, Units
from painet_cli.data.sources import DataSource, RemoteFile, Source
from painet_cli.data.splits import block_split, random_split
from painet_cli.data.units import seconds
from painet_cli.errors import PainetError, RequestError
from painet_cli.models.base import DynamicsModel, Features, SystemSpec, displacements, lengths

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
    "random_split",
    "seconds",
    "write_dataset",
]
