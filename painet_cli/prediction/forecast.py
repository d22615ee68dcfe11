"""What was predicted of a system, and how far it is from what came next."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.origin import is_far, places
from painet_cli.prediction.adapting.superposition import superposed_mse
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.sanity import Sanity
from painet_cli.prediction.starting.timing import VelocitySource
from painet_cli.prediction.yardsticks import STILL, STRAIGHT, nothing_moves


@dataclass(frozen=True)
class Forecast:
    """What was predicted of a system.

    Attributes
    ----------
    system
        The system, with all its known frames.
    starts
        (S,) frames that predictions start at.
    positions
        (S, T, N, 3) predicted positions, in the system's unit of length; float32, or float64 where
        the system is far from the origin.
    times_s
        (T,) seconds from the start to each step.
    truth
        (S, T, N, 3) what came next, where all of it is known; None otherwise.
    velocities
        (S, N, 3) velocities at the starts, unit of length a step of the checkpoint's time.
    straight
        (S, T, N, 3) straight on from the start with its velocity: the yardstick.
    warnings
        What a reader of the prediction must know, a sentence each.
    sanity
        Whether bonds hold and particles stay near.
    velocity_sources
        (S,) where the velocities come from.
    spread
        (S, T, N) standard deviations of coordinates, of models that know them; None of others, and
        where steps are rolled out.
    radius
        (S, T, N) radii that hold 90 % of the particles; None where they are not known.
    radius_90
        (T,) the same whichever particle it is.
    """

    system: Input
    starts: NDArray[np.int64]
    positions: NDArray[np.floating]
    times_s: NDArray[np.float64]
    velocities: NDArray[np.floating]
    straight: NDArray[np.floating]
    truth: NDArray[np.floating] | None = None
    warnings: tuple[str, ...] = ()
    sanity: Sanity | None = None
    velocity_sources: tuple[VelocitySource, ...] = ()
    spread: NDArray[np.floating] | None = None
    radius: NDArray[np.floating] | None = None
    radius_90: NDArray[np.float64] | None = None

    @property
    def start_positions(self) -> NDArray[np.floating]:
        """(S, N, 3) positions that predictions start from."""
        return self.system.frames[self.starts]

    def at_origin(self) -> Forecast:
        """The same, moved to the origin where it is far from it: for pictures, in float32."""
        system, up = self.system, self.system.up_axis
        if not is_far(self.start_positions, up):
            return self
        at = places(self.start_positions[0], up)

        def moved(values: NDArray[np.floating]) -> NDArray[np.floating]:
            return (values - at).astype(np.float32)

        return replace(
            self,
            system=replace(system, frames=moved(system.frames)),
            positions=moved(self.positions),
            straight=moved(self.straight),
            truth=None if self.truth is None else moved(self.truth),
        )

    def step_mse(self) -> dict[str, list[float]] | None:
        """MSE at each step of the prediction, of `nothing moves` and of `straight on`."""
        if self.truth is None:
            return None
        truth = self.truth
        return {
            name: np.square(guess.astype(np.float64) - truth).mean(axis=(0, 2, 3)).tolist()
            for name, guess in self._rivals(truth.shape).items()
        }

    def superposed_step_mse(self) -> dict[str, list[float]] | None:
        """The same of molecules, each guess superposed on the truth; None of what has an up."""
        if self.truth is None or self.system.up_axis is not None:
            return None
        truth = self.truth
        return {
            name: superposed_mse(guess, truth).tolist()
            for name, guess in self._rivals(truth.shape).items()
        }

    def _rivals(self, shape: tuple[int, ...]) -> dict[str, NDArray[np.floating]]:
        """The prediction and its yardsticks, (S, T, N, 3) each."""
        return {
            "prediction": self.positions,
            STILL: nothing_moves(self.start_positions, shape[1]),
            STRAIGHT: self.straight,
        }
