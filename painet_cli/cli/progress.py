"""How a training shows itself: a bar on a terminal, a line an evaluation in a log."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.tree import Tree

from painet_cli.cli.session import Session
from painet_cli.training.run import CONTENTS
from painet_cli.training.trainer import EpochRecord, Trainer


class TrainingProgress:
    """Tells a session's console how a training goes."""

    def __init__(self, session: Session) -> None:
        self._console = session.console
        self._run: Path | None = None
        self._bar = Progress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.fields[news]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bar.stop()
        if kind is KeyboardInterrupt and self._run is not None:
            self._console.print(f"`painet train --resume {self._run}` goes on", soft_wrap=True)

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
        if trainer.progress.epoch:
            self._console.print(f"going on after epoch {trainer.progress.epoch}")
        self._task = self._bar.add_task(
            "train", total=trainer.config.epochs, completed=trainer.progress.epoch, news=""
        )
        self._width = len(str(trainer.config.epochs))

    def epoch(self, record: EpochRecord, trainer: Trainer) -> None:
        """Move the bar; write a line where there was an evaluation."""
        progress = trainer.progress
        best = "" if progress.best_mse is None else f"best val {progress.best_mse:.4g}"
        self._bar.update(self._task, completed=record.epoch, news=best)
        if record.val_mse is not None:
            rate = "fitted in" if trainer.model.closed_form else f"lr {record.lr:.1e}"
            self._console.print(
                f"epoch {record.epoch:>{self._width}}  train {record.train_mse:<9.4g}  "
                f"val {record.val_mse:<9.4g}  {rate}  {record.seconds:6.2f} s"
                f"{'  best' if record.best else ''}"
            )
