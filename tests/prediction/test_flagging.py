"""Starts outside of what was seen are listed."""

from __future__ import annotations

import numpy as np
import pytest

from painet_cli.data.particles.particles import Particles
from painet_cli.errors import RequestError
from painet_cli.prediction.adapting.blocks import cut
from painet_cli.prediction.adapting.lesson import Lesson
from painet_cli.prediction.flagging import check_flag, flagged, novelty_in
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.inputs.recording import Input


def _lesson() -> Lesson:
    """A chain that is kicked, and stretched from frame 310 on."""
    rng = np.random.default_rng(0)
    x = np.zeros((320, 6, 3))
    for k in range(1, len(x)):
        x[k] = 0.8 * x[k - 1] + 0.05 * rng.normal(size=(6, 3))
    x += np.cumsum(rng.normal(size=(6, 3)), axis=0)
    x[310:] *= 1.5
    particles = Particles(
        names=("C",) * 6,
        types=(0,) * 6,
        type_names=("C",),
        bonds=tuple((k, k + 1) for k in range(5)),
    )
    frames = x.astype(np.float32)
    system = Input("made", "molecule", None, particles, frames, 1e-15, "angstrom")
    blocks = cut(0, 300, 2)
    assert blocks is not None
    return Lesson(system, 0, 300, blocks, np.array([1, 2]), 1e-15)


def test_a_start_unlike_any_is_outside_and_one_like_them_is_not() -> None:
    novelty = novelty_in(_lesson(), np.array([302, 304, 315]))
    assert novelty is not None
    assert novelty[:2].max() < 1.0
    assert novelty[2] == 1.0


def test_flagged_starts_are_named_in_a_warning() -> None:
    lesson = _lesson()
    x = lesson.system.frames[[302, 315]]
    made = Forecast(lesson.system, np.array([302, 315]), x[:, None], np.ones(1), x, x[:, None])
    said, outside = flagged(made, np.array([0.4, 1.0]), 0.99, [302, 315])
    assert outside == [315]
    assert "1 of 2 starts lie outside of what was seen" in said.warnings[-1]
    assert said.warnings[-1].endswith("frame 315")
    assert flagged(made, np.array([0.4, 0.5]), 0.99, [302, 315])[0].warnings == ()
    assert "no start can be flagged" in flagged(made, None, 0.99, [302, 315])[0].warnings[-1]


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(RequestError, match="above 0, at most 1"):
        check_flag(share)
