"""From a dataset and how its windows are cut to windows, and to PyG's data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from painet_cli.config.arguments import checked_argument
from painet_cli.config.schema import DataConfig
from painet_cli.data.batches.batch import to_pyg
from painet_cli.data.batches.graph import Graph
from painet_cli.data.batches.offsets import (
    NOTHING_BEFORE,
    Before,
    before_of,
    target_offsets,
    with_velocity,
)
from painet_cli.data.batches.spacing import FrameTimes, check_one_time, frame_times_of, strides_of
from painet_cli.data.batches.typed_graph import dataset_graph
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import SplitName
from painet_cli.errors import RequestError

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
        There is no such part, no window of it leaves room for the targets, or the dataset has not
        what types or edges are made of.

    Examples
    --------
    >>> import tempfile, painet
    >>> sample = painet.prepare("sample", data_dir=tempfile.mkdtemp())
    >>> windows = painet.windows(sample, "train", painet.Preset.load("demo").data)
    >>> batch = next(windows.batches(32))
    >>> batch.positions.shape, batch.targets.shape
    (torch.Size([288, 3]), torch.Size([5, 288, 3]))
    """
    part, manifest = checked_argument("part", SplitName, part), dataset.manifest
    data = data or DataConfig(dataset=manifest.name, delta_frames=manifest.split.delta_frames)
    data = with_velocity(data, manifest)
    _, graph = dataset_graph(manifest, data)
    offsets, place = target_offsets(data), torch.device(device)
    return windows_of(dataset, part, offsets, graph, place, before_of(data), frame_times_of(data))


def windows_of(
    dataset: Dataset,
    part: SplitName,
    offsets: NDArray[np.int64],
    graph: Graph,
    device: torch.device,
    before: Before = NOTHING_BEFORE,
    frame_times: FrameTimes | None = None,
) -> Windows:
    """Windows of one part of the split, less those that do not lie in their segment as a whole.

    Parameters
    ----------
    frame_times
        Between the frames of a window; no window then goes past the frames that the split left
        room for.

    Raises
    ------
    RequestError
        No start of that part leaves room for the offsets, or for the frames before it; or systems
        differ in the time between frames, and no `frame_times` are given.
    """
    manifest, starts = dataset.manifest, dataset.starts(part)
    segment, behind = manifest.segment_at(starts), starts - manifest.began_at(starts)
    lengths = np.array([one.length for one in manifest.segments])
    room = lengths[segment] - 1 - behind
    after = int(offsets[-1])  # the frame after the start, of which a velocity is made, included
    if frame_times is not None:
        room = np.minimum(room, manifest.split.delta_frames)
        strides = strides_of(manifest, segment, room // after, frame_times)
        if before.frames:
            strides[:, 1] = np.minimum(strides[:, 1], behind // before.frames)
        fits = strides[:, 0] <= strides[:, 1]
        if not fits.any():
            raise RequestError(
                f"dataset {manifest.name}: no {part} window has frames {frame_times} apart, "
                f"{after} of them after its start and {before.frames} before",
                "choose another data.delta_time, or prepare it with more --delta-frames",
            )
        return Windows(dataset, starts[fits], offsets, graph, device, before, strides[fits])
    check_one_time(manifest)
    fitting = starts[(room >= after) & (behind >= before.frames)]
    if before.frames and fitting.size == 0 and (room >= after).any():
        raise RequestError(
            f"dataset {manifest.name}: no {part} window has {before.frames} frames before "
            f"its start; its longest segment has {lengths.max()} frames",
            "choose a smaller data.history, or data.velocity=next",
        )
    if fitting.size == 0:
        raise RequestError(
            f"dataset {manifest.name}: no {part} window has {after} frames after its start",
            "choose a smaller data.delta_frames or a shorter horizon",
        )
    return Windows(dataset, fitting, offsets, graph, device, before)


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
