"""What K models trained as one cost beside K trained one after the other (`train --together`).

    OMP_NUM_THREADS=1 python benchmarks/together.py --models 5

Optimiser steps on random positions, in turns in one run: processor time on a CPU, wall time on a
GPU. Below 1 it pays.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import decoder_step
import torch
from decoder_step import random_batch

from painet_cli.config.model_table import OWN
from painet_cli.config.models import MODEL_CONFIGS
from painet_cli.config.presets import Preset, load_preset
from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.graph import Graph
from painet_cli.data.motion.mocap_files import BONES, JOINTS
from painet_cli.models.base import SystemSpec
from painet_cli.models.registry import build_model, find_model
from painet_cli.training.device import resolve_device, reuse_freed_memory
from painet_cli.training.distributed.world import Share
from painet_cli.training.steps.captured import step_of
from painet_cli.training.steps.optimizers import build_optimizers
from painet_cli.training.steps.stacked import Stack, stacked
from painet_cli.training.steps.step import Step

ETHANOL = [(0, 1), (1, 2), (0, 3), (0, 4), (0, 5), (1, 6), (1, 7), (2, 8)]
CASES: dict[str, tuple[str, Graph, SystemSpec]] = {
    "ethanol, 25 windows, T = 5, width 48": (
        "demo",
        bond_graph([0, 0, 1, *[2] * 6], ETHANOL, 2),
        SystemSpec(("C", "O", "H"), 2),
    ),
    "31 joints, 12 windows, T = 1, width 128": (
        "mocap-run-s2s",
        bond_graph([0] * len(JOINTS), BONES, 2),
        SystemSpec(("joint",), 2, "y"),
    ),
}
TURNS = 7


def turns(
    preset: Preset, graph: Graph, spec: SystemSpec, count: int, device: torch.device
) -> list[tuple[float, float]]:
    """Seconds of a step of all models as one, and of all one after the other."""
    config, horizon = preset.train, preset.data.horizon
    shares = [Share(random_batch(graph, horizon, device), 1.0) for _ in range(count)]
    # windows of one dataset share a graph
    batches = [share.batch for share in shares if share.batch is not None]
    models = [build_model(preset, spec).to(device) for _ in range(count)]
    on_gpu = device.type == "cuda"
    steps = []
    for model in models:
        optimizers = build_optimizers(model, config, fused=True, capturable=on_gpu)
        steps.append(step_of(Step(model, optimizers, config.clip_norm), config, device))
    others = [build_model(preset, spec).to(device) for _ in range(count)]
    adams = [build_optimizers(model, config, fused=True, capturable=on_gpu)[0] for model in others]
    stack = Stack(others, adams, config, device)

    def apart() -> None:
        for step, share in zip(steps, shares, strict=True):
            step(share)

    def as_one() -> None:
        stack.step(Share(stacked(batches), 1.0))

    for _ in range(5):
        as_one()
        apart()
    return [(_seconds(as_one, device), _seconds(apart, device)) for _ in range(TURNS)]


def _seconds(step: Callable[[], None], device: torch.device) -> float:
    if device.type != "cuda":
        started = time.process_time()
        step()
        return time.process_time() - started
    torch.cuda.synchronize(device)
    started = time.perf_counter()
    step()
    torch.cuda.synchronize(device)
    return time.perf_counter() - started


def main() -> None:
    """Print a row a model and case."""
    parser = argparse.ArgumentParser(description="K models as one, beside K one by one.")
    parser.add_argument("--models", type=int, default=5, metavar="K")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    device = resolve_device(given.device)
    torch.set_num_threads(1)
    reuse_freed_memory()
    print("| | model | K as one, ms | K one by one, ms | ratio, quartiles |")
    print("| --- | --- | --- | --- | --- |")
    for what, (name, graph, spec) in CASES.items():
        base = load_preset(name)
        decoder_step.WINDOWS = base.train.batch_size
        for model in OWN:
            section = {**base.model.model_dump(), "name": model}
            fields = MODEL_CONFIGS[model].model_fields
            preset = base.changed({"model": {k: v for k, v in section.items() if k in fields}})
            if not find_model(model).stackable or MODEL_CONFIGS[model].closed_form:
                continue
            if MODEL_CONFIGS[model].one_step and preset.data.horizon > 1:
                continue
            found = turns(preset, graph, spec, given.models, device)
            low, middle, high = statistics.quantiles([a / b for a, b in found], n=4)
            one, apart = (1e3 * statistics.median(column) for column in zip(*found, strict=True))
            row = f"| {what} | `{model}` | {one:.3g} | {apart:.3g} |"
            print(f"{row} {middle:.2f} [{low:.2f}, {high:.2f}] |", flush=True)


if __name__ == "__main__":
    main()
