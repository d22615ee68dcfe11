"""Small forecasts that tests of pages and pictures are made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.particles import Particles
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.inputs.recording import Input

WATER = Particles(
    names=("O", "H1", "H2"), types=(0, 1, 1), type_names=("O", "H"), bonds=((0, 1), (0, 2))
)


def chain(count: int) -> Particles:
    """Particles of one type on a string."""
    return Particles(
        names=tuple(f"a{k}" for k in range(count)),
        types=(0,) * count,
        type_names=("bead",),
        bonds=tuple((k, k + 1) for k in range(count - 1)),
    )


def forecast(
    particles: Particles = WATER,
    *,
    starts: int = 1,
    steps: int = 5,
    up_axis: Axis | None = None,
    frame_time_s: float | None = 1e-14,
    seed: int = 0,
) -> Forecast:
    """A forecast whose errors are a tenth of the motion."""
    rng = np.random.default_rng(seed)
    count = len(particles.names)
    shape = np.cumsum(rng.normal(size=(count, 3)), axis=0)
    motion = 0.1 * rng.normal(size=(starts + steps, count, 3)).cumsum(axis=0)
    frames = (shape + motion).astype(np.float32)
    at = np.arange(starts)
    truth = frames[at[:, None] + np.arange(1, steps + 1)]
    noise = 0.01 * rng.normal(size=truth.shape).astype(np.float32)
    unit = 1e-14 if frame_time_s is None else frame_time_s
    return Forecast(
        system=Input("made", "arrays", None, particles, frames, frame_time_s, "angstrom", up_axis),
        starts=at,
        positions=truth + noise,
        times_s=unit * np.arange(1, steps + 1),
        velocities=np.zeros((starts, count, 3), dtype=np.float32),
        straight=np.repeat(frames[at][:, None], steps, axis=1) + np.float32(0.3),
        truth=truth,
    )


def unknown(known: Forecast) -> Forecast:
    """The same forecast before anyone knows what came next."""
    return replace(known, truth=None)
