import numpy as np
import pytest

from painet_cli.data.particles.bonds import bonds_within
from painet_cli.errors import RequestError


def test_joins_each_near_pair_once_and_in_order() -> None:
    line = np.array([[3.0, 0, 0], [0, 0, 0], [1.0, 0, 0], [2.0, 0, 0]])
    assert bonds_within(line, 1.5) == ((0, 3), (1, 2), (2, 3))


def test_far_particles_have_no_bonds() -> None:
    assert bonds_within(np.eye(3, dtype=np.float32), 1.0) == ()


def test_agrees_with_all_distances() -> None:
    positions = np.random.default_rng(0).normal(size=(60, 3))
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    expected = np.argwhere(np.triu(distances <= 0.7, k=1))
    assert np.array_equal(bonds_within(positions, 0.7), expected)


def test_particles_on_top_of_each_other_take_no_memory_for_their_pairs() -> None:
    with pytest.raises(RequestError, match=r"of 100,000 particles, each has more than 500"):
        bonds_within(np.zeros((100_000, 3)), 1.6)


def test_a_coordinate_that_is_no_place_is_refused() -> None:
    with pytest.raises(RequestError, match="beyond 1e"):
        bonds_within(np.array([[0.0, 0.0, 0.0], [1e300, 0.0, 0.0]]), 1.6)
