"""One training: epochs of steps, evaluations, and how far it has come."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from painet_cli.config.schema import Report, TimedSchedule, TrainConfig
from painet_cli.data.batches.windows import Windows
from painet_cli.models.base import DynamicsModel
from painet_cli.models.memory import MemoryPlan
from painet_cli.training.augmentation import AllWindows, Augmentation, generator_of
from painet_cli.training.checkpoint import TrainingState
from painet_cli.training.diagnosis import training_error, validation_error
from painet_cli.training.distributed.world import Share, World
from painet_cli.training.loss import validation_mse
from painet_cli.training.steps.captured import captures, step_of
from painet_cli.training.steps.optimizers import build_optimizers, set_rate
from painet_cli.training.steps.schedule import moving_average, rate_factor
from painet_cli.training.steps.step import Step

_LEAST_FITTED = 256  # windows side by side where no gradient is kept

OnStep = Callable[[int, int, "Trainer"], None]
"""Called after a batch: how many of how many, and whose."""


@dataclass(frozen=True)
class EpochRecord:
    """A line of `metrics.jsonl`."""

    epoch: int
    train_mse: float
    """Mean over the epoch's windows, while the weights were changing."""
    lr: float
    """Learning rate of the epoch's last step."""
    seconds: float
    val_mse: float | None = None
    """None in epochs without an evaluation."""
    best: bool = False


class Trainer:
    """Model, optimiser and average, and how far they have come.

    Parameters
    ----------
    model
        Already on the device of the windows.
    config
        The preset's `train` section.
    train, val
        Windows to learn from and to choose the best epoch by.
    budget_s
        Stop after the batch with which so many seconds of training are spent; None for no limit.
    world
        The processes that train together, each with its part of every batch.
    augmentation
        What training windows are seen as besides what they are.
    report
        Whose validation error chooses the best epoch: `data.report`.

    Attributes
    ----------
    memory
        How the model was made to fit the memory, where that was chosen.
    losses
        (S,) Sums of the squared errors of each batch of an epoch that the budget ended.
    epoch_s
        Seconds spent on that epoch.
    """

    def __init__(
        self,
        model: DynamicsModel,
        config: TrainConfig,
        train: Windows,
        val: Windows,
        budget_s: float | None,
        world: World,
        augmentation: Augmentation,
        report: Report,
    ) -> None:
        if model.closed_form:  # one epoch fits it
            config = config.model_copy(
                update={"epochs": 1, "eval_every": 1, "ema": None, "compile": False}
            )
        self.model = model
        self.world = world
        self.config = config
        self.report = report
        self.budget_s = budget_s
        self.train_windows = train
        self.val_windows = val
        self.augmentation = augmentation
        self.optimizers = (
            ()
            if model.closed_form
            else build_optimizers(
                model,
                config,
                fused=train.device.type in ("cpu", "cuda"),
                capturable=captures(config, model, train.device, world),
            )
        )
        self.step = step_of(
            Step(model, self.optimizers, config.clip_norm, world, config.loss), config, train.device
        )
        self.average = (
            AveragedModel(model, multi_avg_fn=moving_average(config.ema))
            if config.ema is not None
            else None
        )
        if config.compile:
            model.compile_blocks()
        self.memory: MemoryPlan | None = None
        self.progress = TrainingState()
        self.losses = torch.empty(0, dtype=torch.float64)
        self.epoch_s = 0.0

    @property
    def evaluated_model(self) -> DynamicsModel:
        """The model whose validation MSE counts: the average where there is one."""
        if self.average is None:
            return self.model
        return cast("DynamicsModel", self.average.module)

    @property
    def epochs_done(self) -> float:
        """Epochs done, with the part of one that the budget ended."""
        return self.progress.epoch + len(self.losses) / self.steps

    @property
    def finished_by(self) -> Literal["epochs", "patience", "budget"] | None:
        """What has ended the training: the last epoch is done, or patience or time is spent."""
        progress = self.progress
        if progress.epoch >= self.config.epochs:
            return "epochs"
        if progress.stale >= self.config.patience:
            return "patience"
        spent = self.budget_s is not None and progress.seconds >= self.budget_s
        return "budget" if spent and progress.seconds > 0 else None

    def run_epoch(self, on_step: OnStep | None) -> EpochRecord | None:
        """Train one epoch, or what is left of it, evaluate if it is due, and update `progress`.

        Returns
        -------
        EpochRecord or None
            None where the budget is spent before the epoch's end: what is done of it is kept.

        Raises
        ------
        PainetError
            A loss or a weight is NaN or infinite; says where.
        """
        started = time.perf_counter()
        loss = self._fit() if self.model.closed_form else self._train_epoch(started, on_step)
        # one clock for all, so that all spend their budget in the same epoch
        return self.ended_epoch(loss, self.world.broadcast_number(time.perf_counter() - started))

    def ended_epoch(self, loss: float | None, seconds: float) -> EpochRecord | None:
        """Evaluate an epoch that took so many seconds, or more of them, and update `progress`.

        Nothing is evaluated where the budget has cut it short: there is no loss then.
        """
        epoch = self.progress.epoch + 1
        spent = self.progress.seconds + seconds
        if loss is None:
            self.progress = self.progress.model_copy(update={"seconds": spent})
            self.epoch_s += seconds
            return None
        is_due = epoch % self.config.eval_every == 0 or epoch == self.config.epochs
        val_mse = self._evaluate() if is_due else None
        known = self.progress.best_mse
        best = val_mse is not None and (known is None or val_mse < known)
        self.progress = TrainingState(
            epoch=epoch,
            best_epoch=epoch if best else self.progress.best_epoch,
            best_mse=val_mse if best else self.progress.best_mse,
            stale=0 if best else self.progress.stale + (val_mse is not None),
            seconds=spent,
        )
        seconds, self.epoch_s = seconds + self.epoch_s, 0.0
        rate = float(self.optimizers[0].param_groups[0]["lr"]) if self.optimizers else 0.0
        return EpochRecord(epoch, loss, rate, seconds, val_mse, best)

    def _fit(self) -> float:
        """Fit a model of a closed form; gives its MSE on the training windows."""
        size = max(self.config.batch_size, _LEAST_FITTED)
        seen = self.augmentation.all_of(self.train_windows, size)
        self.model.fit(seen, AllWindows(self.val_windows, size))
        return validation_mse(self.model, self.train_windows, size, self.world)

    def _train_epoch(self, started: float, on_step: OnStep | None) -> float | None:
        """MSE of an epoch while the weights were changing; None where the budget cuts it short."""
        losses: list[Tensor] = []
        for done, (rate, share) in enumerate(self.shares(), len(self.losses) + 1):
            set_rate(self.optimizers, rate)
            losses.append(self.step(share))
            self.update_average()
            if on_step is not None:
                on_step(done, self.steps, self)
            if done < self.steps and self.is_spent(time.perf_counter() - started):
                break
        return self.mean_loss(losses)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return math.ceil(len(self.train_windows) / self.config.batch_size)

    def shares(self) -> Iterator[tuple[float, Share]]:
        """Learning rate and part of the batch of every step that is left of the epoch to come."""
        started = time.perf_counter()
        epoch, windows, size = self.progress.epoch + 1, self.train_windows, self.config.batch_size
        self.model.train()
        windows.draw((self.config.seed, epoch))
        first = len(self.losses)
        shares = self.world.shares(windows, size, self._order()[first * size :])
        for step, share in enumerate(shares, first):
            if share.batch is not None:
                seed = (self.config.seed, epoch, step, self.world.rank)
                share = share._replace(batch=self.augmentation.one_of(share.batch, seed))
            spent = 0.0
            if isinstance(self.config.schedule, TimedSchedule):  # all processes at one rate
                spent = self.world.broadcast_number(time.perf_counter() - started)
            done, seconds = epoch - 1 + step / self.steps, self.progress.seconds + spent
            yield self.config.lr * rate_factor(self.config, done, seconds), share

    def _order(self) -> Tensor:
        """Order of the windows in the epoch to come."""
        order = _epoch_order(len(self.train_windows), self.config.seed, self.progress.epoch + 1)
        return self.train_windows.by_size(order, self.config.batch_size)

    def update_average(self) -> None:
        """Let the average follow the weights."""
        if self.average is not None:
            self.average.update_parameters(self.model)

    def mean_loss(self, losses: Sequence[Tensor]) -> float | None:
        """Mean over the windows of the epoch to come, by the summed losses () of its steps.

        None where there are fewer steps than the epoch has: they are kept for those to come.

        Raises
        ------
        PainetError
            One of them or a weight is NaN or infinite; says where.
        """
        # the epoch's only wait for the device; weights that are no numbers must not be saved
        sums = [parameter.detach().sum().float() for parameter in self.model.parameters()]
        numbers = torch.stack([*losses, *sums]).cpu().double()
        done = torch.cat([self.losses, self.world.all_reduce(numbers[: len(losses)])])
        with self.world.all_or_none():
            if not torch.isfinite(torch.cat([done, numbers[len(losses) :]])).all():
                epoch, size = self.progress.epoch + 1, self.config.batch_size
                windows, model = self.train_windows, self.model
                raise training_error(epoch, done, self._order(), windows, size, model)
        if len(done) < self.steps:
            self.losses = done
            return None
        self.losses = done[:0]
        return float(done.sum()) / len(self.train_windows)

    def is_spent(self, seconds: float) -> bool:
        """Whether the budget ends with so many seconds more, by the clock of rank 0."""
        if self.budget_s is None:
            return False
        return self.progress.seconds + self.world.broadcast_number(seconds) >= self.budget_s

    def choose_best(self) -> None:
        """Take the weights as they are for the best so far."""
        best = {"best_epoch": self.progress.epoch, "best_mse": self._evaluate()}
        self.progress = self.progress.model_copy(update=best)

    def _evaluate(self) -> float:
        size, model, loss = self.config.batch_size, self.evaluated_model, self.config.loss
        mse = validation_mse(model, self.val_windows, size, self.world, self.report, loss)
        with self.world.all_or_none():
            if not math.isfinite(mse):
                epoch = self.progress.epoch + 1
                raise validation_error(epoch, mse, model, self.val_windows, size)
        return mse


def _epoch_order(count: int, seed: int, epoch: int) -> Tensor:
    """Order of the windows in one epoch, from the seed and the epoch alone: no state to save."""
    return torch.randperm(count, generator=generator_of((seed, epoch)))
