"""Feet on the ground: how fast they move along it, and when that is skating."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles
from painet_cli.evaluation.physics.checks import physical_checks
from painet_cli.evaluation.physics.contact import FootContact, foot_contact

NAMES = ("root", "lfoot", "rfoot")
WHO = Particles(names=NAMES, types=(0, 1, 2), type_names=NAMES, bonds=((0, 1), (0, 2)))
TIMES = np.array([0.1, 0.2, 0.3])


def walk(speed: float, height: float = 0.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A start, and three frames in which the right foot stands and the left one moves, metres."""
    start = np.array([[[0.0, 1.0, 0.0], [0.0, 0.0, 0.1], [0.0, 0.0, -0.1]]])
    frames = np.repeat(start[:, None], 3, axis=1)
    frames[0, :, 1, 0] += speed * TIMES
    frames[0, :, 1, 1] += height
    return start, frames


def contact(speed: float, **more: Any) -> FootContact | None:
    start, frames = walk(speed, more.pop("height", 0.0))
    given = {"length_unit": "metre", "up_axis": "y", "truth": None, **more}
    return foot_contact(
        start, frames, given["truth"], WHO, TIMES, given["length_unit"], given["up_axis"]
    )


def test_speed_is_a_mean_over_low_feet_in_metres_a_second() -> None:
    found = contact(2.0)
    assert found is not None
    assert found.feet == ["lfoot", "rfoot"]
    assert found.predicted == pytest.approx(1.0)  # one foot at 2, the other stands
    assert found.skates
    assert found.sentence == "feet skate: feet within 2 cm of the ground move along it at 1 m/s"


def test_starts_may_have_times_of_their_own() -> None:
    start, frames = (np.repeat(x, 2, axis=0) for x in walk(2.0))
    found = foot_contact(start, frames, None, WHO, np.stack([TIMES, 4 * TIMES]), "metre", "y")
    assert found is not None
    assert found.predicted == pytest.approx((1.0 + 0.25) / 2)


def test_a_foot_in_the_air_does_not_skate() -> None:
    found = contact(2.0, height=0.2)
    assert found is not None
    assert found.predicted == pytest.approx(0.0)
    assert not found.skates


def test_feet_may_be_as_fast_as_they_really_were() -> None:
    _, truth = walk(1.9)
    found = contact(2.0, truth=truth)
    assert found is not None
    assert not found.skates
    assert "(truth: 0.95)" in found.sentence


@pytest.mark.parametrize("without", [{"up_axis": None}, {"length_unit": "cubit"}], ids=str)
def test_without_height_or_unit_nothing_is_said(without: dict[str, Any]) -> None:
    assert contact(1.0, **without) is None


def test_skating_is_among_the_findings() -> None:
    start, frames = walk(2.0)
    start[0, 0, 1] = frames[0, :, 0, 1] = 50.0  # so high that no bone changes its length much
    report = physical_checks(start, frames, WHO, length_unit="metre", times_s=TIMES, up_axis="y")
    assert report.findings == ["feet skate: feet within 2 cm of the ground move along it at 1 m/s"]
    assert report.plain()["contact"]["predicted"] == pytest.approx(1.0)
