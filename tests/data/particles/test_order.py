"""Frames of a molecule in the order of their motion, in others, and in none that can be known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.particles.order import wrong_order

Frames = NDArray[np.float64]
Reorder = Callable[[Frames], Frames]


def diffusing(frames: int, particles: int, seed: int = 1) -> Frames:
    """A chain whose particles diffuse about their places, as proteins do over picoseconds."""
    random = np.random.default_rng(seed)
    rest = random.normal(size=(particles, 3)).cumsum(axis=0)
    x, moved = np.zeros((particles, 3)), []
    for _ in range(frames):
        x = 0.98 * x + random.normal(scale=0.2, size=x.shape)
        moved.append(rest + x)
    return np.array(moved)


def swinging(frames: int, particles: int, seed: int = 1) -> Frames:
    """The same in normal modes of several periods, smooth from frame to frame."""
    random = np.random.default_rng(seed)
    rest = random.normal(size=(particles, 3)).cumsum(axis=0)
    modes = random.normal(size=(8, particles, 3)) / 4
    phase = np.arange(frames)[:, None] * np.linspace(0.05, 0.31, 8) + random.uniform(0, 6, 8)
    return np.asarray(rest + np.einsum("fk,kni->fni", np.sin(phase), modes))


def shuffled(x: Frames) -> Frames:
    return x[np.random.default_rng(0).permutation(len(x))]


def blocks_changed(x: Frames) -> Frames:
    a, b, c, d = np.array_split(x, 4)
    return np.concatenate([c, a, d, b])


def a_piece_reversed(x: Frames) -> Frames:
    a, b, c, d = np.array_split(x, 4)
    return np.concatenate([a, np.concatenate([b, c])[::-1], d])


@pytest.mark.parametrize("motion", [diffusing, swinging])
@pytest.mark.parametrize("particles", [5, 40])
@pytest.mark.parametrize("frames", [20, 64, 300])
def test_frames_in_order_are_not_called_wrong(
    motion: Callable[..., Frames], particles: int, frames: int
) -> None:
    assert wrong_order(motion(frames, particles)) == ""


@pytest.mark.parametrize("motion", [diffusing, swinging])
@pytest.mark.parametrize("frames", [24, 64, 300])
def test_random_order_is_told(motion: Callable[..., Frames], frames: int) -> None:
    assert "random order" in wrong_order(shuffled(motion(frames, 40)))


@pytest.mark.parametrize("reorder", [blocks_changed, a_piece_reversed])
@pytest.mark.parametrize("motion", [diffusing, swinging])
def test_blocks_out_of_order_are_told_with_the_place(
    motion: Callable[..., Frames], reorder: Reorder
) -> None:
    said = wrong_order(reorder(motion(200, 40)), range(1000, 1200))
    assert "does not follow" in said
    first = int(said.split()[1])
    assert first in (1050, 1100, 1150)


def test_the_order_of_samples_cannot_be_known() -> None:
    random = np.random.default_rng(2)
    for particles in (3, 5, 9, 30):
        rest = random.normal(size=(particles, 3)) * 2
        for frames in (16, 40, 100):
            x = rest + random.normal(scale=0.1, size=(frames, particles, 3))
            assert wrong_order(x) == ""


def test_a_molecule_of_two_shapes_that_comes_back_is_in_order() -> None:
    random = np.random.default_rng(3)
    shapes = random.normal(size=(2, 9, 3))
    state = np.repeat([0, 1, 0, 1, 1, 0, 1, 0], 12)
    x = shapes[state] + random.normal(scale=0.05, size=(len(state), 9, 3))
    assert wrong_order(x) == ""


def test_frames_that_are_all_the_same_have_any_order() -> None:
    x = np.tile(np.random.default_rng(4).normal(size=(1, 9, 3)), (50, 1, 1))
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    assert wrong_order(x) == ""
    assert wrong_order(np.concatenate([x, x @ turn])) == ""


def test_real_molecules_are_in_order_and_their_samples_are_not(shared: Path) -> None:
    for name in ("aspirin", "ethanol"):
        with np.load(shared / "data" / "md17" / "sgdml" / f"md17_{name}.npz") as held:
            every = held["R"][::20][:1000]  # 10 fs
        for k in range(0, 1000, 100):
            assert wrong_order(every[k : k + 100]) == ""
        assert "random order" in wrong_order(shuffled(every[:200]))
        assert "does not follow" in wrong_order(a_piece_reversed(every[:200]))
