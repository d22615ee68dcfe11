"""Butane, and sets of its frames that are compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles
from painet_cli.evaluation.distributions.compare import compare
from painet_cli.evaluation.distributions.frames import FrameSet
from painet_cli.evaluation.distributions.report import Distribution


def particles(
    names: tuple[str, ...], bonds: tuple[tuple[int, int], ...], **more: tuple[Any, ...]
) -> Particles:
    return Particles(names=names, types=(0,) * len(names), type_names=("x",), bonds=bonds, **more)


BUTANE = particles(("C1", "C2", "C3", "C4"), ((0, 1), (1, 2), (2, 3)), elements=("C",) * 4)


def butane(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F, 4, 3) four carbons at these torsion angles."""
    turn = np.radians(degrees)
    x = np.zeros((len(turn), 4, 3))
    x[:, 0], x[:, 2] = [-0.51, 1.44, 0.0], [1.53, 0.0, 0.0]
    x[:, 3, 0] = 2.04
    x[:, 3, 1], x[:, 3, 2] = 1.44 * np.cos(turn), 1.44 * np.sin(turn)
    return x


def compared(
    predicted: NDArray[np.float64], truth: NDArray[np.float64], system: Particles = BUTANE
) -> Distribution:
    """Each frame a step from the same start."""
    start = np.repeat(truth[:1], len(truth), axis=0)
    return compare(
        start,
        [("prediction", predicted[:, None])],
        FrameSet(start, truth[:, None], np.array([1e-12])),
        "what happened",
        system,
        length_unit="angstrom",
        up_axis=None,
        times_s=np.array([1e-12]),
    )
