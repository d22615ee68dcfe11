"""What a training is expected to take, from a few steps that leave no trace."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch

from painet_cli.training.loss import mean_loss
from painet_cli.training.trainer import Trainer

_STEPS = 3
_LONG_S = 5.0
"""After a step as long as this no other is timed."""


@dataclass(frozen=True)
class Cost:
    """What a training is expected to take.

    Attributes
    ----------
    epoch_s
        Seconds of an epoch, with its share of an evaluation.
    epochs
        How many there are to do, at most.
    """

    epoch_s: float
    epochs: int

    @property
    def total_s(self) -> float:
        """Seconds of all epochs."""
        return self.epoch_s * self.epochs


def expected_cost(trainer: Trainer) -> Cost | None:
    """Time a few steps, forward and backward, and work out what the training takes.

    No weight, buffer, gradient or random number of the training is touched, so that it comes to the
    same bits. The optimiser's own work is not in it.

    Returns
    -------
    Cost or None
        None for a model of a closed form, and for one that is compiled first.
    """
    config, windows = trainer.config, trainer.train_windows
    if trainer.model.closed_form or config.compile:
        return None
    share = min(-(-config.batch_size // trainer.world.size), len(windows))
    windows.draw((config.seed, 0))
    indices = torch.arange(share)
    cuda = [windows.device] if windows.device.type == "cuda" else []
    before = {name: buffer.clone() for name, buffer in trainer.model.named_buffers()}
    with torch.random.fork_rng(cuda):
        forward, whole = _timed(trainer, indices)
    for name, buffer in trainer.model.named_buffers():
        if name in before and not torch.equal(buffer, before[name]):  # a running mean has moved
            buffer.copy_(before[name])
    evaluated = math.ceil(len(trainer.val_windows) / config.batch_size) / config.eval_every
    epoch_s = whole * trainer.steps + forward * evaluated
    return Cost(epoch_s, config.epochs - trainer.progress.epoch)


def _timed(trainer: Trainer, indices: torch.Tensor) -> tuple[float, float]:
    """Seconds of a forward pass, and of one with its backward: the shortest of a few."""
    model, windows = trainer.model, trainer.train_windows
    was_training, best = model.training, (math.inf, math.inf)
    model.train()
    for _ in range(_STEPS):
        started = time.perf_counter()
        batch = windows.batch(indices)
        loss = mean_loss(model(batch), batch, trainer.config.loss)
        loss.item()  # waits for the device
        forward = time.perf_counter() - started
        gradients = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
        if gradients[0] is not None:
            gradients[0].sum().item()
        best = min(best, (forward, time.perf_counter() - started), key=lambda pair: pair[1])
        if best[1] > _LONG_S:
            break
    model.train(was_training)
    return best
