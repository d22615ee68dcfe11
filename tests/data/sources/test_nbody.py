"""The simulated benchmark obeys its physics and its protocol."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.splits import leak_fraction
from painet_cli.data.sources import nbody
from painet_cli.data.sources.nbody import initial_state, prepare_nbody, simulate
from painet_cli.data.sources.registry import Destination
from painet_cli.errors import RequestError


def few() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    return initial_state(40, 5, np.random.default_rng(0))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nbody, "SIMULATIONS", {"train": 6, "val": 4, "test": 5})
    monkeypatch.setattr(nbody, "FIRST_STEP", 20)


def prepare(folder: Path, *, seed: int = 1, delta_frames: int = 3) -> Dataset:
    to = Destination(folder, command="painet 0")
    return prepare_nbody(to, seed=seed, delta_frames=delta_frames)


def energies(
    charges: NDArray[np.float64], path: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Total energy at all but the first and last frames, and the closest two particles came."""
    velocities = (path[:, 2:] - path[:, :-2]) / (2 * nbody.STEP)
    first, second = np.triu_indices(5, k=1)
    apart = np.linalg.norm(path[:, 1:-1, first] - path[:, 1:-1, second], axis=-1)
    potential = ((charges[:, first] * charges[:, second])[:, None] / apart).sum(-1)
    return 0.5 * np.square(velocities).sum((-1, -2)) + potential, apart.min((1, 2))


def test_energy_and_momentum_are_conserved_where_no_force_is_clipped() -> None:
    charges, positions, velocities = few()
    path = simulate(charges, positions, velocities, 1500, first_step=1, steps_a_frame=1)
    energy, closest = energies(charges, path)
    apart = closest > 0.3
    assert apart.sum() >= 5
    drift = np.abs(energy[apart] - energy[apart, :1]).max()
    assert drift < 0.02
    np.testing.assert_allclose(
        (path[:, -1] - path[:, -2]).sum(1)[apart] / nbody.STEP,
        velocities.sum(1)[apart],
        atol=1e-9,
    )


def test_equal_charges_repel_and_opposite_ones_attract() -> None:
    positions = np.array([[[0.0, 0, 0], [1, 0, 0]]] * 2)
    charges = np.array([[1.0, 1], [1, -1]])
    path = simulate(charges, positions, np.zeros((2, 2, 3)), 2, first_step=1, steps_a_frame=1)
    pushed = path[:, 0, 1, 0] - 1
    np.testing.assert_allclose(pushed, [nbody.STEP**2, -(nbody.STEP**2)], rtol=1e-9)


def test_forces_are_clipped() -> None:
    positions = np.array([[[0.0, 0, 0], [1e-3, 0, 0]]])
    path = simulate(np.ones((1, 2)), positions, np.zeros((1, 2, 3)), 1, first_step=1)
    assert path[0, 0, 1, 0] - 1e-3 == pytest.approx(nbody.STEP**2 * nbody.LARGEST_FORCE)


def test_systems_are_simulated_apart_from_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    charges, positions, velocities = few()
    together = simulate(charges, positions, velocities, 3, first_step=10)
    monkeypatch.setattr(nbody, "_BLOCK_PAIRS", 70)  # seven systems at a time
    np.testing.assert_allclose(
        simulate(charges, positions, velocities, 3, first_step=10), together, rtol=1e-12
    )


def test_initial_states_are_as_published() -> None:
    charges, positions, velocities = initial_state(20_000, 5, np.random.default_rng(0))
    assert set(np.unique(charges)) == {-1.0, 1.0}
    assert charges.mean() == pytest.approx(0, abs=0.02)
    assert positions.std() == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(np.linalg.norm(velocities, axis=-1), 0.5)
    wider = initial_state(20_000, 40, np.random.default_rng(0))[1]
    assert wider.std() == pytest.approx(2, abs=0.01)


@pytest.mark.usefixtures("small")
def test_every_simulation_is_a_segment_with_one_window_and_its_own_charges(tmp_path: Path) -> None:
    manifest = prepare(tmp_path).manifest
    assert manifest.name == "nbody"
    assert len(manifest.segments) == 15
    assert {segment.length for segment in manifest.segments} == {4}
    assert manifest.split.train == tuple(range(0, 24, 4))
    assert manifest.split.test == tuple(range(40, 60, 4))
    assert leak_fraction(manifest.split) == 0
    assert len(manifest.particles.bonds) == 10
    assert manifest.particles.type_names == ("negative", "positive")
    charges = initial_state(6, 5, np.random.default_rng((1, 0)))[0]
    listed = [segment.types for segment in manifest.segments[:6]]
    assert listed == [tuple(int(q > 0) for q in system) for system in charges]


@pytest.mark.usefixtures("small")
def test_the_seed_decides(tmp_path: Path) -> None:
    one = prepare(tmp_path / "one")
    assert prepare(tmp_path / "same").sha256 == one.sha256
    assert prepare(tmp_path / "other", seed=2).sha256 != one.sha256
    assert np.array_equal(
        prepare(tmp_path / "longer", delta_frames=5).frames.reshape(15, 6, 5, 3)[:, :4],
        one.frames.reshape(15, 4, 5, 3),
    )
    with pytest.raises(RequestError, match="exists already"):
        prepare(tmp_path / "one")


def test_progress_reaches_its_end() -> None:
    charges, positions, velocities = few()
    told: list[tuple[int, int]] = []
    frames = simulate(
        charges, positions, velocities, 2, lambda *now: told.append(now), first_step=190
    )
    assert frames.shape == (40, 2, 5, 3)
    assert told == [(100, 200), (200, 200)]


@pytest.mark.slow
def test_straight_lines_miss_by_what_the_benchmark_says(tmp_path: Path) -> None:
    """Linear dynamics, x + t v with a fitted t: 0.0819 in Satorras et al. (2021), Table 1."""
    dataset = prepare_nbody(Destination(tmp_path, command="painet 0"))
    frames = dataset.frames.reshape(7000, 101, 5, 3)[5000:].astype(np.float64)
    v, moved = frames[:, 1] - frames[:, 0], frames[:, 100] - frames[:, 0]
    t = (v * moved).sum() / (v * v).sum()
    assert np.square(moved - t * v).mean() == pytest.approx(0.0819, rel=0.1)
