"""Cost of one optimiser step with the shipped decoder layer against the literal one.

The literal layer builds [h_i, h_j, d2, a_ij] for every edge and multiplies that, reads its edges in
no order, and updates h after the last layer too, as equation 2 is written. Processor time on one
thread; the two take turns, and the ratio is the median over the turns.

    python benchmarks/decoder_step.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from painet_cli.config.loading import load_preset
from painet_cli.config.preset import Preset
from painet_cli.data.batch import Batch
from painet_cli.data.graph import Graph, bond_graph
from painet_cli.data.mocap_source import BONES, JOINTS
from painet_cli.models import painet as painet_module
from painet_cli.models.base import SystemSpec
from painet_cli.models.message import EquivariantLayer
from painet_cli.models.registry import build_model

TURNS = 15
WINDOWS = 12


class LiteralLayer(EquivariantLayer):
    """Equation 2 as it is written: one wide product over edges."""

    def __init__(self, hidden: int, edge_width: int, *, last: bool = False) -> None:
        super().__init__(hidden, edge_width)

    def forward(
        self, h: Tensor, x: Tensor, v: Tensor, a: Tensor, graph: Graph, length: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Embeddings and positions after the layer."""
        j, i = graph.edge_index
        apart = x[i] - x[j]
        scaled = apart.square().sum(dim=-1, keepdim=True) / length.square()
        wide = torch.cat([h[i], h[j], scaled, a], dim=-1)
        m = nn.functional.silu(nn.functional.linear(wide, self.pair.weight, self.pair.bias))
        m = nn.functional.silu(self.message(m))
        moved = torch.zeros_like(x).index_add(0, i, apart * self.gate(m).clamp(-100, 100))
        x = x + moved / graph.in_degree + self.drift(h) * v
        heard = torch.zeros_like(h).index_add(0, i, m)
        assert self.update is not None  # noqa: S101
        return h + self.update(torch.cat([h, heard], dim=-1)), x


def step_of(preset: Preset, graph: Graph) -> Callable[[], None]:
    """One optimiser step of a preset's model on random positions."""
    torch.manual_seed(0)
    model = build_model(preset, SystemSpec(JOINTS, preset.data.hops, "y"))
    batch_graph = graph.repeat(WINDOWS)
    x = 5 * torch.randn(batch_graph.num_nodes, 3)
    v = 0.1 * torch.randn_like(x)
    batch = Batch(batch_graph, x, v, x + torch.randn(preset.data.horizon, *x.shape))
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


def main() -> None:
    """Print the cost of both layers and their ratio for both motion-capture tasks."""
    torch.set_num_threads(1)
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
        ours = step_of(preset, shipped)
        painet_module.EquivariantLayer = LiteralLayer  # type: ignore[misc]
        literal = step_of(preset, unsorted)
        painet_module.EquivariantLayer = EquivariantLayer  # type: ignore[misc]
        for step in (ours, literal) * 3:
            step()
        turns = [(seconds(ours), seconds(literal)) for _ in range(TURNS)]
        mine, theirs = (statistics.median(column) for column in zip(*turns, strict=True))
        ratio = statistics.median(a / b for a, b in turns)
        print(
            f"{name}: split and sorted {mine * 1e3:.1f} ms, literal {theirs * 1e3:.1f} ms, "
            f"ratio {ratio:.3f}"
        )


if __name__ == "__main__":
    main()
