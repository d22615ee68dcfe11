"""Frames of all systems of a dataset, gathered for any windows at once."""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.by_system import mean_by_system
from painet_cli.data.batches.graph import Graph, ranges
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.particles.names import AXES, Axis
from painet_cli.data.particles.origin import any_far

_RESIDENT_BYTES = 2**30  # frames up to this size are copied to the device once, others stay mapped


class SystemFrames:
    """Frames of a dataset's systems, on the device where they are few enough.

    Parameters
    ----------
    dataset
        Of one system or several.
    device
        Where frames are gathered.

    Attributes
    ----------
    datasets
        Each system as a dataset of its own.
    particles
        (systems,) int64, particles of each.
    frame_time_s
        (systems,) float64, seconds between the frames of each.
    first_frames
        (systems,) int64, the dataset's number of each system's first frame.
    resident
        Whether the frames are on the device.
    """

    def __init__(self, dataset: Dataset, device: torch.device) -> None:
        manifest = dataset.manifest
        self.device = device
        self.datasets = [dataset.only(number) for number in range(len(manifest.each_system))]
        self.particles = torch.tensor([one.particles for one in manifest.each_system])
        times = [one.frame_time_s for one in manifest.each_system]
        self.frame_time_s = torch.tensor(times, dtype=torch.float64)
        counts = torch.tensor([one.manifest.frame_count for one in self.datasets])
        self.first_frames = counts.cumsum(0) - counts
        rows = counts * self.particles
        self._first_rows = rows.cumsum(0) - rows
        self.resident = dataset.array.nbytes <= _RESIDENT_BYTES
        flat = dataset.array.reshape(-1, 3)
        self._mapped = flat
        self._rows = torch.from_numpy(np.array(flat)).to(device) if self.resident else None

    def systems_at(self, starts: NDArray[np.int64]) -> Tensor:
        """(S,) system that moves in each of these frames of the dataset."""
        first = self.first_frames.numpy()
        return torch.from_numpy(np.searchsorted(first, starts, side="right") - 1)

    def any_far(self, starts: NDArray[np.int64]) -> bool:
        """Whether a system is far from the origin in any of these frames of the dataset."""
        systems = self.systems_at(starts).numpy()
        return any(
            any_far(
                one.frames,
                starts[systems == number] - int(self.first_frames[number]),
                one.manifest.up_axis,
            )
            for number, one in enumerate(self.datasets)
        )

    def of(self, system: int, frames: NDArray[np.int64]) -> NDArray[np.float32]:
        """(B, N, 3) some frames of the dataset, all of one system."""
        return taken(self.datasets[system].frames, frames - int(self.first_frames[system]))

    def gather(
        self,
        frames: Tensor,  # (B, K) int64, frames of the dataset, on the CPU
        systems: Tensor,  # (B,) int64, the systems that move there, on the CPU
    ) -> Tensor:  # (K, M, 3)
        """Positions of B systems side by side, in K frames each."""
        first = int(systems[0])
        if len(self.datasets) == 1 or bool((systems == first).all()):
            own = frames - self.first_frames[first]
            return self._of_one(own, first).transpose(0, 1).reshape(frames.shape[1], -1, 3)
        sizes = self.particles[systems]
        within = (frames - self.first_frames[systems, None]) * sizes[:, None]
        row = (self._first_rows[systems, None] + within).t()  # (K, B)
        particle = ranges(torch.zeros_like(sizes), sizes)  # (M,)
        return self._at(torch.repeat_interleave(row, sizes, dim=1) + particle)

    def _of_one(
        self,
        frames: Tensor,  # (B, K), of the system
        system: int,
    ) -> Tensor:  # (B, K, N, 3)
        if self._rows is None:
            own = taken(self.datasets[system].frames, frames.numpy())
            return torch.from_numpy(own).to(self.device)
        n, start = int(self.particles[system]), int(self._first_rows[system])
        count = self.datasets[system].manifest.frame_count
        resident = self._rows[start : start + n * count].view(count, n, 3)
        return resident[frames.to(self.device)]

    def _at(self, rows: Tensor) -> Tensor:
        if self._rows is None:
            return torch.from_numpy(taken(self._mapped, rows.numpy())).to(self.device)
        return self._rows[rows.to(self.device)]


def taken(
    array: NDArray[np.float32],  # (F, ...), contiguous
    places: NDArray[np.int64],
) -> NDArray[np.float32]:  # (*places.shape, ...)
    """Copy parts of an array; of a mapped file, the system is told beforehand which it will need.

    Page by page it would read each with its neighbourhood, and one after the other.
    """
    mapped: Any = array
    while isinstance(mapped, np.ndarray):
        mapped = mapped.base
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_WILLNEED"):
        size = array.strides[0]
        first = byte_bounds(array)[0] - byte_bounds(np.frombuffer(mapped, np.uint8))[0]
        wanted = np.unique(places)
        for run in np.split(wanted, np.flatnonzero(np.diff(wanted) > 1) + 1):
            begin, end = (first + int(place) * size for place in (run[0], run[-1] + 1))
            begin -= begin % mmap.PAGESIZE
            with suppress(OSError):  # it is advice: frames are read without it, too
                mapped.madvise(mmap.MADV_WILLNEED, begin, end - begin)
    found: NDArray[np.float32] = array[places]
    return found


def at_origin(
    frames: Tensor,  # (K, M, 3), the start first
    graph: Graph,
    up_axis: Axis | None,
) -> Tensor:
    """Systems moved to where their start is about the origin; whole numbers lose no digit."""
    at = mean_by_system(frames[0], graph).round()
    if up_axis is not None:
        at[:, AXES.index(up_axis)] = 0.0
    return frames - at.repeat_interleave(graph.ptr.diff(), dim=0, output_size=graph.num_nodes)
