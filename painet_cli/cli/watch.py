"""How a training shows itself: what it will take, a bar on a terminal, lines in a log."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.tree import Tree

from painet_cli.cli.progress import NEWS, Pace, bar_on, in_words
from painet_cli.cli.session import Session
from painet_cli.training.run_folder import CONTENTS
from painet_cli.training.trainer import EpochRecord, Trainer
from painet_cli.training.watching.callback import Callback
from painet_cli.training.watching.cost import expected_cost

_LONG_S = 3600.0
"""Longer trainings come with a word on how to ask for less."""


class TrainingProgress(Callback):
    """Tells a session's console how a training goes.

    Parameters
    ----------
    whose
        Before each of its lines, where it is one of several; there is no bar then.
    """

    def __init__(self, session: Session, whose: str = "") -> None:
        self._console = session.console
        self._whose = whose
        self._pace = Pace(session, "train")
        self._run: Path | None = None
        columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), NEWS)
        self._bar = bar_on(session, *columns, TimeRemainingColumn())
        self._bar.disable |= bool(whose)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bar.stop()
        if kind is KeyboardInterrupt and self._run is not None:
            run = quote(str(self._run))
            self._console.print(f"`painet train --resume {run}` goes on", soft_wrap=True)

    def started(self, run: Path, trainer: Trainer) -> None:
        """Announce the run folder as a tree, and where training begins."""
        self._run = run
        tree = Tree(f"{run}/")
        for file, meaning in CONTENTS.items():
            tree.add(f"{file:<18} {meaning}")
        self._console.print(tree)
        model = trainer.model
        learned = "closed form" if model.closed_form else f"{model.parameter_count:,} parameters"
        self._console.print(
            f"{learned}, {len(trainer.train_windows)} training and "
            f"{len(trainer.val_windows)} validation windows, on {trainer.train_windows.device}"
        )
        if trainer.memory and trainer.memory.words:
            self._console.print(f"memory: {trainer.memory.words}", soft_wrap=True)
        if trainer.epochs_done:
            self._console.print(f"going on after epoch {trainer.epochs_done:.4g}")
        self._announce_cost(trainer)
        self._pace.at(trainer.epochs_done / trainer.config.epochs)
        self._task = self._bar.add_task(
            "train", total=trainer.config.epochs, completed=trainer.progress.epoch, news=""
        )
        self._width = len(str(trainer.config.epochs))

    def _announce_cost(self, trainer: Trainer) -> None:
        """Say what the training is expected to take, and what to do where that is long."""
        cost = None if self._console.quiet else expected_cost(trainer)
        if cost is None:
            return
        self._console.print(
            f"about {in_words(cost.epoch_s)} an epoch, at most {cost.epochs} epochs: "
            f"{in_words(cost.total_s)}"
        )
        if cost.total_s > _LONG_S:
            self._console.print(
                "  shorter: --budget MINUTES, --epochs N, or a smaller --set model.hidden=N"
            )

    def step(self, done: int, steps: int, trainer: Trainer) -> None:
        """Say in a log how far the training is."""
        self._pace.at((trainer.progress.epoch + done / steps) / trainer.config.epochs)

    def epoch(self, record: EpochRecord, trainer: Trainer) -> None:
        """Move the bar; write a line where there was an evaluation."""
        progress = trainer.progress
        best = "" if progress.best_mse is None else f"best val {progress.best_mse:.4g}"
        self._bar.update(self._task, completed=record.epoch, news=best)
        if record.val_mse is not None:
            rate = "fitted in" if trainer.model.closed_form else f"lr {record.lr:.1e}"
            self._console.print(
                f"{self._whose}epoch {record.epoch:>{self._width}}  "
                f"train {record.train_mse:<9.4g}  "
                f"val {record.val_mse:<9.4g}  {rate}  {record.seconds:6.2f} s"
                f"{'  best' if record.best else ''}"
            )
