"""Bonds of predictions are brought to lengths that thermal motion gives them, by small moves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.particles import lengths
from painet_cli.data.particles.lengths import THERMAL, bond_lengths, with_bonds_held
from painet_cli.data.particles.particles import Particles

RING = np.array([[np.cos(a), np.sin(a), 0.0] for a in np.arange(6) * np.pi / 3]) * 1.4
ENDS = np.array([(k, (k + 1) % 6) for k in range(6)] + [(0, 6)])
START = np.concatenate([RING, [[2.5, 0.0, 0.0]]])  # a ring, and a hydrogen at its first atom


def particles(*, bonded: bool = True) -> Particles:
    return Particles(
        names=("C",) * 6 + ("H",),
        types=(0,) * 6 + (1,),
        type_names=("C", "H"),
        bonds=tuple((int(i), int(j)) for i, j in ENDS) if bonded else (),
    )


def shares(x: NDArray[np.floating]) -> NDArray[np.floating]:
    held: NDArray[np.floating] = bond_lengths(x, ENDS) / bond_lengths(START, ENDS)
    return held


def moved_hydrogen(*to: float) -> NDArray[np.floating]:
    x = START.copy()
    x[6] = to
    return x


def test_a_bond_that_has_shrunk_is_brought_back_along_its_own_line() -> None:
    steps = np.stack([START, moved_hydrogen(1.4, 0.2, 0.0)])[None]
    held = with_bonds_held(steps, START[None], particles())
    assert shares(held[0, 1])[6] == pytest.approx(THERMAL[0], abs=2e-3)
    apart = held[0, 1, 6] - held[0, 1, 0]
    assert apart / np.linalg.norm(apart) == pytest.approx([0.0, 1.0, 0.0], abs=0.1)
    assert np.array_equal(held[0, 0], START)
    assert np.array_equal(steps[0, 1], moved_hydrogen(1.4, 0.2, 0.0))  # what was given stays


def test_a_bond_that_is_too_long_comes_back_and_both_ends_alike() -> None:
    held = with_bonds_held(moved_hydrogen(4.0, 0.0, 0.0)[None, None], START[None], particles())
    assert shares(held[0, 0]).max() == pytest.approx(THERMAL[1], abs=2e-3)
    assert held[0, 0].mean(axis=0) == pytest.approx(moved_hydrogen(4.0, 0.0, 0.0).mean(axis=0))


def test_rings_that_have_shrunk_are_as_wide_as_bonds_must_be() -> None:
    held = with_bonds_held(0.3 * START[None, None], START[None], particles())
    assert shares(held).min() >= THERMAL[0] - 2e-3
    assert shares(held).max() <= THERMAL[1] + 2e-3


def test_what_thermal_motion_does_keeps_its_bits() -> None:
    x = (START + 0.05 * np.random.default_rng(0).normal(size=(4, 3, 7, 3))).astype(np.float32)
    starts = np.repeat(START[None], 4, axis=0)
    assert with_bonds_held(x, starts, particles()) is x
    x[2, 1, 6] = x[2, 1, 0] + [0.1, 0.0, 0.0]
    held = with_bonds_held(x, starts, particles())
    assert held.dtype == x.dtype
    others = np.ones((4, 3), dtype=bool)
    others[2, 1] = False
    assert np.array_equal(held[others], x[others])
    assert shares(held[2, 1]).min() == pytest.approx(THERMAL[0], abs=2e-3)


def test_particles_without_bonds_and_bonds_without_a_length_stay_as_they_are() -> None:
    x = moved_hydrogen(1.4, 0.1, 0.0)[None, None]
    assert with_bonds_held(x, START[None], particles(bonded=False)) is x
    at_one_place = np.repeat(START[:1], 7, axis=0)
    held = with_bonds_held(x, at_one_place[None], particles())
    assert np.isfinite(held).all()


def test_no_time_is_spent_on_ends_at_one_place_which_have_no_direction_to_part_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[int] = []

    def counted(x: NDArray[np.floating], ends: NDArray[np.int64]) -> NDArray[np.float64]:
        measured.append(len(ends))
        return bond_lengths(x, ends)

    monkeypatch.setattr(lengths, "bond_lengths", counted)
    fallen = np.zeros((1, 1, 7, 3))
    assert np.array_equal(with_bonds_held(fallen, START[None], particles()), fallen)
    assert len(measured) == 3
