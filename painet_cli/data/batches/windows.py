"""Windows: a start frame, its velocity and the frames to predict, gathered from whole arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph
from painet_cli.data.batches.offsets import NOTHING_BEFORE, Before
from painet_cli.data.batches.radius_graph import Edges, RadiusGraph
from painet_cli.data.batches.spacing import UsualErrors, draw_strides
from painet_cli.data.batches.system_frames import SystemFrames, at_origin
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import Manifest

POOL = 16
"""Batches among whose windows those of one size are brought together."""
_RESIDENT_BYTES = 2**30  # of edges by distance are kept, more are made again


class Windows:
    """Windows of one dataset, cut into batches of equal systems or of several.

    Parameters
    ----------
    dataset
        Where the frames come from.
    starts
        (S,) start frames.
    offsets
        (T,) frames from a start to its targets.
    graph
        The dataset's systems, one of each side by side; a batch takes copies of them. Where
        distance makes edges, those of every start frame are made when it is first asked for, one
        batch ahead, and kept.
    device
        Where batches are made.
    before
        What is told of the frames before a start.
    strides
        (S, 2) fewest and most frames of the dataset that make one frame of each window, between
        which `draw` draws; None where every frame of the dataset is one.

    Attributes
    ----------
    prior
        (S, T, N, 3) displacements that a model's prior predicts without having seen the window;
        None where there are none.
    usual
        By what the squared errors of a window are divided; None where by nothing.
    """

    prior: Tensor | None = None
    usual: UsualErrors | None = None

    def __init__(
        self,
        dataset: Dataset,
        starts: NDArray[np.int64],
        offsets: NDArray[np.int64],
        graph: Graph,
        device: torch.device,
        before: Before = NOTHING_BEFORE,
        strides: NDArray[np.int64] | None = None,
    ) -> None:
        self.dataset = dataset
        self.starts = starts
        self.offsets = offsets
        self.device = device
        self.graph = graph.to(device)
        self.before = before
        self._frames = SystemFrames(dataset, device)
        self.systems = self._frames.systems_at(starts)
        self._ahead = torch.from_numpy(np.concatenate([[0], before.offsets, offsets]))
        self._starts = torch.from_numpy(starts)
        self._behind = torch.from_numpy(starts - dataset.manifest.began_at(starts))
        self._is_far = self._frames.any_far(starts)
        self._types = _types_of(dataset.manifest, starts)
        self._edges: dict[int, Edges] = {}
        self._edge_bytes = 0
        self._bounds = strides
        self._strides: Tensor | None = None
        self.draw((0,))

    def draw(self, seed: tuple[int, ...]) -> None:
        """Draw the time between the frames of every window anew, where it is drawn at all."""
        if self._bounds is not None:
            self._strides = torch.from_numpy(draw_strides(self._bounds, seed))

    @property
    def drawn(self) -> bool:
        """Whether the time between the frames of a window is drawn."""
        return self._bounds is not None

    def __len__(self) -> int:
        """S, the number of windows."""
        return len(self.starts)

    @property
    def sizes(self) -> Tensor:
        """(S,) particles of every window."""
        return self._frames.particles[self.systems]

    def dataset_of(self, window: int) -> Dataset:
        """The system of a window, as a dataset of its own."""
        return self._frames.datasets[int(self.systems[window])]

    def frames_of(self, window: int) -> NDArray[np.int64]:
        """Frames of `dataset_of` that a window is made of: its start, then all others."""
        first = self._frames.first_frames[self.systems[window]]
        return (self._chosen(torch.tensor([window]))[0] - first).numpy()

    def batch(self, indices: Tensor) -> Batch:
        """Batch of the windows `indices` (B,), in that order."""
        systems = self.systems[indices]
        by_time = self._frames.gather(self._chosen(indices), systems)
        graph = self._graph(indices)
        if self._is_far:
            by_time = at_origin(by_time, graph, self.dataset.manifest.up_axis)
        batch = self.before.batch(graph, by_time)
        if self.prior is not None:
            prior = self.prior[indices].transpose(0, 1).flatten(1, 2)
            batch = replace(batch, prior=prior.to(batch.positions))
        if self.usual is not None:
            usual = torch.from_numpy(self.usual.after(self.target_times_s(indices)))
            batch = replace(batch, weights=usual.reciprocal().to(batch.positions))
        if self._strides is None:
            return batch
        frame_time_s = self._frames.frame_time_s[systems] * self._strides[indices]
        return replace(batch, frame_time_s=frame_time_s.float().to(self.device))

    def only(self, which: NDArray[np.int64]) -> Windows:
        """The windows of these places, in that order."""
        return self._cut(self.starts[which], None if self._bounds is None else self._bounds[which])

    @property
    def times_s(self) -> tuple[float, float]:
        """Shortest and longest time in seconds that frames of a window can be apart."""
        own = self._own_times()
        if self._bounds is None:
            return float(own.min()), float(own.max())
        return float((own * self._bounds[:, 0]).min()), float((own * self._bounds[:, 1]).max())

    @property
    def usual_time_s(self) -> float:
        """Median over windows of the seconds between their frames."""
        own = self._own_times()
        return float(np.median(own if self._strides is None else own * self._strides.numpy()))

    @property
    def usual_frames(self) -> float:
        """Median over windows of the frames of the dataset from a start to the last target."""
        strides = 1 if self._strides is None else float(self._strides.double().median())
        return int(self.offsets[-1]) * strides

    def apart(self, time_s: float) -> Windows:
        """The windows whose frames can lie about so many seconds apart, now always so; or none."""
        if self._bounds is None:
            raise AssertionError("the time between frames is not drawn")
        strides = np.rint(time_s / self._own_times()).astype(np.int64)
        fits = (self._bounds[:, 0] <= strides) & (strides <= self._bounds[:, 1])
        return self._cut(self.starts[fits], np.repeat(strides[fits, None], 2, axis=1))

    def _cut(self, starts: NDArray[np.int64], bounds: NDArray[np.int64] | None) -> Windows:
        """Windows of the same kind at other starts."""
        dataset, graph, before = self.dataset, self.graph, self.before
        return Windows(dataset, starts, self.offsets, graph, self.device, before, bounds)

    def target_times_s(
        self,
        indices: Tensor,  # (B,)
    ) -> NDArray[np.float64]:  # (B, T)
        """Seconds from the starts of windows to their targets."""
        apart = self._own_times()[indices.numpy()]
        if self._strides is not None:
            apart = apart * self._strides[indices].numpy()
        times: NDArray[np.float64] = apart[:, None] * self.offsets
        return times

    def _own_times(self) -> NDArray[np.float64]:
        """(S,) seconds between the frames of the dataset that windows are of."""
        own: NDArray[np.float64] = self._frames.frame_time_s[self.systems].numpy()
        return own

    def _chosen(
        self,
        indices: Tensor,  # (B,)
    ) -> Tensor:  # (B, 2 + H + T)
        """Frames of the dataset that windows are made of."""
        ahead, starts = self._ahead, self._starts[indices, None]
        strides = 1 if self._strides is None else self._strides[indices, None]
        if self.before.known is not None:  # what is missing counts as the first that is there
            ahead = torch.maximum(ahead, -(self._behind[indices, None] // strides))
        return starts + ahead * strides

    def batches(self, batch_size: int, order: Tensor | None = None) -> Iterator[Batch]:
        """All windows once, in `order` (S,) or as they stand; the last batch may be smaller."""
        order = torch.arange(len(self)) if order is None else order
        return self.batches_of(torch.split(order, batch_size))

    def batches_of(self, parts: Sequence[Tensor]) -> Iterator[Batch]:
        """A batch of the windows of each part (B,), none of which is empty."""
        at_hand = self._frames.resident and self.graph.radius is None
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

    def largest(self, count: int) -> Tensor:
        """(B,) the `count` windows of most particles, or all: what memory is planned for."""
        return torch.argsort(self.sizes, descending=True, stable=True)[:count]

    def by_size(
        self,
        order: Tensor,  # (S,)
        batch_size: int,
    ) -> Tensor:  # (S,)
        """Order of the windows in which those of a batch are of about one size.

        Within a stretch of `POOL` batches windows are sorted by size, and the batches then take the
        places that the order gave to their first windows: which windows meet, and when, stays as
        random as the order is. Systems of one size are left as they are.
        """
        sizes = self.sizes[order]
        if len(order) == 0 or bool((sizes == sizes[0]).all()):
            return order
        arranged = []
        for pool in torch.split(torch.arange(len(order)), POOL * batch_size):
            parts = torch.split(pool[torch.argsort(sizes[pool], stable=True)], batch_size)
            whole = [part for part in parts if len(part) == batch_size]
            rest = [part for part in parts if len(part) < batch_size]
            arranged += [*sorted(whole, key=lambda part: int(part.min())), *rest]
        return order[torch.cat(arranged)]

    def _graph(self, indices: Tensor) -> Graph:
        graph = self.graph.select(self.systems[indices])
        if self._types is not None:
            types = self._types[indices]
            bounds = (int(types.min()), int(types.max()))
            graph = graph.with_types(types.flatten().to(self.device), bounds)
        if graph.radius is not None:
            graph = graph.joined(self._edges_at(indices))
        return graph

    def _edges_at(self, indices: Tensor) -> list[Edges]:
        """Edges by distance at the starts of windows; made where they are not kept."""
        starts, systems = self.starts[indices.numpy()], self.systems[indices].numpy()
        made: dict[int, Edges] = {}
        for system in np.unique(systems).tolist():
            own = dict.fromkeys(starts[systems == system].tolist())
            missing = [start for start in own if start not in self._edges]
            if missing:
                radius = cast("RadiusGraph", self.graph.select(torch.tensor([system])).radius)
                frames = self._frames.of(system, np.array(missing))
                made |= zip(missing, radius.edges(frames), strict=True)
        size = sum(edges.nbytes for edges in made.values())
        if self._edge_bytes + size <= _RESIDENT_BYTES:
            self._edges |= made
            self._edge_bytes += size
        return [made.get(start) or self._edges[start] for start in starts.tolist()]


def spread_out(count: int, most: int) -> Tensor:
    """(<= most,) places among `count` that are as far apart as can be, ascending."""
    return torch.linspace(0, count - 1, min(count, most), dtype=torch.float64).round().long()


def _types_of(manifest: Manifest, starts: NDArray[np.int64]) -> Tensor | None:
    """Particle types of every window, (S, N), where a segment has its own; None where none has."""
    segments = manifest.segments
    if all(segment.types is None for segment in segments):
        return None
    types = np.array([one.types or manifest.particles.types for one in segments], dtype=np.int64)
    return torch.from_numpy(types[manifest.segment_at(starts)])
