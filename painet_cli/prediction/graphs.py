"""Predictions of PyTorch Geometric's systems, with the checks that files go through."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch, from_pyg
from painet_cli.data.batches.offsets import target_offsets
from painet_cli.data.particles.elements import is_element
from painet_cli.data.particles.origin import is_far, places
from painet_cli.data.particles.particles import Particles
from painet_cli.errors import PainetError, RequestError
from painet_cli.models.base import DynamicsModel
from painet_cli.prediction.asked import DRIFTS, trained_speed
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.loading import LoadedModel
from painet_cli.prediction.rollout import rollout, rollout_offsets
from painet_cli.prediction.sanity import allowed_displacement, first_lost_step, sanity_of
from painet_cli.prediction.starting.start_checks import (
    check_starts,
    check_velocities,
    fast_drift,
    refuse_wrong_order,
)
from painet_cli.prediction.starting.timing import StartVelocities
from painet_cli.prediction.starting.treatment import Placement, placed, treated
from painet_cli.training.checkpoint import Header

if TYPE_CHECKING:
    from torch_geometric.data import Data

System = TypeVar("System", bound="Data")
Floats = NDArray[np.float64]


@torch.no_grad()
def predict_graphs(model: DynamicsModel | LoadedModel, data: System, steps: int | None) -> System:
    """Predict a `Data` or `Batch`; see `predict`.

    A bare model knows neither types nor units, and its systems are not checked.

    Raises
    ------
    RequestError
        As `from_pyg` does; a number is not finite, a molecule is in pieces, frames are no motion.
    PainetError
        A prediction runs away at once. Of one that does so later, what follows is NaN, with a
        warning.
    """
    predicted: System = data.clone()
    if isinstance(model, LoadedModel):
        predicted.y = _checked(model, from_pyg(data), steps).to(data.pos.device)
        return predicted
    if steps not in (None, model.horizon):
        raise RequestError(
            f"a bare model predicts its {model.horizon} steps",
            "give what painet.load returns to predict more",
        )
    batch, training = from_pyg(data), model.training
    try:
        predicted.y = model.eval()(batch).transpose(0, 1)
    finally:
        model.train(training)
    return predicted


def _checked(loaded: LoadedModel, batch: Batch, steps: int | None) -> Tensor:  # (M, T, 3)
    """Positions that are predicted of systems side by side, each of which is sound."""
    header, speed = loaded.header, trained_speed(loaded.model)
    trained = target_offsets(header.preset.data)
    _check_finite(batch)
    batch.graph.check_types(len(header.type_names))
    said: dict[str, None] = {}
    if header.treatment:
        batch, done = _treated(header, batch)
        said |= dict.fromkeys(done)
    systems = list(_systems(header, batch))
    drift = np.zeros(batch.positions.shape)
    at = np.zeros(batch.positions.shape)
    for one in systems:
        start = np.array([len(one.given.frames) - 1])
        refuse_wrong_order(one.given)
        check_starts(one.given, start)
        velocity = StartVelocities(one.velocities[None], ("file",))
        said |= dict.fromkeys(check_velocities(header, one.given, start, velocity, speed))
        moving = fast_drift(one.given, one.velocities[None], speed)
        if moving is not None:
            drift[one.nodes] = moving[0]
            said[f"{one.given.name}: {DRIFTS}"] = None
        if is_far(one.given.frames, header.up_axis):
            at[one.nodes] = places(one.given.frames[-1], header.up_axis)
    steps = len(trained) if steps is None else steps
    offsets = rollout_offsets(trained, steps)
    states, placements = _placed(header, _at_rest(batch, drift, at), systems)
    ahead = rollout(loaded.model, states.to(loaded.device), steps, trained)
    positions = ahead.cpu().double().numpy()
    for one, placement in zip(systems, placements, strict=True):
        if placement is not None:
            positions[:, one.nodes] = placement.back(positions[:, one.nodes])
        near = (one.given.frames[-1] - at[one.nodes])[None]
        at_rest = (one.velocities - drift[one.nodes])[None].astype(np.float32)
        allowed = allowed_displacement(offsets, speed, at_rest)
        own = positions[None, :, one.nodes].copy()
        whole, sentence = _judged(one.given, own, near, allowed)
        positions[whole:, one.nodes] = np.nan
        if sentence:
            said[f"{one.given.name}: {sentence}"] = None
    for message in said:
        warnings.warn(message, stacklevel=4)
    moved = positions + offsets[:, None, None] * drift + at
    kept = torch.float64 if at.any() else batch.positions.dtype
    return torch.from_numpy(moved).to(kept).transpose(0, 1)


def _judged(
    given: Input,
    predicted: NDArray[np.floating],  # (1, T, N, 3)
    near: NDArray[np.floating],  # (1, N, 3)
    allowed: NDArray[np.floating] | None,  # (T,)
) -> tuple[int, str]:
    """Steps before the first that is no prediction, and what is wrong with any, in a sentence."""
    lost = first_lost_step(predicted, near, given.particles, allowed)
    whole, why = predicted.shape[1], ""
    if lost is not None:
        whole, why = lost[0], f"step {lost[0] + 1} {lost[2]}"
    if whole == 0:
        raise PainetError(
            f"the prediction of {given.name} runs away at once: {why}",
            "train longer, or choose another checkpoint (`painet checkpoints`)",
        )
    return whole, sanity_of(predicted[:, :whole], near, given.particles, why).sentence


@dataclass(frozen=True, eq=False)
class _System:
    """One of the systems: its particles among all, (N, 3) velocities, and what checks look at."""

    nodes: slice
    velocities: NDArray[np.floating]
    given: Input


def _systems(header: Header, batch: Batch) -> Iterator[_System]:
    graph = batch.graph
    positions, velocities = (x.cpu().numpy() for x in (batch.positions, batch.velocities))
    past = None if batch.past is None else batch.past.cpu().numpy()
    types, ends = graph.types.cpu().numpy(), graph.edge_index.cpu().numpy()
    bonded = (graph.edge_hop.cpu().numpy() == 1) & (ends[0] < ends[1])
    ends = ends[:, bonded]
    ends = ends[:, np.argsort(ends[0], kind="stable")]
    times = None if batch.frame_time_s is None else batch.frame_time_s.tolist()
    elements = _elements(header)
    bounds = graph.ptr.tolist()
    cuts = np.searchsorted(ends[0], bounds)
    for k, (first, stop) in enumerate(pairwise(bounds)):
        if stop == first:
            continue
        nodes = slice(first, stop)
        kinds = types[nodes].tolist()
        frames = positions[nodes][None]
        if past is not None and len(past):
            frames = np.concatenate([(frames + past[:, nodes])[::-1], frames])
        particles = Particles(
            names=tuple(header.type_names[kind] for kind in kinds),
            types=tuple(kinds),
            type_names=header.type_names,
            bonds=tuple(map(tuple, (ends[:, cuts[k] : cuts[k + 1]].T - first).tolist())),
            elements=tuple(elements[kind] for kind in kinds) if elements else (),
        )
        given = Input(
            name="the Data" if len(bounds) == 2 else f"system {k} of the Batch",
            kind="arrays",
            path=None,
            particles=particles,
            frames=frames,
            frame_time_s=header.units.frame_time_s if times is None else times[k],
            length_unit=header.units.length,
            up_axis=header.up_axis,
        )
        yield _System(nodes, velocities[nodes], given)


def _treated(header: Header, batch: Batch) -> tuple[Batch, list[str]]:
    """Do to the systems what was done to the frames of training, as `treated` does to files'."""
    x, v, past = _wide(batch)
    said = []
    for one in _systems(header, batch):
        # the frame before by the velocity, the past, the start
        known = one.given.frames.astype(np.float64)
        frames = np.concatenate([known[-1:] - one.velocities, known])
        start = np.array([len(frames) - 1])
        given, done = treated(header, replace(one.given, frames=frames), start)
        x[one.nodes], v[one.nodes] = given.frames[-1], given.frames[-1] - given.frames[0]
        if past is not None:
            past[:, one.nodes] = given.frames[-2:0:-1] - given.frames[-1]
        said += [f"{one.given.name}: {sentence}" for sentence in done]
    return _with(batch, x, v, past), said


def _placed(
    header: Header, batch: Batch, systems: Sequence[_System]
) -> tuple[Batch, list[Placement | None]]:
    """Put systems where training had them, and say how; None of those that are there."""
    x, v, past = _wide(batch)
    placements = []
    for one in systems:
        placement = placed(header, replace(one.given, frames=x[one.nodes][None]), 0)
        placements.append(placement)
        if placement is not None:
            x[one.nodes] = placement.there(x[one.nodes])
            v[one.nodes] = placement.turned(v[one.nodes])
            if past is not None:
                past[:, one.nodes] = placement.turned(past[:, one.nodes])
    return (_with(batch, x, v, past) if any(placements) else batch), placements


def _wide(batch: Batch) -> tuple[Floats, Floats, Floats | None]:
    """Positions, velocities and the past, in float64."""
    x, v = batch.positions.cpu().double().numpy(), batch.velocities.cpu().double().numpy()
    return x, v, None if batch.past is None else batch.past.cpu().double().numpy()


def _with(batch: Batch, positions: Floats, velocities: Floats, past: Floats | None) -> Batch:
    """A batch with other vectors, in its own precision and place."""
    old = batch.past
    return replace(
        batch,
        positions=torch.from_numpy(positions).to(batch.positions),
        velocities=torch.from_numpy(velocities).to(batch.velocities),
        past=None if past is None or old is None else torch.from_numpy(past).to(old),
    )


def _elements(header: Header) -> tuple[str, ...]:
    """Element of every type; empty where types do not tell."""
    labels = header.preset.data.types
    at = labels.index("element") if "element" in labels else 0
    words = tuple(name.split(" ")[min(at, name.count(" "))] for name in header.type_names)
    return words if all(map(is_element, words)) else ()


def _check_finite(batch: Batch) -> None:
    for name, value in (("pos", batch.positions), ("vel", batch.velocities), ("past", batch.past)):
        if value is not None and not bool(value.isfinite().all()):
            particle = int(torch.nonzero(~value.isfinite())[0, -2])
            raise RequestError(
                f"Data.{name} is NaN or infinite, first at particle {particle}",
                "predict from whole frames",
            )


def _at_rest(batch: Batch, drift: Floats, at: Floats) -> Batch:
    """Systems at the origin where they were far from it, without the drift of the whole.

    They are in single precision, as models are.
    """

    def less(values: Tensor, by: Floats) -> Tensor:
        return (values.double() - torch.from_numpy(by).to(values.device)).float()

    past = batch.past
    if past is not None:
        back = torch.arange(1, len(past) + 1, dtype=torch.float64)[:, None, None]
        past = (past.double().cpu() + back * torch.from_numpy(drift)).float().to(past.device)
    return replace(
        batch,
        positions=less(batch.positions, at),
        velocities=less(batch.velocities, drift),
        past=past,
    )
