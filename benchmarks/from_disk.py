"""An epoch whose frames stay on disk, beside one whose frames are in memory.

    OMP_NUM_THREADS=1 python benchmarks/from_disk.py --gb 1.5

Makes a trajectory of a synthetic protein backbone (855 particles, each about its place), and takes
epochs of the same windows in turns: frames in memory; mapped, as painet has frames beyond 1 GiB;
mapped, with all pages of the file forgotten before every batch, so that it is read from the disk,
as from a trajectory larger than memory. The processor time of forgetting is not counted.
"""

from __future__ import annotations

import argparse
import mmap
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from painet_cli.benchmark.synthetic_backbone import (
    TYPE_NAMES,
    backbone_graph,
    synthetic_backbone,
)
from painet_cli.config.presets import Preset
from painet_cli.data.batches import system_frames
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import FRAMES, Dataset, write_dataset
from painet_cli.data.dataset.manifest import Manifest, Origin, Segment, Split, Units
from painet_cli.data.particles.particles import Particles
from painet_cli.models.base import SystemSpec
from painet_cli.models.registry import build_model
from painet_cli.training.device import reuse_freed_memory
from painet_cli.training.distributed.world import Share
from painet_cli.training.steps.optimizers import build_optimizers
from painet_cli.training.steps.step import Step

PARTICLES, WINDOWS, CHUNK, AHEAD = 855, 24, 2000, 50
TURNS = 9


def trajectory(folder: Path, gigabytes: float) -> Dataset:
    """Frames of a backbone that shakes, so many bytes of them."""
    backbone = synthetic_backbone(PARTICLES)
    start = backbone.positions.astype(np.float32)
    count = int(gigabytes * 1e9 / (12 * PARTICLES))
    rng = np.random.default_rng(1)

    def chunks() -> Iterator[np.ndarray]:
        shaking = rng.normal(0, 0.1, (CHUNK, PARTICLES, 3)).astype(np.float32)
        for first in range(0, count, CHUNK):
            yield start + np.roll(shaking, first // CHUNK, axis=1)[: count - first]

    windows = np.sort(rng.choice(count - AHEAD - 1, 3 * WINDOWS, replace=False))
    parts = {part: tuple(windows[k::3].tolist()) for k, part in enumerate(("train", "val", "test"))}
    manifest = Manifest(
        name="large",
        origin=Origin(
            source="benchmarks/from_disk.py", licence="MIT", citation="", prepared_by="from_disk.py"
        ),
        units=Units(length="angstrom", length_in_metres=1e-10, frame_time_s=1e-12),
        particles=Particles(
            names=tuple(f"P{k}" for k in range(PARTICLES)),
            types=tuple(backbone.types.tolist()),
            type_names=TYPE_NAMES,
            bonds=(),
        ),
        segments=(Segment(name="all", start=0, length=count),),
        split=Split(kind="random", delta_frames=AHEAD, **parts),
    )
    return write_dataset(folder / "large", chunks(), manifest)


class Forgotten(Windows):
    """Windows whose pages are forgotten, by process and system, before a batch is gathered."""

    processor = 0.0
    """Seconds that forgetting took, all in all."""

    def batch(self, indices: Tensor) -> Batch:
        """Batch of windows that are read from the disk."""
        begun = time.thread_time()
        forget(self.dataset)
        self.processor += time.thread_time() - begun
        return super().batch(indices)


def forget(dataset: Dataset) -> None:
    """Have the process and the system forget the frames of a dataset."""
    dataset.array.base.madvise(mmap.MADV_DONTNEED)
    with (dataset.folder / FRAMES).open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def gather(dataset: Dataset) -> Iterator[str]:
    """What it takes to copy the frames of four windows from the disk, told beforehand and not."""
    rng = np.random.default_rng(2)
    ways = {"page by page": lambda places: dataset.array[places]}
    ways["told beforehand"] = partial(system_frames.taken, dataset.array)
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(10 * TURNS):
        for name, way in ways.items():
            starts = rng.choice(len(dataset.array) - AHEAD - 1, (4, 1), replace=False)
            forget(dataset)
            started, begun = time.perf_counter(), time.thread_time()
            way(starts + np.array([0, 1, AHEAD]))
            rows[name].append((time.perf_counter() - started, time.thread_time() - begun))
    for name, seconds in rows.items():
        clock, processor = 1e3 * np.median(seconds, axis=0)
        yield f"12 frames, {name}: clock {clock:.1f} ms, processor {processor:.2f} ms"


def main() -> None:
    """Print seconds an epoch of each way, and the ratios turn by turn."""
    parser = argparse.ArgumentParser(description="Frames on disk beside frames in memory.")
    parser.add_argument("--gb", type=float, default=1.5)
    parser.add_argument("--folder", type=Path, help="on the disk to measure")
    given = parser.parse_args()
    torch.set_num_threads(1)
    reuse_freed_memory()
    preset = Preset.load("adk")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        dataset = trajectory(Path(folder), given.gb)
        graph = backbone_graph(synthetic_backbone(PARTICLES))
        print("\n".join(gather(dataset)), flush=True)
        offsets, device = np.array([AHEAD]), torch.device("cpu")
        starts = dataset.starts("train")
        mapped = Windows(dataset, starts, offsets, graph, device)
        forgotten = Forgotten(dataset, starts, offsets, graph, device)
        system_frames._RESIDENT_BYTES = 2**40
        resident = Windows(dataset, starts, offsets, graph, device)
        spec = SystemSpec(dataset.manifest.particles.type_names, hops=int(graph.edge_hop.max()))
        model = build_model(preset.changed({"features.edge": ["distance"]}), spec)
        step = Step(model, build_optimizers(model, preset.train, fused=True))

        def epoch(windows: Windows) -> tuple[float, float]:
            """Seconds on the clock, and of the processor."""
            started, begun = time.perf_counter(), time.process_time()
            forgetting = getattr(windows, "processor", 0.0)
            for batch in windows.batches(preset.train.batch_size):
                step(Share(batch, 1.0))
            forgetting = getattr(windows, "processor", 0.0) - forgetting
            return time.perf_counter() - started, time.process_time() - begun - forgetting

        rows = []
        for _ in range(TURNS):
            for _ in mapped.batches(WINDOWS):  # into the page cache
                pass
            rows.append((epoch(resident), epoch(mapped), epoch(forgotten)))
        for way, name in enumerate(("memory", "mapped", "forgotten")):
            told = [
                _told([row[way][k] for row in rows], [row[0][k] for row in rows]) for k in (0, 1)
            ]
            print(f"{name:10} clock {told[0]}; processor {told[1]}", flush=True)


def _told(ours: list[float], first: list[float]) -> str:
    """Median seconds, and the median and quartiles of the ratios turn by turn."""
    low, middle, high = statistics.quantiles(
        [one / other for one, other in zip(ours, first, strict=True)], n=4
    )
    return f"{statistics.median(ours):.2f} s, {middle:.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
