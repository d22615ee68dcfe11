"""From a system and its starts to its forecast: asked of a model, passed through it, judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.graph import Graph
from painet_cli.data.batches.spacing import frame_times_of
from painet_cli.data.particles.origin import is_far, places
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel
from painet_cli.models.confidence.kept import spreads_of
from painet_cli.prediction.checkpoints import is_speed
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.inputs.skeleton import skeleton_of
from painet_cli.prediction.loading import LoadedModel
from painet_cli.prediction.matching import MisfitError, check_fit, check_time
from painet_cli.prediction.passes import Notice, predict_together, starts_at_once
from painet_cli.prediction.sanity import allowed_displacement, believed_steps, sanity_of
from painet_cli.prediction.starting.start_checks import (
    check_size,
    check_starts,
    check_velocities,
    fast_drift,
)
from painet_cli.prediction.starting.states import States
from painet_cli.prediction.starting.timing import (
    VelocitySource,
    frame_time_of,
    frame_warnings,
    known_truth,
    predicted_frames,
    start_past,
    start_velocities,
)
from painet_cli.prediction.starting.treatment import Placement, placed, treated
from painet_cli.prediction.yardsticks import straight_on

_FAR_AWAY = (
    "the system lies {:,.0f} from the origin: it is predicted there and moved back; files whose "
    "positions are float32 hold it to {:.2g}, prediction.npz in full"
)
DRIFTS = (
    "the whole drifts faster than what it was trained on moves: it is predicted at rest, and moved "
    "straight on"
)


def make_forecast(
    loaded: LoadedModel,
    system: Input,
    starts: NDArray[np.int64],  # (S,)
    steps: int,
    *,
    notice: Notice = lambda message: None,
    memory_budget: int | None = None,
) -> Forecast:
    """Predict a system from each of its start frames.

    Velocities are those of the last two known frames, by the time between them, or the file's own
    (`start_velocities`). What was done to frames before training is done to these. No frame after
    a start is looked at but to measure. Steps past the trained horizon are rolled out.

    Parameters
    ----------
    loaded
        A model that fits the system.
    starts
        (S,) indices into `system.frames`.
    steps
        T, at least 1.
    notice
        Told what a long prediction will cost, and how it is made to fit the memory.
    memory_budget
        Bytes that a pass is to fit in; by default what is free.

    Raises
    ------
    RequestError
        The model does not fit, there is no start or step, the starts are no whole molecules or
        their frames no motion, or the prediction would take more memory than `LARGEST_BYTES`.
    PainetError
        The prediction runs away at once: a position of its first step is NaN or infinite, a bond
        several times as long as at the start, or a particle far beyond what training knew. One
        that runs away later ends before, with a warning.
    """
    asked = ask_forecast(loaded, system, starts, steps)
    (positions,) = predict_together(
        loaded,
        [asked.states],
        steps,
        notice=notice,
        memory_budget=memory_budget,
    )
    return finish_forecast(asked, positions)


@dataclass(frozen=True, eq=False)
class Asked:
    """A forecast before its passes of the model: what they start from, and what is known of it.

    Attributes
    ----------
    loaded, steps
        The model, and how many steps it is to predict.
    states
        What it is given.
    system, starts, velocities
        As the `Forecast` will have them.
    near, at_rest
        (S, N, 3) positions near the origin, and velocities less those of the drift.
    sources
        Where the velocities come from.
    speed
        Root mean square of speeds in training, unit of length a frame.
    drift
        (S, 1, 3) velocity of the whole, where it was taken away.
    at
        Where the system was moved from to the origin, as `places` says; None where it was not.
    placement
        How the states lie as in training; None where that does not matter.
    said
        Warnings so far.
    """

    loaded: LoadedModel
    steps: int
    states: States
    system: Input
    starts: NDArray[np.int64]
    near: NDArray[np.floating]
    velocities: NDArray[np.floating]
    at_rest: NDArray[np.floating]
    sources: tuple[VelocitySource, ...]
    speed: float | None
    drift: NDArray[np.floating] | None
    at: NDArray[np.floating] | None
    placement: Placement | None
    said: tuple[str, ...]

    def is_like(self, other: Asked) -> bool:
        """Whether both can be predicted side by side: one model, and systems of one graph."""
        mine, theirs = self.states, other.states
        return (
            self.loaded is other.loaded
            and self.steps == other.steps
            and mine.frame_time_s == theirs.frame_time_s
            and torch.equal(mine.graph.types, theirs.graph.types)
            and torch.equal(mine.graph.edge_index, theirs.graph.edge_index)
            and torch.equal(mine.graph.edge_hop, theirs.graph.edge_hop)
        )


def ask_forecast(
    loaded: LoadedModel,
    system: Input,
    starts: NDArray[np.int64],  # (S,)
    steps: int,
) -> Asked:
    """Check and make ready what `make_forecast` predicts from; parameters and errors are its."""
    header, (count, n, _) = loaded.header, system.frames.shape
    starts = np.asarray(starts, dtype=np.int64)
    if steps < 1 or len(starts) == 0:
        raise RequestError(f"{steps} steps from {len(starts)} starts: nothing to predict")
    if starts.min() < 0 or starts.max() >= count:
        raise RequestError(f"start {starts.max()}: the system has {count} frames, from 0")
    check_size(len(starts), steps, n)
    graph = graph_of(loaded, system)
    system, said = treated(header, system, starts)
    check_starts(system, starts)
    velocity = start_velocities(header, system, starts)
    velocities, speed = velocity.values, trained_speed(loaded.model)
    said += check_velocities(header, system, starts, velocity, speed)
    past, known_past = start_past(header, system, starts)
    drift = fast_drift(system, velocities, speed)
    at_rest = velocities if drift is None else velocities - drift
    if drift is not None:
        past = None if past is None else past + drift[:, None] * _steps_back(past.shape[1])
        said += (DRIFTS,)
    x = system.frames[starts]
    at = places(x, system.up_axis) if is_far(x, system.up_axis) else None
    near = (x if at is None else x - at).astype(np.float32, copy=False)
    told = (
        frame_time_of(header, system.frame_time_s) if frame_times_of(header.preset.data) else None
    )
    placement = placed(header, replace(system, frames=near[:1]), 0)
    skeleton = skeleton_of(system, header.structure)
    states = States(graph, near, at_rest, past, loaded.device, told, skeleton)
    return Asked(
        loaded,
        steps,
        states if placement is None else states.placed(placement),
        system,
        starts,
        near,
        velocities,
        at_rest,
        velocity.sources,
        speed,
        drift,
        at,
        placement,
        (*said, *frame_warnings(header, system, velocity, known_past)),
    )


def finish_forecast(
    asked: Asked,
    positions: NDArray[np.floating],  # (S, T, N, 3)
) -> Forecast:
    """Judge predicted positions, move them to where the system is, and find what came next.

    Raises
    ------
    PainetError
        The prediction runs away at once, as `make_forecast` says.
    """
    loaded, states, system, starts = asked.loaded, asked.states, asked.system, asked.starts
    header, steps, warnings = loaded.header, asked.steps, asked.said
    offsets = predicted_frames(header, steps)
    if asked.placement is not None:
        positions = asked.placement.back(positions).astype(np.float32)
    allowed = allowed_displacement(offsets, asked.speed, asked.at_rest)
    numbers = system.first_frame + starts
    positions, lost = believed_steps(positions, asked.near, system.particles, numbers, allowed)
    sanity = sanity_of(positions, asked.near, system.particles, lost)
    if sanity.sentence:
        warnings += (sanity.sentence,)
    steps, offsets = positions.shape[1], offsets[: positions.shape[1]]
    ahead = offsets[:, None, None].astype(np.float32)
    if asked.drift is not None:
        positions = positions + ahead * asked.drift[:, None]
    if (at := asked.at) is not None:
        positions = positions + at[:, None]
        warnings += (_FAR_AWAY.format(np.abs(at).max(), np.spacing(np.float32(np.abs(at).max()))),)
    model, size = loaded.model, starts_at_once(positions.shape[2])
    radii = loaded.radii(
        states.graph.types.cpu().numpy(), frame_time_of(header, system.frame_time_s)
    )
    spread = spreads_of(model, states.batches(size)) if steps <= model.horizon else None
    spread = None if spread is None else spread[:, :steps]
    radius, typical = None, None
    if (
        radii is not None
        and steps <= len(radii.quantile)
        and not (radii.by_spread and spread is None)
    ):
        radii = radii.first(steps)
        squared = np.square(asked.at_rest.astype(np.float64)).sum(axis=-1)
        radius = radii.of(spread, len(starts), np.sqrt(squared.mean(axis=-1)))
        typical = radii.typical(radius)
    return Forecast(
        system=system,
        starts=starts,
        positions=positions,
        times_s=offsets.astype(np.float64) * frame_time_of(header, system.frame_time_s),
        velocities=asked.velocities,
        straight=straight_on(system.frames[starts], asked.velocities, offsets),
        truth=known_truth(header, system, starts, steps),
        warnings=warnings,
        sanity=sanity,
        velocity_sources=asked.sources,
        spread=spread,
        radius=radius,
        radius_90=typical,
    )


def _steps_back(history: int) -> NDArray[np.float32]:
    """(H, 1, 1) frames before the start, the latest first."""
    return np.arange(1, history + 1, dtype=np.float32)[:, None, None]


def trained_speed(model: DynamicsModel) -> float | None:
    """Root mean square of speeds in training, unit of length a frame; None where it is not kept."""
    kept = [value for name, value in model.named_buffers() if is_speed(name)]
    return float(kept[0]) if kept else None


def graph_of(loaded: LoadedModel, system: Input) -> Graph:
    """Graph of the system as the checkpoint's preset makes it; refused where it does not fit."""
    data = loaded.header.preset.data
    try:
        types = check_fit(loaded.header, system.particles, system.length_unit, system.up_axis)
        moving = len(system.frames) > len(system.breaks) + 1
        check_time(loaded.header, system.frame_time_s, moving=moving)
    except MisfitError as error:
        raise RequestError(f"checkpoint {loaded.name} does not fit: {error.what}") from error
    graph = bond_graph(types.tolist(), system.particles.bonds, data.hops)
    if data.cutoff is not None:
        graph = graph.within(data.cutoff, data.edge_hops)
    return graph.to(loaded.device)
