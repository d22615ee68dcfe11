"""What a step on many GPUs would move and wait for: arithmetic, no measurement of a cluster.

Counts are of this code: parameters, floating-point operations and bytes kept for the backward pass
of one window of Run (31 joints). Speeds are assumptions, given as options and printed: bytes a
second of a GPU's link to other machines, latency of a message, operations a second that a GPU
reaches.

    python benchmarks/parallel_plan.py --gpus 8,64,1000
"""

from __future__ import annotations

import argparse
import math

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from painet_cli.config.models import PainetConfig
from painet_cli.config.presets import load_preset
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.motion.mocap_files import BONES, JOINTS
from painet_cli.models.base import DynamicsModel, SystemSpec
from painet_cli.models.registry import build_model

PRESET = "mocap-run-s2t"


def window_of(model: DynamicsModel) -> Batch:
    """One window of random positions."""
    graph = bond_graph(range(len(JOINTS)), BONES, 2).repeat(1)
    x = 5 * torch.randn(len(JOINTS), 3)
    return Batch(graph, x, 0.1 * torch.randn_like(x), x + torch.randn(model.horizon, *x.shape))


def kept_bytes(model: DynamicsModel, batch: Batch) -> int:
    """Bytes that the forward pass keeps for the backward pass, without the weights."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = (model(batch) - batch.known_targets()).square().mean()
    loss.backward()
    return sum(kept.values())


def operations(model: DynamicsModel, batch: Batch) -> int:
    """Floating-point operations of the matrix products of a step."""
    targets = batch.known_targets()
    with FlopCounterMode(display=False) as counter:
        (model(batch) - targets).square().mean().backward()
    return int(counter.get_total_flops())


def main() -> None:
    """Print the plan."""
    parser = argparse.ArgumentParser(description="A step on many GPUs, on paper.")
    parser.add_argument("--gpus", default="8,64,1000", help="numbers of GPUs")
    parser.add_argument("--windows", type=int, default=64, help="windows a GPU and step")
    parser.add_argument("--link", type=float, default=25.0, help="GB/s of a GPU's link")
    parser.add_argument("--latency", type=float, default=10.0, help="microseconds a message")
    parser.add_argument("--speed", type=float, default=10.0, help="TFLOP/s that a GPU reaches")
    chosen = parser.parse_args()

    torch.manual_seed(0)
    preset = load_preset(PRESET)
    model = build_model(preset, SystemSpec(JOINTS, preset.data.hops, "y"))
    batch = window_of(model)
    flop, kept = operations(model, batch), kept_bytes(model, batch)
    gradient = 4 * sum(parameter.numel() for parameter in model.parameters())
    print(f"{PRESET}: {gradient // 4:,} parameters, gradient {gradient / 1e6:.2f} MB")
    print(
        f"a window: {flop / 1e9:.2f} GFLOP a step, {kept / 1e6:.1f} MB kept for the backward pass"
    )
    if isinstance(preset.model, PainetConfig):
        d, heads, types = preset.model.hidden, preset.model.heads, len(JOINTS)
        sums = 4 * heads * types * (d + 1) ** 2
        print(f"sums by type, all heads, for one of the T steps: {sums / 1e6:.2f} MB")

    work = chosen.windows * flop / (chosen.speed * 1e12)
    print(
        f"{chosen.windows} windows a GPU at {chosen.speed:g} TFLOP/s: {work * 1e3:.2f} ms; "
        f"link {chosen.link:g} GB/s, latency {chosen.latency:g} us"
    )
    for gpus in (int(number) for number in chosen.gpus.split(",")):
        # a tree up and a tree down: bytes pass twice, latencies add up over its depth
        moved = 2 * gradient / (chosen.link * 1e9)
        waited = 2 * math.ceil(math.log2(gpus)) * chosen.latency * 1e-6
        share = work / (work + moved + waited)
        print(
            f"{gpus:>5} GPUs, {gpus * chosen.windows:>6,} windows a step: all-reduce "
            f"{(moved + waited) * 1e3:.2f} ms, {share:.0%} of the time is work"
        )


if __name__ == "__main__":
    main()
