"""Charged particles that attract and repel one another, simulated here: a benchmark to make.

The benchmark of the EGNN line: F. Fuchs et al., SE(3)-transformers (NeurIPS 2020), with the
protocol of V. G. Satorras et al., E(n) equivariant graph neural networks (ICML 2021), section 5.1,
and the settings of its code. Five particles in empty space, charges +1 or -1 with equal odds,
positions normal, velocities of length 0.5, Coulomb forces of strength 1 clipped to 100 a component,
steps of 0.001 in which the force changes the velocity and the new velocity moves the particle.
There a simulation is recorded every 100 steps from step 100 on, and record 40 (step 4,100) is
predicted from record 30 (step 3,100).

A velocity here is the forward difference of frames, so a simulation is recorded every 10 steps
between the two: 101 frames, a window of 100. That difference and the velocity of the published
records, the difference over the step before, are 0.16 % apart in the median and 1.0 % in the mean,
which close encounters dominate.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import (
    SPLITS,
    Manifest,
    Origin,
    Segment,
    Split,
    SplitName,
    Units,
)
from painet_cli.data.particles.particles import Particles
from painet_cli.data.sources.options import DeltaFrames
from painet_cli.data.sources.registry import DataSource, Destination, Source
from painet_cli.storage.progress import OnCount

SIMULATIONS: dict[SplitName, int] = {"train": 3000, "val": 2000, "test": 2000}
PARTICLES = 5
DELTA_FRAMES = 100
STEP = 1e-3
FIRST_STEP = 3100
STEPS_A_FRAME = 10
SPEED = 0.5
LARGEST_FORCE = 0.1 / STEP
TYPE_NAMES = ("negative", "positive")
_BLOCK_PAIRS = 20_000
"""Pairs of particles simulated side by side: as many as fit into a processor's cache."""


def prepare_nbody(
    to: Destination,
    *,
    particles: Annotated[int, "Particles of a system.", Field(ge=2, le=100)] = PARTICLES,
    seed: Annotated[int, "Of the simulations.", Field(ge=0)] = 1,
    delta_frames: DeltaFrames = None,
) -> Dataset:
    """Simulate 3,000 systems for training, 2,000 for validation, 2,000 for test; write a dataset.

    Parameters
    ----------
    to
        Where the dataset goes.
    particles
        Particles of a system; the published benchmark has 5.
    seed
        Of the simulations; each part draws for itself.
    delta_frames
        Frames from a window's start to its last target, 0.01 units of time each; 100 by default.

    Raises
    ------
    RequestError
        The folder exists and `to.force` is false, or cannot be written.
    """
    folder = to.folder("nbody")
    length = (delta_frames or DELTA_FRAMES) + 1
    charges, positions, velocities = (
        np.concatenate(of_parts)
        for of_parts in zip(
            *(
                initial_state(SIMULATIONS[part], particles, np.random.default_rng((seed, k)))
                for k, part in enumerate(SPLITS)
            ),
            strict=True,
        )
    )
    frames = simulate(charges, positions, velocities, length, to.progress)
    types = [tuple(int(charge > 0) for charge in system) for system in charges]
    segments = tuple(
        Segment(name=f"simulation {k}", start=k * length, length=length, types=own)
        for k, own in enumerate(types)
    )
    manifest = Manifest(
        name=folder.name,
        origin=Origin(
            source="simulated by painet after Satorras et al. (2021), section 5.1",
            licence="yours; nothing is downloaded",
            citation="V. G. Satorras, E. Hoogeboom, M. Welling, E(n) equivariant graph neural "
            "networks, ICML (2021)",
            prepared_by=to.command,
            label="" if particles == PARTICLES else f"{particles} particles",
            notes=f"Dimensionless: 1 unit of length and of time stand as metre and second. "
            f"Seed {seed}; parts are separate simulations.",
        ),
        units=Units(length="unit", length_in_metres=1.0, frame_time_s=STEPS_A_FRAME * STEP),
        particles=Particles(
            names=tuple(f"particle {k + 1}" for k in range(particles)),
            types=types[0],
            type_names=TYPE_NAMES,
            bonds=tuple((i, j) for i in range(particles) for j in range(i + 1, particles)),
        ),
        segments=segments,
        split=_split(length),
    )
    flat = frames.reshape(-1, particles, 3).astype(np.float32)
    return write_dataset(folder, flat, manifest, force=to.force)


def _split(length: int) -> Split:
    """One window a simulation, the whole of it."""
    counts = [SIMULATIONS[part] for part in SPLITS]
    starts = np.split(np.arange(sum(counts)) * length, np.cumsum(counts)[:-1])
    own = {part: tuple(one.tolist()) for part, one in zip(SPLITS, starts, strict=True)}
    return Split(kind="blocks", delta_frames=length - 1, **own)


def initial_state(
    simulations: int, particles: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Draw charges (S, N), positions (S, N, 3) and velocities (S, N, 3)."""
    shape = (simulations, particles, 3)
    charges = rng.choice([-1.0, 1.0], size=shape[:2])
    # more particles fill a larger space, of the same density
    positions = rng.normal(scale=np.cbrt(particles / PARTICLES), size=shape)
    velocities = rng.normal(size=shape)
    velocities *= SPEED / np.linalg.norm(velocities, axis=-1, keepdims=True)
    return charges, positions, velocities


def simulate(
    charges: NDArray[np.float64],  # (S, N)
    positions: NDArray[np.float64],  # (S, N, 3)
    velocities: NDArray[np.float64],  # (S, N, 3)
    frames: int,
    progress: OnCount | None = None,
    *,
    first_step: int = FIRST_STEP,
    steps_a_frame: int = STEPS_A_FRAME,
) -> NDArray[np.float64]:
    """Positions of all systems at `frames` times from `first_step` on, (S, frames, N, 3)."""
    systems, particles = charges.shape
    first, second = np.triu_indices(particles, k=1)
    ends = np.zeros((particles, len(first)))
    ends[first, np.arange(len(first))] = 1.0
    ends[second, np.arange(len(first))] = -1.0
    side_by_side = max(1, _BLOCK_PAIRS // max(1, len(first)))
    recorded = np.empty((systems, frames, particles, 3))
    last_step = first_step + (frames - 1) * steps_a_frame
    blocks = range(0, systems, side_by_side)
    for done, begin in enumerate(blocks):
        block = slice(begin, begin + side_by_side)
        # the systems are the last axis, so that every operation runs along them
        q = charges[block].T
        x = np.ascontiguousarray(positions[block].transpose(2, 1, 0))
        v = np.ascontiguousarray(velocities[block].transpose(2, 1, 0))
        strength = q[first] * q[second]
        for step in range(1, last_step + 1):
            v += STEP * _forces(x, strength, ends)
            x += STEP * v
            frame, between = divmod(step - first_step, steps_a_frame)
            if frame >= 0 and not between:
                recorded[block, frame] = x.transpose(2, 1, 0)
            if progress is not None and step % 100 == 0:
                progress(done * last_step + step, len(blocks) * last_step)
    return recorded


def _forces(
    x: NDArray[np.float64],  # (3, N, S)
    strength: NDArray[np.float64],  # (P, S), product of the charges of each pair
    ends: NDArray[np.float64],  # (N, P), 1 and -1 at the two particles of each pair
) -> NDArray[np.float64]:
    """Coulomb forces, (3, N, S), each component clipped."""
    apart = ends.T @ x
    squared = np.einsum("dps,dps->ps", apart, apart)
    apart *= strength / (squared * np.sqrt(squared))
    forces = ends @ apart
    return np.clip(forces, -LARGEST_FORCE, LARGEST_FORCE, out=forces)


NBODY = DataSource(
    Source(
        name="nbody",
        title="Charged particles",
        about="five charged particles that attract and repel one another, simulated by the command "
        "itself",
        licence="yours; nothing is downloaded",
        citation="The benchmark of V. G. Satorras, E. Hoogeboom, M. Welling, E(n) equivariant "
        "graph neural networks, ICML (2021).",
        datasets={"nbody": "painet prepare nbody"},
    ),
    prepare_nbody,
)
