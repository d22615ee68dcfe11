"""From a dataset and how its windows are cut to windows and PyG's data: what Python users call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from painet_cli.config.schema import DataConfig
from painet_cli.data.batches.batch import to_pyg
from painet_cli.data.batches.offsets import before_of, target_offsets, with_velocity
from painet_cli.data.batches.spacing import frame_times_of
from painet_cli.data.batches.typed_graph import dataset_graph
from painet_cli.data.batches.windows import Windows, windows_of
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import SplitName

if TYPE_CHECKING:
    from torch_geometric.data import Data

_PYG_BATCH = 256


def windows(
    dataset: Dataset,
    part: SplitName = "train",
    data: DataConfig | None = None,
    device: str | torch.device = "cpu",
) -> Windows:
    """Windows of one part of a dataset's split, which give batches for models of painet's.

    Parameters
    ----------
    dataset
        Prepared frames.
    part
        `train`, `val` or `test`.
    data
        How windows are cut and what makes edges and types, such as `preset.data`; by default
        one target at the end of the split's longest window, edges along up to two bonds.
    device
        Where batches are made.

    Raises
    ------
    RequestError
        No window of that part leaves room for the targets, or the dataset has not what types or
        edges are made of.

    Examples
    --------
    >>> import tempfile, painet
    >>> sample = painet.prepare("sample", data_dir=tempfile.mkdtemp())
    >>> windows = painet.windows(sample, "train", painet.Preset.load("demo").data)
    >>> batch = next(windows.batches(32))
    >>> batch.positions.shape, batch.targets.shape
    (torch.Size([288, 3]), torch.Size([5, 288, 3]))
    """
    manifest = dataset.manifest
    data = data or DataConfig(dataset=manifest.name, delta_frames=manifest.split.delta_frames)
    data = with_velocity(data, manifest)
    _, graph = dataset_graph(manifest, data)
    offsets, place = target_offsets(data), torch.device(device)
    return windows_of(dataset, part, offsets, graph, place, before_of(data), frame_times_of(data))


def pyg(dataset: Dataset, part: SplitName = "train", data: DataConfig | None = None) -> list[Data]:
    """Windows as PyTorch Geometric's `Data`, for its `DataLoader` and any model.

    Parameters
    ----------
    dataset, part, data
        As `windows` takes them.

    Returns
    -------
    list
        Each has `pos` and `vel` (N, 3), `types` (N,), `edge_index` (2, E), `edge_hop` (E,) and `y`
        (N, T, 3), in the dataset's unit of length and per frame.

    Raises
    ------
    RequestError
        As `windows` does.

    Examples
    --------
    >>> import tempfile, painet
    >>> sample = painet.prepare("sample", data_dir=tempfile.mkdtemp())
    >>> one = painet.pyg(sample, "val", painet.Preset.load("demo").data)[0]
    >>> one.pos.shape, one.y.shape
    (torch.Size([9, 3]), torch.Size([9, 5, 3]))
    """
    return [
        one
        for batch in windows(dataset, part, data).batches(_PYG_BATCH)
        for one in to_pyg(batch).to_data_list()
    ]
