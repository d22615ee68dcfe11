"""How far predictions are from what happened (appendix E.1, but means over coordinates)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.windows import Windows
from painet_cli.models.base import DynamicsModel
from painet_cli.prediction.rollout import rollout
from painet_cli.training.diagnosis import prediction_error
from painet_cli.training.distributed.world import SINGLE, World
from painet_cli.training.loss import squared_errors


@dataclass(frozen=True)
class Errors:
    """Squared errors of predicted windows.

    Attributes
    ----------
    squared
        (S, T) float64, squared error of every window and step, averaged over particles and
        coordinates, in squared length units.
    seconds
        Time that it took to predict and measure them, superposition left aside.
    superposed
        (S, T) the same of targets superposed on predictions; None where that was not asked for.
    """

    squared: NDArray[np.float64]
    seconds: float = 0.0
    superposed: NDArray[np.float64] | None = None

    @property
    def step_mse(self) -> list[float]:
        """MSE at each of the T steps."""
        return [float(value) for value in self.squared.mean(axis=0)]

    @property
    def superposed_step_mse(self) -> list[float]:
        """The same after superposition; empty where that was not asked for."""
        if self.superposed is None:
            return []
        return [float(value) for value in self.superposed.mean(axis=0)]

    @property
    def f_mse(self) -> float:
        """F-MSE, at the last step (equation 27, with the mean over coordinates)."""
        return self.step_mse[-1]

    @property
    def a_mse(self) -> float:
        """A-MSE, over all steps (equation 28, with the mean over coordinates)."""
        return float(self.squared.mean())


@torch.no_grad()
def predictions(
    model: DynamicsModel,
    batches: Iterable[Batch],
    steps: int,
    trained: NDArray[np.int64],  # (T,)
) -> Iterator[tuple[Batch, Tensor]]:  # with (steps, M, 3)
    """Predict batch after batch; none is kept. Steps past the `trained` offsets are rolled out."""
    model.eval()
    for batch in batches:
        yield batch, rollout(model, batch, steps, trained)


def prediction_errors(
    model: DynamicsModel,
    windows: Windows,
    batch_size: int,
    trained: NDArray[np.int64],  # (T,)
    world: World = SINGLE,
    *,
    superposed: bool = False,
) -> Errors:
    """Errors of a model on windows; steps past the `trained` offsets are rolled out.

    The processes of a world predict a part each, and all of them get the errors of all windows.

    Parameters
    ----------
    superposed
        Whether to measure them superposed besides.

    Raises
    ------
    PainetError
        A prediction is NaN or infinite; says from which frame, at which step and particle.
    """
    steps, squared, laid, aside_s = len(windows.offsets), [], [], 0.0
    started = time.perf_counter()
    with world.all_or_none():
        for batch, predicted in predictions(
            model, world.batches(windows, batch_size), steps, trained
        ):
            squared.append(squared_errors(predicted, batch))
            if superposed:
                squared[-1].sum().item()  # the device has predicted when the clock is read
                begun = time.perf_counter()
                laid.append(squared_errors(predicted, batch, "superposed"))
                aside_s += time.perf_counter() - begun
    errors = world.gather_rows(squared, windows, batch_size)
    seconds = time.perf_counter() - started - aside_s
    with world.all_or_none():
        finite = torch.isfinite(errors).all(dim=1)
        if not finite.all():
            first = windows.batch(finite.int().argmin()[None])
            ((_, predicted),) = predictions(model, [first], steps, trained)
            raise prediction_error(errors, windows, predicted)
    by_shape = world.gather_rows(laid, windows, batch_size).numpy() if superposed else None
    return Errors(errors.numpy(), seconds, by_shape)
