"""A kernel fitted: what is kept of the training windows, and the choices made on others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from painet_cli.config.schema import KernelConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph
from painet_cli.errors import RequestError
from painet_cli.models.base import SystemSpec
from painet_cli.models.kernel.parts import Parts, limbs, whole
from painet_cli.models.kernel.ridge import Weights, kernel, own_kernel, solve, variances
from painet_cli.models.kernel.tuning import Chosen, Examples, best_ridge, descend, search
from painet_cli.models.kernel.written import (
    Written,
    count_windows,
    gather,
    spread_out,
    write,
)
from painet_cli.models.layers.body_frame import BodyFrame

_TO_CHOOSE = 600
"""Most windows of a part of the split that weights are chosen on."""
_RANK = 512
"""Most features that are kept for the variance; what the others explain is counted as unknown."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """How inputs become the columns of a kernel, and which group each column is of."""

    mean: Tensor  # (D,)
    scale: Tensor  # (D,)
    group: Tensor  # (D,)
    kind: Tensor  # (G,) 0 positions, 1 velocities, 2 the past

    def columns(self, inputs: Tensor) -> Tensor:
        """(S, D) from (S, K, N, 3)."""
        return (inputs.flatten(1) - self.mean) / self.scale


def scaling(inputs: Tensor, part: Tensor) -> Scaling:
    """Columns less their mean, over one scale for all of a kind; a group a part and kind."""
    kinds = torch.tensor([0, 1, *[2] * (inputs.shape[1] - 2)], device=inputs.device)
    mean = inputs.mean(dim=0)
    spread = (inputs - mean).square().mean(dim=(0, 2, 3))  # (K,)
    spread = torch.stack([spread[kinds == kind].mean() for kind in kinds.tolist()])
    scale = torch.where(spread > 0, spread, 1.0).sqrt()
    parts = int(part.max()) + 1
    group = (kinds[:, None, None] * parts + part[:, None]).expand(inputs.shape[1:])
    kind = torch.arange(int(kinds.max()) + 1, device=inputs.device).repeat_interleave(parts)
    full = scale[:, None, None].expand(inputs.shape[1:])
    return Scaling(mean.flatten(), full.flatten(), group.flatten(), kind)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Buffers of a fitted model (see `Kernel`)."""

    inputs: Tensor
    mean: Tensor
    scale: Tensor
    part: Tensor
    group: Tensor
    log_a: Tensor
    log_b: Tensor
    ridge: Tensor
    dual: Tensor
    offset: Tensor
    spread: Tensor
    projection: Tensor
    strength: Tensor


def fitted(
    train: Iterable[Batch],
    val: Iterable[Batch],
    frame: BodyFrame,
    config: KernelConfig,
    system: SystemSpec,
) -> Fitted:
    """Fit the frame and the kernels.

    Cost is linear in particles; it grows with the square of the kept windows, and linearly with
    those beyond.

    Parameters
    ----------
    train, val
        Windows, which are gone through more than once.

    Raises
    ------
    RequestError
        The systems are of several kinds, or limbs are asked for of what has none.
    """
    frame.fit(train)
    if not len(frame.reference):
        raise RequestError(
            "model kernel: the training systems have different particles",
            "it reads windows of one system; choose another model",
        )
    graph = next(iter(train)).graph
    device, history = frame.speed.device, system.history
    count = count_windows(train)
    all_kept = count <= config.largest
    kept = gather(train, frame, history, spread_out(count, config.largest))
    held = gather(val, frame, history, spread_out(count_windows(val), config.largest))
    parts = _parts(config, system, graph)
    part = torch.from_numpy(parts.of).to(device)
    scaled, offset = scaling(kept.inputs, part), kept.targets.mean(dim=0)
    chosen = _choose(kept, held, parts, scaled, offset, config, frame.up)

    z, z_held = scaled.columns(kept.inputs), scaled.columns(held.inputs)
    dual, spread = torch.empty_like(kept.targets), torch.empty_like(offset[..., 0])
    ridges, projections, strengths = [], [], []
    for p, choice in enumerate(chosen):
        mine = part == p
        among = kernel(z, z, scaled.group, choice.weights)
        wanted = (kept.targets - offset)[:, :, mine]
        others = None
        if not all_kept:
            others = _pieces(train, frame, history, scaled, z, choice.weights, offset, mine)
        solution = solve(among, others, wanted.flatten(1))
        crossed = kernel(z_held, z, scaled.group, choice.weights)
        truth = (held.targets - offset)[:, :, mine]
        ridge = best_ridge(solution, crossed, truth.flatten(1), choice.weights).ridge
        dual[:, :, mine] = solution.dual(ridge).view_as(wanted)
        best = solution.strength.argsort(descending=True)[:_RANK]
        projections.append(solution.projection[:, best])
        strengths.append(solution.strength[best])
        ridges.append(ridge)
        spread[:, mine] = _spread(
            crossed,
            z_held,
            dual[:, :, mine],
            truth,
            scaled,
            choice.weights,
            projections[-1],
            strengths[-1],
            ridge,
        )
    rank = max(len(one) for one in strengths)
    return Fitted(
        inputs=z,
        mean=scaled.mean,
        scale=scaled.scale,
        part=part,
        group=scaled.group,
        log_a=torch.stack([choice.weights.log_a for choice in chosen]),
        log_b=torch.stack([choice.weights.log_b for choice in chosen]),
        ridge=torch.tensor(ridges, dtype=torch.float64, device=device),
        dual=dual,
        offset=offset,
        spread=spread,
        projection=torch.stack([_padded(one, rank) for one in projections]),
        strength=torch.stack([_padded(one, rank) for one in strengths]),
    )


def _parts(config: KernelConfig, system: SystemSpec, graph: Graph) -> Parts:
    n = graph.num_nodes // graph.num_systems
    if config.parts == "whole":
        return whole(n)
    unit = graph.unit or graph
    bonds = unit.edge_index[:, unit.edge_hop == 1].cpu().numpy()
    found = limbs(system.names, bonds) if system.up is not None and system.names else None
    if found is None:
        raise RequestError(
            "model.parts=limbs: needs an up axis, and particles whose names have a left and right",
            "set model.parts=whole",
        )
    return found


def _choose(
    kept: Written,
    held: Written,
    parts: Parts,
    scaled: Scaling,
    offset: Tensor,
    config: KernelConfig,
    up: int | None,
) -> list[Chosen]:
    """Weights of each part's kernel; a part on the right has those of its mirror on the left."""
    kept, held = kept[spread_out(len(kept), _TO_CHOOSE)], held[spread_out(len(held), _TO_CHOOSE)]
    several = len(parts.mirror) > 1
    if several:  # what is said of the left is to hold of the right
        partner = torch.from_numpy(parts.partner).to(held.inputs.device)
        side = min(axis for axis in range(3) if axis != up)
        seen = held.mirrored(partner, side)
        held = Written(
            torch.cat([held.inputs, seen.inputs]), torch.cat([held.targets, seen.targets])
        )
    part = torch.from_numpy(parts.of).to(offset.device)

    def examples(mine: Tensor) -> Examples:
        return Examples(
            scaled.columns(kept.inputs),
            (kept.targets - offset)[:, :, mine].flatten(1),
            scaled.columns(held.inputs),
            (held.targets - offset)[:, :, mine].flatten(1),
            scaled.group,
            scaled.kind,
        )

    start = search(examples(part >= 0), config.form)
    mirror = torch.from_numpy(parts.mirror).to(part)
    seen_in_mirror = _groups_in_mirror(mirror, scaled.kind)
    own = torch.arange(len(scaled.kind), device=part.device)
    chosen: list[Chosen] = []
    for p, other in enumerate(parts.mirror.tolist()):
        if other < p:
            weights = chosen[other].weights
            swapped = Weights(weights.log_a[seen_in_mirror], weights.log_b[seen_in_mirror])
            chosen.append(Chosen(swapped, chosen[other].ridge, chosen[other].error))
            continue
        alike = own if other != p else torch.minimum(own, seen_in_mirror)
        mine = examples(part == p)
        own_start = _error_of(start, mine) if several else start
        chosen.append(descend(mine, own_start, alike, config.form, config.descend))
    return chosen


def _error_of(start: Chosen, examples: Examples) -> Chosen:
    """The best of the grid for the whole body, with its error and ridge for a part."""
    among = kernel(examples.train, examples.train, examples.group, start.weights)
    crossed = kernel(examples.val, examples.train, examples.group, start.weights)
    return best_ridge(
        solve(among, None, examples.targets), crossed, examples.val_targets, start.weights
    )


def _groups_in_mirror(mirror: Tensor, kind: Tensor) -> Tensor:
    """(G,) group that each is in a mirror."""
    parts = len(mirror)
    return kind * parts + mirror.repeat(len(kind) // parts)


def _pieces(
    batches: Iterable[Batch],
    frame: BodyFrame,
    history: int,
    scaled: Scaling,
    kept: Tensor,
    weights: Weights,
    offset: Tensor,
    mine: Tensor,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Kernels with the kept windows and targets, of all windows, a batch at a time."""
    for batch in batches:
        windows = write(batch, frame, history)
        kernels = kernel(scaled.columns(windows.inputs), kept, scaled.group, weights)
        yield kernels, (windows.targets - offset)[:, :, mine].flatten(1)


def _spread(
    crossed: Tensor,
    z: Tensor,
    dual: Tensor,
    truth: Tensor,
    scaled: Scaling,
    weights: Weights,
    projection: Tensor,
    strength: Tensor,
    ridge: float,
) -> Tensor:  # (T, n)
    """What standard deviations are to be multiplied by, so that they are right on these windows."""
    own = own_kernel(z, scaled.group, weights)
    variance = variances(crossed, own, projection, strength, ridge)
    guess: Tensor = torch.tensordot(crossed, dual, dims=1)
    squared = (guess - truth).square().mean(dim=-1)
    return (squared / variance[:, None, None]).mean(dim=0).sqrt()


def _padded(values: Tensor, columns: int) -> Tensor:
    return torch.nn.functional.pad(values, (0, columns - values.shape[-1]))
