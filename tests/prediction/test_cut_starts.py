"""Starts with a bond that is too long: what is said of why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.starting.start_checks import check_starts

CHAIN = np.array([[0.0, 0, 0], [1.8, 0, 0], [3.6, 0, 0], [5.4, 0, 0]])


def refusal(frames: NDArray[np.float64], bonds: tuple[tuple[int, int], ...]) -> str:
    particles = Particles(
        names=("C",) * 4, types=(0,) * 4, type_names=("C",), bonds=bonds, elements=("C",) * 4
    )
    system = Input(
        name="chain",
        kind="molecule",
        path=Path("chain.lammpstrj"),
        particles=particles,
        frames=frames.astype(np.float32),
        frame_time_s=1e-15,
        length_unit="angstrom",
        boxes=np.stack([np.diag([7.2, 20.0, 20.0])] * len(frames)),
    )
    with pytest.raises(RequestError) as caught:
        check_starts(system, np.array([len(frames) - 1]))
    return caught.value.hint


def test_a_chain_without_end_is_bonded_to_its_own_image() -> None:
    ring = ((0, 1), (0, 3), (1, 2), (2, 3))
    assert "own periodic image" in refusal(CHAIN[None], ring)


def test_atoms_that_changed_places_are_not_taken_for_a_crystal() -> None:
    moved = CHAIN.copy()
    moved[2, 1] = 7.0
    said = refusal(moved[None], ((0, 1), (1, 2), (2, 3)))
    assert "another order" in said
    assert "image" not in said
