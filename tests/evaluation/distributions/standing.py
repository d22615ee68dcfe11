"""A skeleton of two feet that stands, or slides."""

from __future__ import annotations

import numpy as np
from butane import particles
from numpy.typing import NDArray

SKELETON = particles(("hip", "head", "lfoot", "rfoot"), ((0, 1), (0, 2), (0, 3)))


def standing(speed: float, height: float) -> NDArray[np.float64]:
    """(1, 21, 4, 3) a body of height 2 whose feet move at a speed and a height, y being up."""
    x = np.zeros((1, 21, 4, 3))
    x[:, :, :, 1] = [1.0, 2.0, 0.0, 0.0]
    x[:, 1:, 2:, 1] = height
    x[:, :, :, 0] = speed * 0.1 * np.arange(21)[:, None]
    return x
