"""Cost of one optimiser step: the shipped decoder layer against the literal one, or any models.

The literal layer builds [h_i, h_j, d2, a_ij] for every edge and multiplies that, reads its edges in
no order, sums and averages as EGNN's published code does, and updates h after the last layer too.
Processor time on one thread, memory kept between steps as a training keeps it; both take turns, and
a ratio is the median over the turns.

    python benchmarks/decoder_step.py

With `--memory`, the peak memory of three steps of both, each in a process of its own (resident set
above its size before the model was built).

    python benchmarks/decoder_step.py --memory

With `--compiled`, a step with `train.compile` beside one without, in turns.

    python benchmarks/decoder_step.py --compiled

With `--shares`, what share of the processor's best a step reaches, and where its time goes.

    python benchmarks/decoder_step.py --shares

With `--models`, what a step of these models costs in their default sizes, beside the time of the
authors' own code for the same work on one thread, where it is known.

    python benchmarks/decoder_step.py --models egnn,egno --horizons 1,5
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn import functional

from painet_cli.config.presets import Preset, load_preset
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.graph import Graph
from painet_cli.data.motion.mocap_files import BONES, JOINTS
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel, SystemSpec
from painet_cli.models.layers.message_passing import EquivariantLayer
from painet_cli.models.registry import build_model
from painet_cli.training.device import MemoryMeter, reuse_freed_memory

if TYPE_CHECKING:
    from painet_cli.config.schema import Activations

_CPU = torch.device("cpu")
TURNS = 15
WINDOWS = 12
AUTHORS_MS = {
    ("egnn", 1): 95,
    ("egno", 1): 140,
    ("egno", 5): 535,
    ("hegnn", 1): 126,
    ("gf-node", 1): 159,
    ("gf-node", 5): 394,
}


_PARTS = {
    "products": ("mm", "addmm", "addmm_"),
    "small products of attention": ("bmm",),
    "SiLU and its derivative": ("silu", "silu_", "silu_backward"),
    "gathers and sums over edges": ("index_select", "index_add_", "scatter_add_"),
}
"""Operations that the time of a step is told by."""


class LiteralLayer(EquivariantLayer):
    """Equation 2 as it is written, in the manner of EGNN's published code."""

    def __init__(self, hidden: int, edge_width: int, *, last: bool = False) -> None:
        super().__init__(hidden, edge_width)
        self.pair = nn.Linear(2 * hidden + 1 + edge_width, hidden)  # type: ignore[assignment]

    def forward(
        self,
        h: Tensor,
        x: Tensor,
        v: Tensor,
        a: Tensor,
        graph: Graph,
        length: Tensor | None = None,
        *,
        recompute: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Embeddings and positions after the layer; everything is kept."""
        col, row = graph.edge_index
        apart = x[row] - x[col]
        assert length is not None  # noqa: S101
        scaled = torch.sum(apart**2, 1, keepdim=True) / length**2
        m = functional.silu(self.pair(torch.cat([h[row], h[col], scaled, a], dim=1)))
        m = functional.silu(self.message(m))
        moved = apart * in_turn(self.gate, m).clamp(-100, 100)
        x = x + segment_mean(moved, row, len(x)) + in_turn(self.drift, h) * v
        assert self.update is not None  # noqa: S101
        heard = torch.cat([h, segment_sum(m, row, len(h))], dim=1)
        return h + in_turn(self.update, heard), x


def in_turn(layers: nn.Sequential, x: Tensor) -> Tensor:
    """One module after the other, as torch does it."""
    for layer in layers:
        x = layer(x)
    return x


def segment_sum(data: Tensor, segment: Tensor, segments: int) -> Tensor:
    """EGNN's `unsorted_segment_sum`."""
    result = data.new_zeros((segments, data.shape[1]))
    return result.scatter_add_(0, segment.unsqueeze(-1).expand(-1, data.shape[1]), data)


def segment_mean(data: Tensor, segment: Tensor, segments: int) -> Tensor:
    """EGNN's `unsorted_segment_mean`."""
    count = segment_sum(torch.ones_like(data), segment, segments)
    return segment_sum(data, segment, segments) / count.clamp(min=1)


def step_with(
    preset: Preset, graph: Graph, layer: type[EquivariantLayer], device: torch.device = _CPU
) -> Callable[[], None]:
    """One optimiser step of a preset's model, its decoder of these layers."""
    from painet_cli.models.painet import decoders as decoders_module

    with mock.patch.object(decoders_module, "EquivariantLayer", layer):
        return step_of(built(preset), graph, device)


def built(preset: Preset) -> DynamicsModel:
    """Model of a preset for motion capture."""
    torch.manual_seed(0)
    return build_model(preset, SystemSpec(JOINTS, preset.data.hops, "y"))


def random_batch(graph: Graph, horizon: int, device: torch.device = _CPU) -> Batch:
    """Windows of random positions."""
    batch_graph = graph.repeat(WINDOWS)
    x = 5 * torch.randn(batch_graph.num_nodes, 3)
    v = 0.1 * torch.randn_like(x)
    return Batch(batch_graph, x, v, x + torch.randn(horizon, *x.shape)).to(device)


def step_of(model: DynamicsModel, graph: Graph, device: torch.device = _CPU) -> Callable[[], None]:
    """One optimiser step of a model on random positions."""
    batch = random_batch(graph, model.horizon, device)
    model.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        (model(batch) - batch.known_targets()).square().mean().backward()
        optimizer.step()

    return step


def seconds(step: Callable[[], None]) -> float:
    """Processor seconds of one step."""
    started = time.process_time()
    step()
    return time.process_time() - started


def turns_of(steps: list[Callable[[], None]]) -> list[list[float]]:
    """Processor seconds of every step, (TURNS, steps), after three turns to warm up."""
    for step in steps * 3:
        step()
    return [[seconds(step) for step in steps] for _ in range(TURNS)]


def compare_models(names: Iterable[str], horizons: Iterable[int]) -> None:
    """Print the cost of each model at each T that it can predict."""
    from painet_cli.config.models import MODEL_CONFIGS

    graph = bond_graph(range(len(JOINTS)), BONES, 2)
    base = load_preset("mocap-run-s2s")
    for name in names:
        config = MODEL_CONFIGS[name].model_validate({"name": name})
        for horizon in horizons:
            data = base.data.model_copy(update={"horizon": horizon})
            preset = base.model_copy(update={"model": config, "data": data})
            try:
                step = step_of(built(preset), graph)
            except RequestError as error:
                print(error.what)
                continue
            ours = statistics.median(turn[0] for turn in turns_of([step])) * 1e3
            theirs = AUTHORS_MS.get((name, horizon))
            beside = f", the authors' {theirs} ms, ratio {ours / theirs:.2f}" if theirs else ""
            print(f"{name} T={horizon}: {ours:.1f} ms{beside}", flush=True)


def compare_layers() -> None:
    """Print the cost of both layers and their ratio for both motion-capture tasks."""
    shipped = bond_graph(range(len(JOINTS)), BONES, 2)
    shuffle = torch.randperm(shipped.edge_hop.shape[0], generator=torch.Generator().manual_seed(0))
    unsorted = Graph(
        shipped.types,
        shipped.edge_index[:, shuffle],
        shipped.edge_hop[shuffle],
        shipped.ptr,
        shipped.nodes_per_system,
    )
    for name in ("mocap-run-s2s", "mocap-run-s2t"):
        preset = load_preset(name)
        steps = [
            step_with(preset, shipped, EquivariantLayer),
            step_with(preset, unsorted, LiteralLayer),
        ]
        turns = turns_of(steps)
        ours, literal = (statistics.median(column) * 1e3 for column in zip(*turns, strict=True))
        ratio = statistics.median(turn[0] / turn[1] for turn in turns)
        print(f"{name}: shipped {ours:.1f} ms, literal {literal:.1f} ms, ratio {ratio:.3f}")


def peak_gb(name: str, way: str) -> float:
    """Peak memory of three optimiser steps; `way` is literal or one of `train.activations`."""
    torch.set_num_threads(1)
    preset, graph = load_preset(name), bond_graph(range(len(JOINTS)), BONES, 2)
    step_of(built(preset.changed({"model.hidden": 8})), graph)()  # what loading takes is no part
    meter = MemoryMeter(torch.device("cpu"))
    if way == "literal":
        step = step_with(preset, graph, LiteralLayer)
    else:
        model = built(preset)
        model.activations = cast("Activations", way)
        step = step_of(model, graph)
    for _ in range(3):
        step()
    return meter.peak_gb()


def compare_memory() -> None:
    """Print the peak memory of both layers, and of ours where it keeps less."""
    from painet_cli.benchmark.child import run_in_child

    for name in ("mocap-run-s2s", "mocap-run-s2t"):
        ways = ("literal", "keep", "recompute", "stepwise")
        peaks = [run_in_child(peak_gb, name, way, limit_s=300, memory_gb=None) for way in ways]
        shown = ", ".join(
            f"{way} {1e3 * peak:.0f} MB ({peak / peaks[0]:.2f})"
            for way, peak in zip(ways, peaks, strict=True)
        )
        print(f"{name}: {shown}", flush=True)


def compare_compiled() -> None:
    """Print what compiling takes, and what a step takes then."""
    graph, base = bond_graph(range(len(JOINTS)), BONES, 2), load_preset("mocap-run-s2t")
    for horizon in (1, 5):
        preset = base.changed({"data.horizon": horizon})
        model = built(preset)
        model.compile_blocks()
        compiled, eager = step_of(model, graph), step_of(built(preset), graph)
        started = time.perf_counter()
        compiled()
        waited = time.perf_counter() - started
        turns = turns_of([compiled, eager])
        ours, theirs = (statistics.median(column) * 1e3 for column in zip(*turns, strict=True))
        ratio = statistics.median(turn[0] / turn[1] for turn in turns)
        print(
            f"T={horizon}: first step {waited:.0f} s, then {ours:.1f} ms, "
            f"eager {theirs:.1f} ms, ratio {ratio:.3f}",
            flush=True,
        )


def shares() -> None:
    """Print the rate of a step beside that of the best product, and the parts of its time."""
    from parallel_plan import operations, window_of

    graph, base = bond_graph(range(len(JOINTS)), BONES, 2), load_preset("mocap-run-s2t")
    x, weight, out = torch.randn(512, 128), torch.randn(128, 128), torch.empty(512, 128)
    best = min(seconds(lambda: torch.mm(x, weight, out=out)) for _ in range(1000))
    best_rate = 2 * 512 * 128 * 128 / best / 1e9
    for horizon in (1, 5):
        model = built(base.changed({"data.horizon": horizon}))
        count = WINDOWS * operations(model, window_of(model)) / 1e9
        step = step_of(model, graph)
        took = statistics.median(turn[0] for turn in turns_of([step]))
        print(
            f"T={horizon}: {count:.1f} GFLOP in {took * 1e3:.1f} ms, {count / took:.0f} GFLOP/s, "
            f"{count / took / best_rate:.0%} of the best product's {best_rate:.0f}"
        )
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            for _ in range(5):
                step()
        times = dict.fromkeys((*_PARTS, "all else"), 0.0)
        for event in profile.key_averages():
            operation = event.key.removeprefix("aten::")
            part = next((part for part, names in _PARTS.items() if operation in names), "all else")
            times[part] += event.self_cpu_time_total
        total = sum(times.values())
        print("  " + ", ".join(f"{part} {time / total:.0%}" for part, time in times.items()))


def main() -> None:
    """Compare the decoder layers, or the models that are asked for."""
    parser = argparse.ArgumentParser(description="Cost of one optimiser step.")
    parser.add_argument("--models", help="names of models, separated by commas")
    parser.add_argument("--horizons", default="1,5", help="numbers of steps T (default: 1,5)")
    parser.add_argument("--memory", action="store_true", help="peak memory instead of time")
    parser.add_argument("--compiled", action="store_true", help="torch.compile beside none")
    parser.add_argument("--shares", action="store_true", help="where the time of a step goes")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.memory:
        compare_memory()
        return
    reuse_freed_memory()  # as a training does
    if arguments.shares:
        shares()
    elif arguments.compiled:
        compare_compiled()
    elif arguments.models:
        horizons = [int(horizon) for horizon in arguments.horizons.split(",")]
        compare_models(arguments.models.split(","), horizons)
    else:
        compare_layers()


if __name__ == "__main__":
    main()
