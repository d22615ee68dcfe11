"""What `make bench` measures: one turn each of what users wait for, and of what it is held against.

A case is a function that sets something up and gives a call to time. Run as a program, it is a
worker: it reads names of cases from standard input and answers each with the processor seconds of
one turn, so that two versions of painet can take turns in one run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import torch
from decoder_step import LiteralLayer, built, step_of, step_with
from torch import Tensor
from torch.nn import functional

from painet_cli.config.presets import Preset, load_preset
from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.graph import Graph
from painet_cli.data.motion.mocap_files import BONES, JOINTS
from painet_cli.models.painet.attention import attend_dense, attend_factorised

Turn = Callable[[], object]
_TURNS_TO_WARM_UP = 3
_PARTICLES, _WIDTH, _TYPES = 3341, 64, 5  # adenylate kinase: C, H, N, O, S


def step(horizon: int, *, literal: bool = False) -> Turn:
    """One optimiser step of PAINET, 7 layers, 4 heads, width 128, on 12 windows of 31 joints."""
    preset = _preset(horizon)
    graph = bond_graph(range(len(JOINTS)), BONES, 2)
    if literal:
        return step_with(preset, graph, LiteralLayer)
    return step_of(built(preset), graph)


def prediction(horizon: int) -> Turn:
    """One pass without gradients over the same windows."""
    model = built(_preset(horizon)).eval()
    batch_graph = bond_graph(range(len(JOINTS)), BONES, 2).repeat(12)
    x = 5 * torch.randn(batch_graph.num_nodes, 3)

    from painet_cli.data.batches.batch import Batch

    batch = Batch(batch_graph, x, 0.1 * torch.randn_like(x))

    def run() -> Tensor:
        with torch.no_grad():
            return model(batch)

    return run


def attention(form: Callable[..., Tensor]) -> Turn:
    """Attention of one head over 3,341 particles, forward and backward."""
    generator = torch.Generator().manual_seed(0)
    none = torch.zeros((2, 0), dtype=torch.int64)
    types = torch.randint(0, _TYPES, (_PARTICLES,), generator=generator)
    graph = Graph(types, none, none[0], torch.tensor([0, _PARTICLES]), _PARTICLES)
    q, k, v = (torch.randn(1, _PARTICLES, _WIDTH, generator=generator) for _ in range(3))
    q, k = functional.normalize(q, dim=-1), functional.normalize(k, dim=-1)
    phi, psi = (torch.rand(1, _TYPES, _TYPES, generator=generator) + above for above in (1, 0))
    given = [part.requires_grad_() for part in (q, k, v, phi, psi)]
    return lambda: torch.autograd.grad(form(*given, graph).sum(), given)


def product() -> Turn:
    """A product of matrices that stay in the cache: what this processor can do at best."""
    x, weight, out = torch.randn(512, 128), torch.randn(128, 128), torch.empty(512, 128)

    def run() -> None:
        for _ in range(100):
            torch.mm(x, weight, out=out)

    return run


PRODUCT_GFLOP = 100 * 2 * 512 * 128 * 128 / 1e9
CASES: dict[str, Callable[[], Turn]] = {
    "step, T=1": lambda: step(1),
    "step, T=5": lambda: step(5),
    "prediction, T=5": lambda: prediction(5),
    "attention": lambda: attention(attend_factorised),
}
"""What is recorded."""
REFERENCES: dict[str, Callable[[], Turn]] = {
    "step, T=1": lambda: step(1, literal=True),
    "step, T=5": lambda: step(5, literal=True),
    "prediction, T=5": product,
    "attention": lambda: attention(attend_dense),
}
"""What each is held against in the same run, so that a ratio carries over to another machine."""


def _preset(horizon: int) -> Preset:
    base = load_preset("mocap-run-s2t")
    return base.model_copy(update={"data": base.data.model_copy(update={"horizon": horizon})})


def timed(turn: Turn) -> float:
    """Processor seconds of one turn."""
    started = time.process_time()
    turn()
    return time.process_time() - started


def prepared(make: Callable[[], Turn]) -> Turn:
    """A turn that has been run a few times."""
    torch.manual_seed(0)
    turn = make()
    for _ in range(_TURNS_TO_WARM_UP):
        turn()
    return turn


def set_up() -> None:
    """One thread, and memory kept as a training keeps it."""
    from painet_cli.training import device

    torch.set_num_threads(1)
    getattr(device, "reuse_freed_memory", lambda: None)()  # older versions have no such thing


def main() -> None:
    """Answer names of cases with seconds, or with null where this version cannot run one."""
    set_up()
    ready: dict[str, Turn | None] = {}
    for name in map(str.strip, sys.stdin):
        if name not in ready:
            try:
                ready[name] = prepared(CASES[name])
            except Exception:  # noqa: BLE001 - another version may lack anything
                ready[name] = None
        turn = ready[name]
        print(json.dumps(None if turn is None else timed(turn)), flush=True)


if __name__ == "__main__":
    main()
