"""Those who are told how a training goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from painet_cli.training.record import RunSummary
from painet_cli.training.trainer import EpochRecord, Trainer


class Callback:
    """Someone who is told how a training goes: a subclass has the methods it needs.

    What a callback raises ends the training as an error of its own would; `KeyboardInterrupt` stops
    it as Ctrl-C does, with the last whole epoch kept.

    Examples
    --------
    >>> import painet
    >>> class Stop(painet.Callback):
    ...     def epoch(self, record, trainer):
    ...         if record.train_mse < 1e-6:
    ...             raise KeyboardInterrupt
    """

    def started(self, run: Path, trainer: Trainer) -> None:
        """The run folder exists; training begins at `trainer.progress`."""

    def step(self, done: int, steps: int, trainer: Trainer) -> None:
        """A batch of an epoch is done, `done` of `steps`; the device may not have finished it.

        Where several processes train, what is raised here leaves the others waiting.
        """

    def epoch(self, record: EpochRecord, trainer: Trainer) -> None:
        """An epoch is done and saved."""

    def ended(self, summary: RunSummary | None) -> None:
        """Training has come to its end or to that of its budget; None where it was cut short."""


class Callbacks(Callback):
    """Several of them, told in their order."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._all = tuple(callbacks)

    def started(self, run: Path, trainer: Trainer) -> None:
        """Tell all."""
        for one in self._all:
            one.started(run, trainer)

    def step(self, done: int, steps: int, trainer: Trainer) -> None:
        """Tell all."""
        for one in self._all:
            one.step(done, steps, trainer)

    def epoch(self, record: EpochRecord, trainer: Trainer) -> None:
        """Tell all."""
        for one in self._all:
            one.epoch(record, trainer)

    def ended(self, summary: RunSummary | None) -> None:
        """Tell all."""
        for one in self._all:
            one.ended(summary)
