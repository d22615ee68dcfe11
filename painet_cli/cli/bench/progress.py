"""How a benchmark shows itself: a bar over cells on a terminal, a line a cell in a log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from painet_cli.benchmark.cells import Cell, read_results
from painet_cli.cli.session import Session


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
        self._bar = Progress(
            TextColumn("cell"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.fields[news]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
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
