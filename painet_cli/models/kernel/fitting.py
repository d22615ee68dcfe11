"""A kernel fitted: what is kept of the training windows, and the choices made on others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from painet_cli.config.models import KernelConfig, KernelMember
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.windows import spread_out
from painet_cli.models.base import SystemSpec
from painet_cli.models.kernel.layout import Layout, lay_out
from painet_cli.models.kernel.parts import Skeleton, divide, mirror_of
from painet_cli.models.kernel.ridge import Weights, kernel, solve
from painet_cli.models.kernel.tuning import Chosen, Examples, best_ridge
from painet_cli.models.kernel.written import Written, count_windows, gather, write
from painet_cli.models.layers.body_frame import BodyFrame

_TO_CHOOSE = 600
"""Most windows of a part of the split that weights are chosen on."""
_RANK = 512
"""Most features that are kept for the variance; what the others explain is counted as unknown."""

Pieces = Callable[[], Iterable[Written]]


@dataclass(frozen=True, eq=False)
class Task:
    """What a kernel is fitted to.

    Attributes
    ----------
    kept, held
        Training and validation windows in memory.
    others
        All training windows, a piece at a time; None where all are kept.
    offset
        (T, N, 3) mean target of the kept windows.
    part
        (N,) part of the body that every particle is predicted with.
    skeleton
        The particles.
    side
        Axis of the frame from left to right; None where there is no such.
    places
        (T,) the steps at which targets are places in the frame; None where all are displacements
        from the start.
    """

    kept: Written
    held: Written
    others: Pieces | None
    offset: Tensor
    part: Tensor
    skeleton: Skeleton
    side: int | None
    places: Tensor | None = None

    def of_places(self, steps: Tensor) -> Task:
        """The same with places for displacements at some steps, (T,) bool."""
        if not steps.any():
            return self
        kept, others = self.kept.of_places(steps), self.others
        return replace(
            self,
            kept=kept,
            held=self.held.of_places(steps),
            others=None if others is None else lambda: (one.of_places(steps) for one in others()),
            offset=kept.targets.mean(dim=0),
            places=steps,
        )

    @property
    def mirror(self) -> list[int]:
        """Part on the other side of each, or itself."""
        mirror: list[int] = mirror_of(self.part.cpu().numpy(), self.skeleton).tolist()
        return mirror


def _skeleton_of(batch: Batch, names: tuple[str, ...]) -> Skeleton:
    """Particles and bonds of the equal systems of a batch."""
    graph = batch.graph
    n = graph.num_nodes // graph.num_systems
    first = (graph.target < n) & (graph.edge_hop == 1)
    bonds = graph.edge_index[:, first].cpu().numpy().astype(np.int64)
    return Skeleton(names, graph.types[:n].cpu().numpy(), bonds)


def make_task(
    frame: BodyFrame,
    system: SystemSpec,
    config: KernelConfig,
    train: Iterable[Batch],
    val: Iterable[Batch],
) -> Task:
    """Training and validation windows written in the frame, of displacements.

    Raises
    ------
    RequestError
        The particles have not the parts that are asked for.
    """
    history, largest = system.history, config.largest
    skeleton = _skeleton_of(next(iter(train)), system.names)
    count = count_windows(train)
    kept = gather(train, frame, history, spread_out(count, largest))
    held = gather(val, frame, history, spread_out(count_windows(val), largest))
    return Task(
        kept=kept,
        held=held,
        others=None
        if count <= largest
        else lambda: (write(batch, frame, history) for batch in train),
        offset=kept.targets.mean(dim=0),
        part=torch.from_numpy(divide(skeleton, config.parts)).to(kept.inputs.device),
        skeleton=skeleton,
        side=None if system.up is None else min(axis for axis in range(3) if axis != system.up),
    )


def fit_member(
    task: Task,
    config: KernelConfig,
    member: KernelMember,
    known: Sequence[Chosen] | None,
) -> dict[str, Tensor]:
    """Buffers of a `Member`.

    Parameters
    ----------
    known
        Weights and ridge of each part's kernel; chosen on the validation windows where not given.

    Raises
    ------
    RequestError
        The particles have not the parts that are asked for.
    """
    layout = lay_out(task.kept.inputs, task.skeleton, member)
    z, z_held = (layout.columns(part.inputs) for part in (task.kept, task.held))
    dual = torch.empty_like(task.kept.targets)
    ridges, projections, strengths = [], [], []
    chosen = _choose(task, layout, config, member) if known is None else known
    for p, choice in enumerate(chosen):
        mine, weights = task.part == p, choice.weights
        wanted = (task.kept.targets - task.offset)[:, :, mine]
        truth = (task.held.targets - task.offset)[:, :, mine].flatten(1)
        among = kernel(z, z, layout.group, weights, config.form)
        others = None
        if task.others is not None:
            others = _pieces(task, task.others, layout, z, weights, config, mine)
        solution = solve(among, others, wanted.flatten(1))
        ridge = choice.ridge
        if known is None and not config.descend:
            crossed = kernel(z_held, z, layout.group, weights, config.form)
            ridge = best_ridge(solution, crossed, truth, weights).ridge
        dual[:, :, mine] = solution.dual(ridge).view_as(wanted)
        if task.others is not None:  # else they follow from the kept windows
            best = solution.strength.argsort(descending=True)[:_RANK]
            projections.append(solution.projection[:, best])
            strengths.append(solution.strength[best])
        ridges.append(ridge)
    rank = max((len(one) for one in strengths), default=0)
    kept = len(z)
    return {
        "inputs": z,
        "parent": layout.parent,
        "mean": layout.mean,
        "scale": layout.scale,
        "group": layout.group,
        "log_a": torch.stack([choice.weights.log_a for choice in chosen]),
        "log_b": torch.stack([choice.weights.log_b for choice in chosen]),
        "ridge": torch.tensor(ridges, dtype=torch.float64, device=z.device),
        "dual": dual,
        "projection": _stacked(projections, (len(chosen), kept, rank)),
        "strength": _stacked(strengths, (len(chosen), rank)),
    }


def _choose(task: Task, layout: Layout, config: KernelConfig, member: KernelMember) -> list[Chosen]:
    """Weights of each part's kernel; a part on the right has those of its mirror on the left."""
    kept = task.kept[spread_out(len(task.kept), _TO_CHOOSE)]
    held = task.held[spread_out(len(task.held), _TO_CHOOSE)]
    partner = task.skeleton.partner
    if task.side is not None and partner is not None and len(task.mirror) > 1:
        # what is said of the left is to hold of the right
        seen = held.mirrored(torch.from_numpy(partner).to(task.part), task.side)
        held = held.and_also(seen)
    examples = Examples(
        layout.columns(kept.inputs), layout.columns(held.inputs), layout, config.form
    )

    def targets(mine: Tensor) -> tuple[Tensor, Tensor]:
        made, truth = ((w.targets - task.offset)[:, :, mine].flatten(1) for w in (kept, held))
        return made, truth

    whole = None if config.descend else examples.search(*targets(task.part >= 0))
    own = torch.arange(len(layout.kind), device=task.part.device)
    chosen: list[Chosen] = []
    for p, other in enumerate(task.mirror):
        if other < p:
            left = chosen[other]
            seen_weights = Weights(
                left.weights.log_a[layout.mirror], left.weights.log_b[layout.mirror]
            )
            chosen.append(Chosen(seen_weights, left.ridge, left.error))
        elif whole is not None:
            chosen.append(examples.at(whole.weights, *targets(task.part == p)))
        else:
            alike = own if other != p else torch.minimum(own, layout.mirror)
            steps, pull = config.descend, member.pull
            chosen.append(examples.descend(*targets(task.part == p), alike, steps, pull))
    return chosen


def _pieces(
    task: Task,
    others: Pieces,
    layout: Layout,
    kept: Tensor,
    weights: Weights,
    config: KernelConfig,
    mine: Tensor,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Kernels with the kept windows and targets, of all windows, a piece at a time."""
    for windows in others():
        z = layout.columns(windows.inputs)
        kernels = kernel(z, kept, layout.group, weights, config.form)
        yield kernels, (windows.targets - task.offset)[:, :, mine].flatten(1)


def _stacked(parts: Sequence[Tensor], shape: tuple[int, ...]) -> Tensor:
    """Parts with columns of nought where they have fewer; nothing where there are none."""
    if not parts:
        return torch.zeros(shape, dtype=torch.float64)
    columns = shape[-1]
    return torch.stack(
        [torch.nn.functional.pad(part, (0, columns - part.shape[-1])) for part in parts]
    )
