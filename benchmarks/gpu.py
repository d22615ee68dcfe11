"""What a GPU makes of it, in under nine minutes: one JSON, printed as it grows.

    python benchmarks/gpu.py --data-dir data --out gpu.json

Step times of every model and of PAINET's literal decoder layer (12 and 100 windows of 31 joints),
those of steps recorded as CUDA graphs, seconds an epoch of the Run presets where their dataset is
prepared, each way of keeping less memory, and time and memory against the number of particles. What
no longer fits the time is left out and named. With `--device cpu --seconds 60` it runs anywhere,
for a look at its own code.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import decoder_step
import torch
from decoder_step import LiteralLayer, built, random_batch, step_of, step_with

from painet_cli.config.model_table import OWN
from painet_cli.config.models import MODEL_CONFIGS
from painet_cli.config.presets import Preset, load_preset
from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.motion.mocap_files import BONES, JOINTS
from painet_cli.errors import PainetError
from painet_cli.models.base import DynamicsModel, SystemSpec
from painet_cli.models.memory import WAYS
from painet_cli.models.registry import build_model
from painet_cli.training.device import MemoryMeter, resolve_device
from painet_cli.training.distributed.world import Share
from painet_cli.training.steps.captured import CapturedStep
from painet_cli.training.steps.optimizers import build_optimizers
from painet_cli.training.steps.step import Step

_WARM_UP, _TURNS = 5, 20
PAPER_EPOCH_S = {
    "mocap-run-s2s": 0.21,
    "mocap-run-s2t": 0.31,
}  # on an H20, as docs/results-costs.md has it
Row = dict[str, Any]


def seconds_of(step: Callable[[], object], device: torch.device) -> Row:
    """Median and quartiles of a step in milliseconds, and its peak memory."""
    for _ in range(_WARM_UP):
        step()
    meter, times = MemoryMeter(device), []
    for _ in range(_TURNS):
        _wait(device)
        started = time.perf_counter()
        step()
        _wait(device)
        times.append(1e3 * (time.perf_counter() - started))
    low, middle, high = statistics.quantiles(times, n=4)
    return {"ms": middle, "ms_low": low, "ms_high": high, "peak_gb": meter.peak_gb()}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def steps_of_models(device: torch.device) -> Iterator[Row]:
    """An optimiser step of every model at T = 1 and 5, and of the literal decoder layer."""
    base, graph = load_preset("mocap-run-s2t"), bond_graph(range(len(JOINTS)), BONES, 2)
    for windows in (12, 100):
        decoder_step.WINDOWS = windows
        for horizon in (1, 5):
            preset = base.changed({"data.horizon": horizon})
            given = {"windows": windows, "T": horizon}
            step = step_with(preset, graph, LiteralLayer, device)
            yield {"model": "painet, literal layer", **given, **seconds_of(step, device)}
            for name in _trained(horizon):
                model = _model(name, preset)
                yield {
                    "model": name, **given, **seconds_of(step_of(model, graph, device), device),
                }  # fmt: skip


def _trained(horizon: int) -> list[str]:
    """Models that take steps, and predict so many."""
    return [
        name
        for name in OWN
        if not MODEL_CONFIGS[name].closed_form
        and not (MODEL_CONFIGS[name].one_step and horizon > 1)
    ]


def _model(name: str, preset: Preset) -> DynamicsModel:
    config = MODEL_CONFIGS[name].model_validate({"name": name})
    return built(preset.model_copy(update={"model": config}))


def captured_steps(device: torch.device) -> Iterator[Row]:
    """The step of each model that can be recorded as a CUDA graph, as it is and recorded."""
    if device.type != "cuda":
        return
    decoder_step.WINDOWS, graph = 12, bond_graph(range(len(JOINTS)), BONES, 2)
    for horizon, name in ((steps, name) for steps in (1, 5) for name in _trained(steps)):
        preset = load_preset("mocap-run-s2t").changed({"data.horizon": horizon})
        model = _model(name, preset).to(device)
        if not model.capturable:
            continue
        optimizers = build_optimizers(model, preset.train, fused=True, capturable=True)
        step, share = Step(model, optimizers), Share(random_batch(graph, horizon, device), 1.0)
        captured = CapturedStep(step, device, required=True)
        given = {"model": name, "windows": decoder_step.WINDOWS, "T": horizon}
        yield {**given, "captured": False, **seconds_of(partial(step, share), device)}
        yield {**given, "captured": True, **seconds_of(partial(captured, share), device)}


def ways_of_keeping_less(device: torch.device) -> Iterator[Row]:
    """A step of Run S2T with each of `train.activations`."""
    decoder_step.WINDOWS = 100
    graph, preset = bond_graph(range(len(JOINTS)), BONES, 2), load_preset("mocap-run-s2t")
    for way in WAYS:
        model = built(preset)
        model.activations = way
        yield {"activations": way, **seconds_of(step_of(model, graph, device), device)}


def against_size(device: torch.device) -> Iterator[Row]:
    """A step and a prediction of preset adk's PAINET on chains of more and more particles."""
    base = load_preset("adk").changed({"data.cutoff": None, "data.types": ["listed"]})
    decoder_step.WINDOWS = 1
    for particles in (1_000, 10_000, 100_000, 1_000_000):
        bonds = [(k, k + far) for far in range(1, 6) for k in range(particles - far)]
        graph = bond_graph([k % 5 for k in range(particles)], bonds, 1)
        model = build_model(base, SystemSpec(tuple("abcde"), base.data.edge_hops))
        try:
            row = seconds_of(step_of(model, graph, device), device)
        except (RuntimeError, MemoryError) as error:  # out of memory
            row = {"stopped": str(error).splitlines()[0]}
        yield {"particles": particles, "edges": graph.edge_hop.shape[0], **row}


def epochs(device: torch.device, data_dir: Path) -> Iterator[Row]:
    """Seconds an epoch of the Run presets, beside the paper's."""
    from tempfile import TemporaryDirectory

    import painet

    for name, paper in PAPER_EPOCH_S.items():
        with TemporaryDirectory() as folder:
            try:
                run = painet.train(
                    name, epochs=10, data_dir=data_dir, run_dir=folder, device=str(device)
                )
            except PainetError as error:
                yield {"preset": name, "left out": error.what}
                continue
            yield {"preset": name, "s": run.epoch_s, "paper_s": paper, "gb": run.peak_memory_gb}


def main() -> None:
    """Measure part after part until the time is up."""
    parser = argparse.ArgumentParser(description="What a GPU makes of it.")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    parser.add_argument("--seconds", type=float, default=500.0, help="begin nothing after this")
    given = parser.parse_args()
    device = resolve_device(given.device)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    found: dict[str, Any] = {"device": card, "torch": torch.__version__}
    parts = {
        "steps": steps_of_models(device),
        "captured": captured_steps(device),
        "epochs": epochs(device, given.data_dir),
        "ways": ways_of_keeping_less(device),
        "sizes": against_size(device),
    }
    ends = time.monotonic() + given.seconds
    for part, rows in parts.items():
        found[part] = []
        while time.monotonic() < ends and (row := next(rows, None)) is not None:
            found[part].append(row)
            print(part, json.dumps(row), flush=True)
            given.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        if time.monotonic() >= ends:
            print(f"{part}: time is up")


if __name__ == "__main__":
    main()
