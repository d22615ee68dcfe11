"""What was chosen to predict with, and how good everything was on frames held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Verdict:
    """What was chosen to predict with, and how good it was on frames held out.

    Attributes
    ----------
    chosen
        The best candidate, or the checkpoint that was asked for.
    windows
        Held-out windows that everything was measured on.
    learned_from
        Frames that what predicts was learned from.
    mse, superposed
        MSE at each step of every candidate, as it lies and superposed on the truth.
    yardsticks
        Names of those that nothing is learned for.
    radius_90
        (T,) radii that hold 90 % of the particles.
    notes
        What a reader must know of the recording, a sentence each.
    weights
        Of the candidates whose weighted mean was chosen.
    """

    chosen: str
    windows: int
    learned_from: int
    mse: dict[str, list[float]]
    superposed: dict[str, list[float]]
    yardsticks: tuple[str, ...]
    radius_90: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def members(self) -> tuple[str, ...]:
        """Names of what predicts: of a weighted mean those that it is of."""
        return tuple(self.weights) or (self.chosen,)

    @property
    def means(self) -> dict[str, float]:
        """Mean over steps of every candidate's MSE."""
        return {name: float(np.mean(steps)) for name, steps in self.mse.items()}

    @property
    def best_yardstick(self) -> str:
        """The yardstick with the smallest MSE."""
        return min(self.yardsticks, key=lambda name: self.means[name])

    @property
    def loses_to(self) -> tuple[str, ...]:
        """Yardsticks that are better than what was chosen, the best first."""
        means = self.means
        better = [name for name in self.yardsticks if means[name] < means[self.chosen]]
        return tuple(sorted(better, key=lambda name: means[name]))

    @property
    def skill(self) -> float | None:
        """1 - MSE / MSE of the best yardstick; None where that makes no error."""
        best = self.means[self.best_yardstick]
        return 1.0 - self.means[self.chosen] / best if best > 0 else None

    @property
    def step_skill(self) -> list[float | None]:
        """The same at each step, against the yardstick that is best there."""
        best = np.min([self.mse[name] for name in self.yardsticks], axis=0)
        mine = self.mse[self.chosen]
        return [1.0 - a / b if b > 0 else None for a, b in zip(mine, best, strict=True)]

    def plain(self) -> dict[str, Any]:
        """What a summary holds of it."""
        return {
            "chosen": self.chosen,
            "weights": dict(self.weights),
            "skill": self.skill,
            "step_skill": self.step_skill,
            "yardsticks": {name: self.means[name] for name in self.yardsticks},
            "loses_to": list(self.loses_to),
            "held_out_windows": self.windows,
            "held_out_mse": self.mse,
            "held_out_superposed_mse": self.superposed,
            "frames_learned_from": self.learned_from,
        }
