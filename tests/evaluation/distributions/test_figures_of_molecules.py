"""What is said of the size and the fluctuation of a molecule, held against sets made for it."""

from __future__ import annotations

import numpy as np
import pytest
from butane import BUTANE, butane, compared, particles
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles, backbone_pairs
from painet_cli.evaluation.distributions.torsions import torsions_of

FRAME = butane(np.array([178.0]))
FRAME -= FRAME.mean(axis=1, keepdims=True)
SIZE = float(np.sqrt(np.square(FRAME[0]).sum(axis=1).mean()))


def _scaled(*sizes: float) -> NDArray[np.float64]:
    """(F, 4, 3) the same frame, so many times as large."""
    return FRAME * np.array(sizes)[:, None, None]


def test_the_size_is_the_radius_of_gyration_its_mean_and_its_deviation() -> None:
    predicted, truth = _scaled(0.9, 1.1, 0.9, 1.1), _scaled(1, 1, 1, 1)
    figures = compared(predicted, truth).rows[0].figures
    assert figures["Rg"] == pytest.approx(SIZE, rel=1e-5)
    assert figures["Rg sd"] == pytest.approx(0.1 * SIZE, rel=1e-4)


def test_sizes_are_as_far_apart_as_their_histograms() -> None:
    small, large = _scaled(*[0.9] * 4), _scaled(*[1.1] * 4)
    both = _scaled(0.9, 0.9, 1.1, 1.1)
    apart = [compared(one, large).rows[0].figures["JS Rg"] for one in (large, small, both)]
    assert apart == pytest.approx([0.0, 1.0, 0.558], abs=1e-3)


def test_heavy_atoms_count_for_more_of_the_size() -> None:
    propanol = BUTANE.model_copy(update={"elements": ("C", "C", "C", "O")})
    figures = compared(_scaled(1, 1), _scaled(1, 1), propanol).rows[0].figures
    mass = np.array([12.011, 12.011, 12.011, 15.999])
    about = FRAME[0] - mass @ FRAME[0] / mass.sum()
    expected = np.sqrt(mass @ np.square(about).sum(axis=1) / mass.sum())
    assert figures["Rg"] == pytest.approx(expected, rel=1e-4)
    assert expected != pytest.approx(SIZE, rel=1e-3)


def test_a_step_is_as_far_from_the_start_as_it_grew_wherever_it_lies() -> None:
    turned = _scaled(1.2, 1.2)[..., [1, 2, 0]] + 5.0
    (step,) = compared(turned, _scaled(1, 1)).rows[0].by_step
    assert step == pytest.approx(0.2 * SIZE, rel=1e-4)


def test_fluctuations_are_alike_where_the_same_particles_move() -> None:
    rng = np.random.default_rng(0)
    ten = Particles(
        names=("C",) * 10, types=(0,) * 10, type_names=("C",), bonds=(), elements=("C",) * 10
    )
    still, loose = 3.0 * rng.normal(size=(1, 10, 3)), np.linspace(0.02, 0.4, 10)[:, None]

    def moving(by: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([still, still + by * rng.normal(size=(200, 10, 3))])

    truth = moving(loose)
    same, other = (compared(moving(by), truth, ten).rows[0] for by in (loose, loose[::-1]))
    alike, unlike = same.figures["RMSF r"], other.figures["RMSF r"]
    assert alike is not None and unlike is not None
    assert alike > 0.9
    assert unlike < -0.5


def test_a_torsion_is_of_heavy_atoms_where_there_are_any() -> None:
    bonds = ((1, 2), (2, 3), (2, 0), (3, 4), (3, 5))  # particle 0 is a hydrogen
    system = particles(
        ("H", "C", "C", "C", "H", "C"), bonds, elements=("H", "C", "C", "C", "H", "C")
    )
    assert torsions_of(system)["rotatable"].tolist() == [[1, 2, 3, 5]]


def _backbone(chains: str) -> Particles:
    """N, CA, C and O of a residue a letter, numbered from 1 on."""
    names, residues = ("N", "CA", "C", "O"), len(chains)
    bonds = tuple((4 * r + i, 4 * r + i + 1) for r in range(residues) for i in range(3))
    return particles(
        names * residues,
        bonds,
        residues=("GLY",) * 4 * residues,
        residue_ids=tuple(r + 1 for r in range(residues) for _ in names),
        chains=tuple(chain for chain in chains for _ in names),
    )


@pytest.mark.parametrize(
    ("chains", "phi"), [("A", []), ("AB", []), ("AAB", [[2, 4, 5, 6]]), ("ABB", [[6, 8, 9, 10]])]
)
def test_no_torsion_of_a_protein_goes_from_one_chain_to_the_next(
    chains: str, phi: list[list[int]]
) -> None:
    found = torsions_of(_backbone(chains))
    assert {kind: rows.tolist() for kind, rows in found.items() if kind == "phi"} == (
        {"phi": phi} if phi else {}
    )


@pytest.mark.parametrize(
    ("residues", "phi"),
    [
        (("52", "52A", "52B", "53"), [[2, 4, 5, 6], [6, 8, 9, 10], [10, 12, 13, 14]]),
        (("51", "52", "52A", "60"), [[2, 4, 5, 6], [6, 8, 9, 10]]),
        (("1", "2", "1", "2"), [[2, 4, 5, 6], [10, 12, 13, 14]]),  # two copies without chains
    ],
)
def test_residues_follow_each_other_by_number_and_insertion_code(
    residues: tuple[str, ...], phi: list[list[int]]
) -> None:
    each = [residue for residue in residues for _ in range(4)]
    like = _backbone("A" * len(residues))
    numbers = tuple(int(residue.rstrip("AB")) for residue in each)
    codes = tuple(residue.lstrip("0123456789") for residue in each)
    numbered = like.model_copy(update={"residue_ids": numbers, "insertions": codes})
    assert torsions_of(numbered)["phi"].tolist() == phi
    carbons = [[4 * k + 1 for k in ends] for ends in ((0, 1), (1, 2), (2, 3))]
    kept = [carbons[rows[1] // 4 - 1] for rows in phi]
    assert backbone_pairs(numbered).tolist() == kept


def test_the_second_half_is_held_against_the_first() -> None:
    halves = _scaled(*[0.9] * 6, *[1.1] * 6)
    shown = {row.name: row for row in compared(halves, halves).rows}
    assert shown["second half"].figures["JS Rg"] == pytest.approx(1.0)
    assert shown["what happened"].figures["JS Rg"] == 0.0
    assert "second half: that of its 12 starts" in compared(halves, halves).notes[-1]


def test_residues_that_are_bonded_follow_each_other_whatever_their_numbers() -> None:
    """Of chymotrypsin and antibodies numbers leap; GRO counts on from one chain to the next."""
    like = _backbone("AAAA")
    first, second = [(2, 4)], [(10, 12)]  # from the carbon of a residue to the next nitrogen
    leaping = like.model_copy(
        update={
            "residue_ids": tuple(number for number in (3, 9, 10, 40) for _ in range(4)),
            "bonds": (*like.bonds, *first, *second),
        }
    )
    assert torsions_of(leaping)["phi"].tolist() == [[2, 4, 5, 6], [10, 12, 13, 14]]
