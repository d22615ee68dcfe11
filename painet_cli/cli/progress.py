"""How long work shows itself: a bar on a terminal, lines in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.tree import Tree

from painet_cli.cli.session import Session

if TYPE_CHECKING:
    from painet_cli.benchmark.cells import Cell
    from painet_cli.benchmark.scaling import Outcome, Point
    from painet_cli.storage.progress import OnBytes, OnCount
    from painet_cli.training.trainer import EpochRecord, Trainer

NEWS = TextColumn("{task.fields[news]}", markup=False)


def bar_on(session: Session, *columns: Any) -> Progress:
    """A bar that is gone when the work is done; silent where there is no terminal."""
    console = session.console
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def preparing(session: Session, doing: str) -> Iterator[tuple[OnCount, OnBytes]]:
    """Say what is being done, how far it is, and what is downloaded for it.

    Yields
    ------
    tuple
        `progress` and `downloading` of a `Destination`.
    """
    say = session.console.print
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn())
    with bar_on(session, *columns, TaskProgressColumn(), TimeRemainingColumn()) as bar:
        work = bar.add_task(doing, total=None)
        unfinished: dict[str, Any] = {}

        def counted(done: int, total: int) -> None:
            bar.update(work, completed=done, total=total)

        def downloaded(name: str, done: int, total: int | None) -> None:
            if name not in unfinished:
                size = "" if total is None else f" ({total / 1e6:,.1f} MB)"
                say(f"downloading {name}{size}", soft_wrap=True)
                unfinished[name] = bar.add_task(name, total=total)
            bar.update(unfinished[name], completed=done, total=total)
            if done == total:
                bar.remove_task(unfinished.pop(name))

        try:
            yield counted, downloaded
        except KeyboardInterrupt:
            if unfinished:
                say("what was downloaded is kept: the same command goes on", soft_wrap=True)
            raise


class TrainingProgress:
    """Tells a session's console how a training goes.

    Parameters
    ----------
    whose
        Before each of its lines, where it is one of several; there is no bar then.
    """

    def __init__(self, session: Session, whose: str = "") -> None:
        self._console = session.console
        self._run: Path | None = None
        self._whose = whose
        columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), NEWS)
        self._bar = bar_on(session, *columns, TimeRemainingColumn())
        self._bar.disable |= bool(whose)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bar.stop()
        if kind is KeyboardInterrupt and self._run is not None:
            self._console.print(f"`painet train --resume {self._run}` goes on", soft_wrap=True)

    def started(self, run: Path, trainer: Trainer) -> None:
        """Announce the run folder as a tree, and where training begins."""
        from painet_cli.training.run import CONTENTS

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
                f"{self._whose}epoch {record.epoch:>{self._width}}  "
                f"train {record.train_mse:<9.4g}  "
                f"val {record.val_mse:<9.4g}  {rate}  {record.seconds:6.2f} s"
                f"{'  best' if record.best else ''}"
            )


class BenchProgress:
    """Tells a session's console how a benchmark goes.

    Attributes
    ----------
    failed
        Cells that failed, with what they said.
    """

    def __init__(self, session: Session, cells: int) -> None:
        self.failed: list[str] = []
        self._console = session.console
        self._began: dict[Cell, float] = {}
        columns = (TextColumn("cell"), MofNCompleteColumn(), BarColumn(), NEWS)
        self._bar = bar_on(session, *columns, TimeElapsedColumn())
        self._task = self._bar.add_task("cells", total=cells, news="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def began(self, cell: Cell) -> None:
        """Remember when."""
        self._began[cell] = time.monotonic()

    def ended(self, cell: Cell, error: str | None) -> None:
        """Write a line: what came of the cell."""
        from painet_cli.benchmark.cells import read_results

        self._bar.advance(self._task)
        minutes = (time.monotonic() - self._began.pop(cell)) / 60
        results = [] if error else read_results([cell])
        if not results:
            self.failed.append(f"{cell}: {error or 'it left no result'}")
            self._console.print(f"{cell}: failed, {error}", soft_wrap=True)
            return
        record, evaluation = results[0].record, results[0].evaluation
        self._console.print(
            f"{cell}: test MSE {evaluation['mse']:.4g}, {record['epochs']} epochs, ended by "
            f"{record['stopped_by']}, {minutes:.1f} min",
            soft_wrap=True,
        )

    def waiting(self, running: Sequence[Cell]) -> None:
        """Say which cells are being trained, and how far they are."""
        if self._console.is_terminal:
            news = ", ".join(
                f"{cell} {cell.epochs_done()}/{cell.preset.train.epochs}" for cell in running
            )
            self._bar.update(self._task, news=news)


class PointLines:
    """A line a point, as it is done."""

    def __init__(self, session: Session, points: int) -> None:
        self._console = session.console
        self._points = points
        self._done = 0

    def began(self, point: Point) -> None:
        """Say on a terminal what is being measured."""
        if self._console.is_terminal:
            self._console.print(f"{self._place(self._done + 1)} {point} ...", end="\r")

    def ended(self, point: Point, outcome: Outcome, *, before: bool) -> None:
        """Write a line: what was found, or why nothing was."""
        self._done += 1
        if isinstance(outcome, str):
            what = outcome
        else:
            what = f"{outcome.seconds:.3g} s, {outcome.peak_gb:.3g} GB"
            what += ", measured before" if before else ""
        self._console.print(f"{self._place(self._done)} {point}: {what}", soft_wrap=True)

    def _place(self, number: int) -> str:
        return f"[{number}/{self._points}]"
