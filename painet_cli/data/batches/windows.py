"""Windows: a start frame, its velocity and the frames to predict, gathered from whole arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.config.schema import DataConfig
from painet_cli.data.batches.batch import Batch, to_pyg
from painet_cli.data.batches.graph import Graph
from painet_cli.data.batches.radius_graph import Edges, RadiusGraph
from painet_cli.data.batches.typed_graph import dataset_graph
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import Manifest, Segment, SplitName
from painet_cli.data.particles.names import AXES
from painet_cli.data.particles.origin import any_far
from painet_cli.errors import RequestError

if TYPE_CHECKING:
    from torch_geometric.data import Data

_PYG_BATCH = 256
# frames up to this size are copied to the device once, larger ones stay mapped; edges by distance
# are kept up to this size, more are made again
_RESIDENT_BYTES = 2**30


def target_offsets(data: DataConfig) -> NDArray[np.int64]:
    """Frames from a window's start to each of its T targets, (T,), ascending.

    `tail` takes the last T frames of the window (the published motion-capture protocol), `uniform`
    the frames nearest to delta_frames * k / T (appendix E.3).

    Raises
    ------
    RequestError
        The window has fewer frames than targets.
    """
    if data.horizon > data.delta_frames:
        raise RequestError(
            f"data.horizon: {data.horizon} targets do not fit a window of "
            f"data.delta_frames={data.delta_frames}",
            "a window needs at least one frame for each target",
        )
    steps = np.arange(1, data.horizon + 1)
    if data.sampling == "tail":
        return data.delta_frames - data.horizon + steps
    return np.rint(data.delta_frames * steps / data.horizon).astype(np.int64)


@dataclass(frozen=True)
class Before:
    """What a window tells of the frames before its start.

    Attributes
    ----------
    history
        H, frames before the start whose displacements a batch has as `past`.
    velocity
        Whether velocities are differences to the `next` frame or from the one `before`.
    """

    history: int = 0
    velocity: Literal["next", "before"] = "next"

    @property
    def frames(self) -> int:
        """Frames before its start that a window needs."""
        return max(self.history, int(self.velocity == "before"))

    @property
    def offsets(self) -> NDArray[np.int64]:
        """(1 + H,) frames from a start to the one that its velocity is made of, and to its past."""
        return np.array([1 if self.velocity == "next" else -1, *-np.arange(1, self.history + 1)])

    def batch(
        self,
        graph: Graph,
        frames: Tensor,  # (2 + H + T, M, 3): the start, those of `offsets`, the targets
    ) -> Batch:
        """Batch of systems from their frames."""
        start, first_target = frames[0], 2 + self.history
        velocities = frames[1] - start if self.velocity == "next" else start - frames[1]
        past = frames[2:first_target] - start if self.history else None
        return Batch(graph, start, velocities, frames[first_target:], past)


NOTHING_BEFORE = Before()


def before_of(data: DataConfig) -> Before:
    """What a preset's windows tell of the frames before their start."""
    return Before(data.history, data.velocity or "next")


def with_velocity(data: DataConfig, manifest: Manifest) -> DataConfig:
    """The same, with the dataset's own velocity where none is asked for."""
    if data.velocity is not None:
        return data
    return data.model_copy(update={"velocity": manifest.velocity})


def holds_answer(data: DataConfig) -> bool:
    """Whether a window's velocity tells its first target, the frame after its start."""
    return (data.velocity or "next") == "next" and int(target_offsets(data)[0]) == 1


def check_no_answer(data: DataConfig) -> None:
    """Refuse to learn what is given.

    Raises
    ------
    RequestError
        The first target is the frame after the start, and the velocity the way to it.
    """
    if holds_answer(data):
        raise RequestError(
            "data.velocity: next: the first target is one frame after the start, and the velocity "
            "is the difference to that very frame: the answer would be in the question",
            "set data.velocity=before, or data.delta_frames so that a step is several frames",
        )


class Windows:
    """Windows of one dataset, cut into batches of equal systems.

    Parameters
    ----------
    dataset
        Where the frames come from.
    starts
        (S,) start frames.
    offsets
        (T,) frames from a start to its targets.
    graph
        The one system's graph; a batch repeats it. Where distance makes edges, those of every
        start frame are made when it is first asked for, one batch ahead, and kept.
    device
        Where batches are made.
    before
        What is told of the frames before a start.
    """

    def __init__(
        self,
        dataset: Dataset,
        starts: NDArray[np.int64],
        offsets: NDArray[np.int64],
        graph: Graph,
        device: torch.device,
        before: Before = NOTHING_BEFORE,
    ) -> None:
        self.dataset = dataset
        self.starts = starts
        self.offsets = offsets
        self.device = device
        self.graph = graph.to(device)
        self.before = before
        wanted = np.concatenate([[0], before.offsets, offsets])
        self._frames_of = torch.from_numpy(starts[:, None] + wanted)
        self._is_far = any_far(dataset.frames, starts, dataset.manifest.up_axis)
        resident = dataset.frames.nbytes <= _RESIDENT_BYTES
        self._frames = torch.from_numpy(np.array(dataset.frames)).to(device) if resident else None
        self._types = _types_of(dataset.manifest.segments, starts)
        self._edges: dict[int, Edges] = {}
        self._edge_bytes = 0

    def __len__(self) -> int:
        """S, the number of windows."""
        return len(self.starts)

    def batch(self, indices: Tensor) -> Batch:
        """Batch of the windows `indices` (B,), in that order."""
        chosen = self._frames_of[indices]
        if self._frames is not None:
            frames = self._frames[chosen.to(self.device)]
        else:
            frames = torch.from_numpy(self.dataset.frames[chosen.numpy()]).to(self.device)
        if self._is_far:
            frames = self._at_origin(frames)
        by_time = frames.transpose(0, 1).reshape(frames.shape[1], -1, 3)
        return self.before.batch(self._graph(indices), by_time)

    def _at_origin(
        self,
        frames: Tensor,  # (B, 2 + H + T, N, 3)
    ) -> Tensor:
        """Windows moved to where their start is about the origin; whole numbers lose no digit."""
        at = frames[:, :1].mean(dim=2, keepdim=True).round()
        if (up := self.dataset.manifest.up_axis) is not None:
            at[..., AXES.index(up)] = 0.0
        return frames - at

    def batches(self, batch_size: int, order: Tensor | None = None) -> Iterator[Batch]:
        """All windows once, in `order` (S,) or as they stand; the last batch may be smaller."""
        order = torch.arange(len(self)) if order is None else order
        return self.batches_of(torch.split(order, batch_size))

    def batches_of(self, parts: Sequence[Tensor]) -> Iterator[Batch]:
        """A batch of the windows of each part (B,), none of which is empty."""
        at_hand = self._frames is not None and self.graph.radius is None
        if at_hand or not parts:
            yield from map(self.batch, parts)
            return
        # frames are read, and trees searched for edges, while a model is at work
        with ThreadPoolExecutor(1) as beside:
            following = beside.submit(self.batch, parts[0])
            for indices in parts[1:]:
                ready, following = following, beside.submit(self.batch, indices)
                yield ready.result()
            yield following.result()

    def _graph(self, indices: Tensor) -> Graph:
        graph = self.graph.repeat(len(indices))
        if self._types is not None:
            types = self._types[indices]
            bounds = (int(types.min()), int(types.max()))
            graph = graph.with_types(types.flatten().to(self.device), bounds)
        if graph.radius is not None:
            graph = graph.joined(self._edges_at(self.starts[indices.numpy()]))
        return graph

    def _edges_at(self, starts: NDArray[np.int64]) -> list[Edges]:
        """Edges by distance at these frames; made where they are not kept."""
        made: dict[int, Edges] = {}
        missing = [start for start in dict.fromkeys(starts.tolist()) if start not in self._edges]
        if missing:
            radius = cast("RadiusGraph", self.graph.radius)
            made = dict(zip(missing, radius.edges(self.dataset.frames[missing]), strict=True))
            size = sum(edges.nbytes for edges in made.values())
            if self._edge_bytes + size <= _RESIDENT_BYTES:
                self._edges |= made
                self._edge_bytes += size
        return [made.get(start) or self._edges[start] for start in starts.tolist()]


def _types_of(segments: Sequence[Segment], starts: NDArray[np.int64]) -> Tensor | None:
    """Particle types of every window, (S, N), where a segment has its own; None where none has."""
    if all(segment.types is None for segment in segments):
        return None
    types = np.array([segment.types for segment in segments], dtype=np.int64)
    first = [segment.start for segment in segments]
    return torch.from_numpy(types[np.searchsorted(first, starts, side="right") - 1])


def windows_of(
    dataset: Dataset,
    part: SplitName,
    offsets: NDArray[np.int64],
    graph: Graph,
    device: torch.device,
    before: Before = NOTHING_BEFORE,
) -> Windows:
    """Windows of one part of the split, less those that do not lie in their segment as a whole.

    Raises
    ------
    RequestError
        No start of that part leaves room for the offsets, or for the frames before it.
    """
    starts = dataset.starts(part)
    segments = dataset.manifest.segments
    first = np.array([segment.start for segment in segments])
    end = first + np.array([segment.length for segment in segments])
    segment = np.searchsorted(first, starts, side="right") - 1
    room, behind = end[segment] - 1 - starts, starts - first[segment]
    after = max(int(before.velocity == "next"), int(offsets[-1]))
    fitting = starts[(room >= after) & (behind >= before.frames)]
    if before.frames and fitting.size == 0 and (room >= after).any():
        raise RequestError(
            f"dataset {dataset.manifest.name}: no {part} window has {before.frames} frames before "
            f"its start; its longest segment has {max(s.length for s in segments)} frames",
            "choose a smaller data.history, or data.velocity=next",
        )
    if fitting.size == 0:
        raise RequestError(
            f"dataset {dataset.manifest.name}: no {part} window has {int(offsets[-1])} "
            "frames after its start",
            "choose a smaller data.delta_frames or a shorter horizon",
        )
    return Windows(dataset, fitting, offsets, graph, device, before)


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
    offsets, before = target_offsets(data), before_of(data)
    return windows_of(dataset, part, offsets, graph, torch.device(device), before)


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
