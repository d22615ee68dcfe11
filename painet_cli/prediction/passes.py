"""Passes of a model from chosen starts, those of several systems of one kind side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from painet_cli.data.batches.offsets import target_offsets
from painet_cli.data.units import time_text
from painet_cli.models.memory import fit_memory
from painet_cli.prediction.loading import LoadedModel
from painet_cli.prediction.rollout import rollout
from painet_cli.prediction.starting.states import States
from painet_cli.training.device import drawing_by, flushed_denormals, free_memory
from painet_cli.training.threads import computing_with, threads_for

BATCH_PARTICLES = 4096
"""Particles side by side in a batch: enough to keep a processor busy, few enough for its cache."""
_MANY_PASSES = 20

Notice = Callable[[str], None]


def starts_at_once(particles: int) -> int:
    """Starts of a system of so many particles that share a batch."""
    return max(1, BATCH_PARTICLES // particles)


def predict_together(
    loaded: LoadedModel,
    systems: Sequence[States],
    steps: int,
    *,
    notice: Notice,
    memory_budget: int | None,
) -> list[NDArray[np.floating]]:  # (S, steps, N, 3) each
    """Predict from the starts of systems of one graph, in common batches.

    As many starts share a batch as `BATCH_PARTICLES` allow; nothing predicted depends on who else
    is in it. On a processor as many threads compute as the rows of the particles are worth: edges
    go through in stretches that are worth one.

    Parameters
    ----------
    notice
        Told what a long prediction will cost, and how it is made to fit the memory.
    memory_budget
        Bytes that a pass is to fit in; None for what is free.
    """
    pasts = [one.past for one in systems if one.past is not None]
    states = replace(
        systems[0],
        positions=np.concatenate([one.positions for one in systems]),
        velocities=np.concatenate([one.velocities for one in systems]),
        past=np.concatenate(pasts) if pasts else None,
    )
    size = starts_at_once(states.positions.shape[1])
    largest = states.batch(slice(0, size))
    free = memory_budget or free_memory(loaded.device)
    plan = fit_memory(loaded.model, largest, free, training=False)
    if plan.activations != "keep":
        notice(f"memory: {plan.words}")
    width = getattr(loaded.header.preset.model, "hidden", 1)
    seed = loaded.header.preset.train.seed
    with (
        computing_with(threads_for(largest.positions.shape[0] * width)),
        drawing_by(seed, loaded.device),
    ):
        predicted = _predict(loaded, states, steps, size, notice)
    return np.split(predicted, np.cumsum([len(one.positions) for one in systems])[:-1])


def _predict(
    loaded: LoadedModel, states: States, steps: int, size: int, notice: Notice
) -> NDArray[np.floating]:  # (S, steps, N, 3)
    starts, n, _ = states.positions.shape
    trained = target_offsets(loaded.header.preset.data)
    predicted = np.empty((starts, steps, n, 3), dtype=np.float32)
    passes = -(-steps // len(trained)) * -(-starts // size)
    told = passes <= _MANY_PASSES
    with torch.inference_mode(), flushed_denormals():
        for first in range(0, starts, size):
            part = slice(first, min(first + size, starts))
            batch = states.batch(part)
            if not told:
                started = time.perf_counter()
                loaded.model(batch)
                cost = passes * (time.perf_counter() - started)
                notice(
                    f"{passes:,} passes of the model, about {time_text(float(f'{cost:.2g}'))}, and "
                    f"{predicted.nbytes / 2**20:,.0f} MiB"
                )
                told = True
            hold = states.bones_held(part)
            ahead = rollout(loaded.model, batch, steps, trained, hold).cpu()
            predicted[part] = ahead.reshape(steps, -1, n, 3).transpose(0, 1).numpy()
    return predicted
