"""Distributions: which torsions there are, what is alike, what is kept, and which feet slide."""

from __future__ import annotations

import io

import numpy as np
import pytest
from butane import BUTANE, butane, compared, particles
from rich.console import Console
from standing import SKELETON, standing

from painet_cli.data.particles.particles import Particles
from painet_cli.evaluation.distributions.compare import compare
from painet_cli.evaluation.distributions.frames import FrameSet
from painet_cli.evaluation.distributions.torsions import (
    angle_distance,
    angles,
    torsions_of,
)
from painet_cli.report.tables.distribution import distribution_tables

PEPTIDE = ("N", "CA", "C", "O", "CB", "CG")


def _peptide(residues: int) -> Particles:
    count = len(PEPTIDE)
    inside = ((0, 1), (1, 2), (2, 3), (1, 4), (4, 5))
    bonds = [(count * r + i, count * r + j) for r in range(residues) for i, j in inside]
    bonds += [(count * r + 2, count * (r + 1)) for r in range(residues - 1)]
    return particles(
        PEPTIDE * residues,
        tuple(bonds),
        residues=("LEU",) * count * residues,
        residue_ids=tuple(r + 1 for r in range(residues) for _ in range(count)),
    )


def test_a_peptide_has_phi_psi_and_chi() -> None:
    found = torsions_of(_peptide(3))
    assert {kind: len(rows) for kind, rows in found.items()} == {"phi": 2, "psi": 2, "chi1": 3}
    assert found["phi"][0].tolist() == [2, 6, 7, 8]  # C of the residue before, N, CA, C


def test_alpha_carbons_alone_have_torsions_within_a_chain() -> None:
    carbons = particles(
        ("CA",) * 9,
        (),
        residues=("GLY",) * 9,
        residue_ids=(1, 2, 3, 4, 5, 1, 2, 3, 4),
        chains=("A",) * 5 + ("B",) * 4,
    )
    assert torsions_of(carbons)["CA"].tolist() == [[0, 1, 2, 3], [1, 2, 3, 4], [5, 6, 7, 8]]


def test_rotatable_bonds_are_in_no_ring_and_have_neighbours() -> None:
    ring = tuple((k, (k + 1) % 6) for k in range(6))
    toluene = particles(("C",) * 8, (*ring, (0, 6), (6, 7)))
    assert torsions_of(toluene)["rotatable"][:, 1:3].tolist() == [[0, 6]]
    assert torsions_of(particles(("C",) * 6, ring)) == {}


def test_angles_are_those_that_were_made_far_from_the_origin_too() -> None:
    made = np.array([-170.0, -60.0, 0.1, 60.0, 179.0])
    (rows,) = torsions_of(BUTANE).values()
    np.testing.assert_allclose(angles(butane(made) + 5e4, rows)[:, 0], made, atol=1e-3)


def test_the_distance_of_angles_is_nought_of_the_same_and_one_of_others() -> None:
    left, right = np.full((50, 2), -65.0), np.full((40, 2), 65.0)
    assert angle_distance(left, left[:20]) == 0.0
    assert angle_distance(left, right) == 1.0
    half = np.concatenate([left[:20], right[:20]])
    assert angle_distance(left, half) == pytest.approx(0.558, abs=0.001)  # by hand


def test_a_prediction_that_knows_one_state_of_two_is_told_from_one_that_knows_both() -> None:
    rng = np.random.default_rng(0)
    truth, same = (
        butane(rng.choice([-65.0, 65.0, 175.0], 400) + rng.normal(size=400)) for _ in range(2)
    )
    one = butane(65.0 + rng.normal(size=400))
    alike, other = (compared(guess, truth).rows[0].figures["JS rotatable"] for guess in (same, one))
    half = compared(same, truth).rows[1]
    assert half.name == "second half"
    assert alike is not None
    assert other is not None
    assert alike < 0.15 < 0.5 < other


def test_frames_with_a_broken_bond_a_clash_or_no_numbers_are_not_kept() -> None:
    truth = butane(np.full(6, 178.0))
    predicted = truth.copy()
    predicted[0, 3, 0] += 1.0  # the last bond is too long
    predicted[1, 3] = predicted[1, 0] + 0.5  # the ends lie on each other
    predicted[2] = np.nan
    row = compared(predicted, truth).rows[0]
    assert (row.frames, row.kept) == (6, 3)
    assert compared(truth, truth).rows[0].kept == 6


@pytest.mark.parametrize(
    ("speed", "height", "skating"),
    [(0.5, 0.0, 0.5), (0.5, 0.015, 0.5 * (2 - 2**0.5)), (0.5, 0.1, 0.0), (0.0, 0.0, 0.0)],
)
def test_feet_slide_where_they_move_near_the_ground(
    speed: float, height: float, skating: float
) -> None:
    real, made = standing(0.0, 0.0), standing(speed, height)
    found = compare(
        made[:, 1],
        [("prediction", made[:, 2:])],
        FrameSet(real[:, 1], real[:, 2:], 0.1 * np.arange(1, 20)),
        "what happened",
        SKELETON,
        length_unit="m",
        up_axis="y",
        times_s=0.1 * np.arange(1, 20),
    )
    assert found.kind == "motion"
    assert found.rows[0].figures["skating"] == pytest.approx(skating, abs=1e-6)


@pytest.mark.parametrize("starts", [1, 2])
def test_a_second_half_slides_by_its_own_times(starts: int) -> None:
    real = np.repeat(standing(0.5, 0.0), starts, axis=0)
    times = 0.1 * np.array([10, 11, 12, 14, 17])
    frames, apart = real[:, [10, 11, 12, 14, 17]], np.linspace(1.0, 3.0, starts)[:, None]
    found = compare(
        real[:, 0],
        [("prediction", frames)],
        FrameSet(real[:, 0], frames, apart * times),
        "what happened",
        SKELETON,
        length_unit="m",
        up_axis="y",
        times_s=apart * times,
    )
    rows = {row.name: row.figures["skating"] for row in found.rows}
    assert rows["prediction"] == rows["what happened"] == pytest.approx((0.5 / apart).mean())
    assert rows["second half"] == pytest.approx(0.5 / apart[-1, 0])


def test_bones_are_held_against_the_start() -> None:
    real = standing(0.0, 0.0)
    longer = real.copy()
    longer[:, 2:, 1, 1] = 2.2  # the neck, by a fifth, from the second frame on
    found = compare(
        real[:, 0],
        [("prediction", longer[:, 1:])],
        FrameSet(real[:, 0], real[:, 1:], 0.1 * np.arange(1, 21)),
        "what happened",
        SKELETON,
        length_unit="m",
        up_axis="y",
        times_s=0.1 * np.arange(1, 21),
    )
    row = found.rows[0]
    assert (row.kept, row.frames) == (1, 20)
    assert row.by_step[0] == 0.0
    assert row.by_step[1] == pytest.approx(100 * 0.2 / 3)
    assert row.figures["largest %"] == pytest.approx(20.0)


def test_a_single_real_frame_has_no_halves() -> None:
    real = standing(0.0, 0.0)
    found = compare(
        real[:, 0],
        [("prediction", real[:, 1:2])],
        FrameSet(real[:, 0], real[:, 1:2], np.array([0.1])),
        "what happened",
        SKELETON,
        length_unit="m",
        up_axis="y",
        times_s=np.array([0.1]),
    )
    assert [row.name for row in found.rows] == ["prediction", "what happened"]
    assert found.notes[-1] == "Held against what happened, a single frame."


def test_the_table_fits_and_says_what_iscompared() -> None:
    truth = butane(np.linspace(-180, 180, 40))
    console = Console(file=io.StringIO(), width=80, no_color=True)
    with console.capture() as shown:
        console.print(*distribution_tables(compared(truth, truth)), sep="\n")
    text = shown.get()
    assert max(map(len, text.splitlines())) <= 80
    assert "40 of 40" in text
    assert "second half" in text
    assert "torsions: 1 rotatable" in text
