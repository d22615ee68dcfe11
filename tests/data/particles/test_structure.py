"""Which systems are the same: graphs, hydrogens, lengths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from painet_cli.data.particles.particles import Particles, subset
from painet_cli.data.particles.structure import (
    Structure,
    different_lengths,
    likeness,
    same_system,
    structure_of,
)

Bonds = Sequence[tuple[int, int]]
RING = tuple((k, (k + 1) % 6) for k in range(6))


def atoms(elements: Sequence[str], bonds: Bonds) -> Particles:
    kinds = sorted(set(elements))
    return Particles(
        names=tuple(elements),
        types=tuple(kinds.index(one) for one in elements),
        type_names=tuple(kinds),
        bonds=tuple(bonds),
        elements=tuple(elements),
    )


def built(particles: Particles, length: float = 1.4, unit: str = "angstrom") -> Structure:
    """The structure where every bond is as long: particles of a graph, laid out on bonds alone."""
    x = np.random.default_rng(0).normal(size=(1, len(particles.names), 3))
    made = structure_of(particles, x, unit)
    lengths = {
        kind: one.model_copy(update={"mean": length, "spread": 0.03})
        for kind, one in made.lengths.items()
    }
    return made.model_copy(update={"lengths": lengths})


def test_the_order_of_atoms_does_not_matter() -> None:
    chain = [(k, k + 1) for k in range(4)]
    one = atoms("CCOCN", chain)
    order = [3, 0, 4, 2, 1]
    other = atoms(
        [one.elements[k] for k in order], [(order.index(i), order.index(j)) for i, j in chain]
    )
    assert same_system(built(one), built(other))
    assert not same_system(built(one), built(atoms("CCOCO", chain)))


def test_two_rings_that_share_a_bond_are_not_two_that_are_joined() -> None:
    decalin = [*((k, (k + 1) % 10) for k in range(10)), (0, 5)]
    rings = [(k, (k + 1) % 5) for k in range(5)]
    bicyclopentyl = [*rings, *((i + 5, j + 5) for i, j in rings), (0, 5)]
    assert not same_system(built(atoms("C" * 10, decalin)), built(atoms("C" * 10, bicyclopentyl)))


def test_hydrogens_count_whether_they_are_particles_or_numbers() -> None:
    def ring(hydrogens: int) -> Particles:
        bonds = [*RING, *((k, 6 + hydrogens * k + h) for k in range(6) for h in range(hydrogens))]
        return atoms("C" * 6 + "H" * 6 * hydrogens, bonds)

    benzene, cyclohexane = ring(1), ring(2)
    heavy = subset(benzene, np.arange(6))
    assert heavy.hydrogens == (1,) * 6
    assert built(benzene).graph == built(heavy).graph
    assert not same_system(built(heavy), built(cyclohexane))


def test_where_hydrogens_are_not_known_lengths_tell_rings_apart() -> None:
    benzene, bare = subset(atoms("C" * 6, RING), np.arange(6)), atoms("C" * 6, RING)
    known = built(benzene.model_copy(update={"hydrogens": (1,) * 6}))
    assert same_system(known, built(bare))
    assert not same_system(known, built(bare, 1.53))
    assert likeness(known, built(bare, 1.53)) < 0.7


def test_bones_of_another_person_are_other_lengths() -> None:
    bones = atoms("ABC", [(0, 1), (1, 2)]).model_copy(update={"elements": ()})
    mine = built(bones, 4.0, "ASF unit")
    near, far = built(bones, 4.1, "ASF unit"), built(bones, 5.0, "ASF unit")
    still = mine.model_copy(
        update={"lengths": {k: v.model_copy(update={"spread": 0}) for k, v in mine.lengths.items()}}
    )
    assert not different_lengths(still, mine)
    assert len(different_lengths(still, near)) == 2
    assert likeness(still, near) > likeness(still, far) > 0
