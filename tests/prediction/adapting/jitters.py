"""Recordings of particles that are kicked about, and what is learned from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles
from painet_cli.prediction.adapting.adapt import Adapted, adapt
from painet_cli.prediction.inputs.recording import Input

OFFSETS = np.array([1, 2, 4])


def recorded(frames: NDArray[np.floating]) -> Input:
    count = frames.shape[1]
    particles = Particles(
        names=("C",) * count,
        types=(0,) * count,
        type_names=("C",),
        bonds=tuple((k, k + 1) for k in range(count - 1)),
    )
    return Input(
        name="made",
        kind="molecule",
        path=None,
        particles=particles,
        frames=frames.astype(np.float32),
        frame_time_s=1e-15,
        length_unit="reduced",  # in which bonds may be of any length
    )


def jitter(count: int = 300, particles: int = 5, seed: int = 0) -> NDArray[np.float64]:
    """Particles that are pulled to their places while they are kicked."""
    rng = np.random.default_rng(seed)
    places = 3.0 * rng.normal(size=(particles, 3))
    x = np.zeros((count, particles, 3))
    for k in range(1, count):
        x[k] = 0.8 * x[k - 1] + 0.1 * rng.normal(size=(particles, 3))
    return places + x


def adapted(frames: NDArray[np.floating]) -> Adapted:
    found = adapt(recorded(frames), len(frames) - 1, OFFSETS, None, "")
    assert isinstance(found, Adapted), found
    return found
