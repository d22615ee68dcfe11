"""Where the ground is, and which feet stand on it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from standing import SKELETON, standing

from painet_cli.evaluation.distributions.compare import compare
from painet_cli.evaluation.distributions.frames import FrameSet

UP = 1  # y
FEET = (2, 3)


def skating(made: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    """Of 19 frames 0.1 s apart, held against real ones."""
    times = 0.1 * np.arange(1, 20)
    found = compare(
        made[:, 1],
        [("prediction", made[:, 2:])],
        FrameSet(real[:, 1], real[:, 2:], times),
        "what happened",
        SKELETON,
        length_unit="m",
        up_axis="y",
        times_s=times,
    ).rows[0]
    assert found.figures["skating"] is not None
    return found.figures["skating"]


def test_a_foot_that_is_lifted_straight_up_does_not_slide() -> None:
    stepping = standing(0.0, 0.0)
    stepping[:, ::2, FEET, UP] = 0.01  # below 3 cm, at which it no longer stands
    assert skating(stepping, standing(0.0, 0.0)) == 0.0


def test_the_ground_is_where_real_feet_stand() -> None:
    real, on_it, above = standing(0.0, 0.0), standing(0.5, 0.0), standing(0.5, 0.0)
    for frames, height in ((real, 3.0), (on_it, 3.0), (above, 3.2)):
        frames[..., UP] += height
    assert skating(on_it, real) == pytest.approx(0.5)
    assert skating(above, real) == 0.0


def test_feet_that_are_mostly_in_the_air_still_say_where_the_ground_is() -> None:
    real = standing(0.0, 0.5)
    real[:, 10, FEET, UP] = 0.0
    assert skating(standing(0.5, 0.5), real) == 0.0


def test_a_foot_that_comes_down_stands_when_it_is_down() -> None:
    landing = standing(0.0, 0.0)
    landing[:, :10, FEET, UP] = 0.1
    landing[:, 10:, FEET, 0] = 0.3  # it moves while it comes down, and never again
    assert skating(landing, standing(0.0, 0.0)) == 0.0
