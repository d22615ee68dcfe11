"""One measurement of the scaling benchmark: time and peak memory of one model on one system."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Literal

import torch
from torch import nn

from painet_cli.benchmark.synthetic_backbone import HOPS, NEIGHBOURS, TYPE_NAMES, synthetic_batch
from painet_cli.config.presets import Preset, load_preset
from painet_cli.data.batches.batch import Batch
from painet_cli.models.base import DynamicsModel, SystemSpec
from painet_cli.models.memory import WAYS, fit_memory
from painet_cli.models.registry import build_model
from painet_cli.training.device import MemoryMeter, flushed_denormals

Mode = Literal["inference", "training step"]
MODES: tuple[Mode, ...] = ("inference", "training step")
_SMALL = 100  # particles of the system on which libraries are loaded and scales fitted
_LONG_S = 20.0  # a first run that took so long is not run again
_ENOUGH_S = 1.0  # of runs
_MOST_RUNS = 7
_SEED = 1  # of the system and the weights
_MEASURED = (
    "models", "data/batches", "training",
    "benchmark/measurement.py", "benchmark/synthetic_backbone.py",
)  # fmt: skip
"""Code that a measurement depends on, in the package's folder."""


@dataclass(frozen=True)
class Measurement:
    """What one measurement found; a file of the benchmark's folder."""

    seconds: float
    """Median of the runs: processor time on a CPU, the clock's on a GPU."""
    runs: int
    """How many were timed after the first; 0 where the first was so long that it alone is timed."""
    first_s: float
    """The first run, in which what depends on the graph alone is made and kept."""
    peak_gb: float
    memory_kind: str
    activations: str
    """How the model traded memory for time, where it has the choice: `train.activations`."""
    edges: int
    parameters: int
    device: str
    threads: int


@cache
def code_digest(package: Path | None = None) -> str:
    """Digest of the code that is measured: what was measured of other code is measured anew.

    Parameters
    ----------
    package
        Its folder; None for that of the package at work.
    """
    root = package or Path(str(files("painet_cli")))
    code = [
        file
        for place in _MEASURED
        for file in (
            [root / place] if place.endswith(".py") else sorted((root / place).rglob("*.py"))
        )
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in code)).hexdigest()


def point_preset(settings: Sequence[str], horizon: int) -> Preset:
    """Preset of a measurement: the model and features of `adk`, with T targets."""
    window = [f"data.horizon={horizon}", f"data.delta_frames={max(horizon, 50)}"]
    return load_preset("adk", [*settings, *window])


def least_gb(preset: Preset, particles: int, mode: Mode) -> float | None:
    """Memory that a model is expected to need when it trades all the time it can for it.

    None for a model that has no choice, or does not know.
    """
    model = _model(preset, None, torch.device("cpu"))
    if getattr(preset.model, "attention", "auto") == "dense":
        return None  # what a model expects has no N x N in it
    edges, training = particles * NEIGHBOURS, mode != "inference"
    ways = [model.pass_bytes(particles, edges, way, training=training) for way in WAYS]
    known = [way for way in ways if way is not None]
    return min(known) / 1e9 if known else None


def measure(
    preset: Preset,
    particles: int,
    mode: Mode,
    device_name: str,
    threads: int,
    memory_gb: float,
) -> Measurement:
    """Time a pass of an untrained model over one synthetic system, and its peak memory.

    Memory is counted from before the model is built, when the system, libraries and a smaller
    model's scales are there already. To be called in a process of its own.

    Parameters
    ----------
    preset
        Model, features and T.
    particles
        N.
    mode
        `inference`: a pass without gradients; `training step`: a pass, its gradients and Adam's
        step.
    threads
        Of a CPU.
    memory_gb
        What a model that has the choice is to fit in.
    """
    torch.set_num_threads(threads)
    device = torch.device(device_name)
    horizon = preset.data.horizon
    small = synthetic_batch(min(particles, _SMALL), horizon, _SEED).to(device)
    warm = _model(preset, small, device)
    _pass(warm, small, mode)()
    scales = warm.state_dict()
    del warm
    batch = synthetic_batch(particles, horizon, _SEED).to(device)
    if mode == "inference":
        batch = Batch(batch.graph, batch.positions, batch.velocities)

    meter = MemoryMeter(device)
    model = _model(preset, None, device)
    model.load_state_dict(scales)
    wanted = preset.train.activations
    ways = WAYS if wanted == "auto" else (wanted,)
    plan = fit_memory(model, batch, int(memory_gb * 1e9), training=mode != "inference", ways=ways)
    run = _pass(model, batch, mode)
    with flushed_denormals():
        first = _timed(run, device)
        times: list[float] = []
        while first < _LONG_S and len(times) < _MOST_RUNS and sum(times) < _ENOUGH_S:
            times.append(_timed(run, device))
    return Measurement(
        seconds=median(times) if times else first,
        runs=len(times),
        first_s=first,
        peak_gb=meter.peak_gb(),
        memory_kind=meter.kind,
        activations=plan.activations if plan.expected is not None else "",
        edges=batch.graph.edge_hop.shape[0],
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        device=device_name,
        threads=threads,
    )


def _model(preset: Preset, small: Batch | None, device: torch.device) -> DynamicsModel:
    torch.manual_seed(_SEED)
    model = build_model(preset, SystemSpec(TYPE_NAMES, HOPS)).to(device)
    if small is not None:
        model.fit_scales([small])
    return model


def _pass(model: DynamicsModel, batch: Batch, mode: Mode) -> Callable[[], None]:
    """One pass over a batch, to be called again and again."""
    if mode == "inference":
        model.eval()
        return lambda: _infer(model, batch)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)
    return lambda: _step(model, batch, optimizer)


@torch.no_grad()
def _infer(model: nn.Module, batch: Batch) -> None:
    model(batch)


def _step(model: nn.Module, batch: Batch, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss = (model(batch) - batch.known_targets()).square().mean()
    loss.backward()
    optimizer.step()


def _timed(run: Callable[[], None], device: torch.device) -> float:
    """Seconds of one run: the processor's, or on a GPU until it is idle again."""
    if device.type == "cpu":
        begun = time.process_time()
        run()
        return time.process_time() - begun
    _wait(device)
    begun = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - begun


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
