"""How long work shows itself: a bar on a terminal, lines in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
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

from painet_cli.cli.session import Session

if TYPE_CHECKING:
    from painet_cli.benchmark.cells import Cell
    from painet_cli.benchmark.scaling import Outcome, Point
    from painet_cli.storage.progress import OnBytes, OnCount

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

        pace = Pace(session, "prepare")

        def counted(done: int, total: int) -> None:
            bar.update(work, completed=done, total=total)
            pace.at(done / max(total, 1))

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


class Pace:
    """Says in a log, twice a minute, how far work is and how long it will take.

    Parameters
    ----------
    doing
        What is being done, the line's first word.
    """

    EVERY_S = 30.0

    def __init__(self, session: Session, doing: str) -> None:
        self._console = session.console
        self._doing = doing
        self._began = self._said = time.monotonic()
        self._first: float | None = None

    def at(self, share: float, news: str = "") -> None:
        """So much is done, from 0 to 1; where the first call says more than 0, that was before."""
        now = time.monotonic()
        if self._first is None:
            self._first, self._began = share, now
        done = share - self._first
        if done > 0:
            self.say(share, (now - self._began) * (1 - share) / done, news)

    def say(self, share: float, left_s: float, news: str = "") -> None:
        """So much is done, and so many seconds are left; said where it is time to."""
        now = time.monotonic()
        if self._console.is_terminal or now - self._said < self.EVERY_S:
            return
        self._said = now
        self._console.print(
            f"{self._doing}: {share:.0%}, about {in_words(left_s)} left{news}", soft_wrap=True
        )


def in_words(seconds: float) -> str:
    """A time as one says it: `35 s`, `4 min`, `8.2 h`, `3 days`."""
    for unit, size, most in (("s", 1.0, 90.0), ("min", 60.0, 5400.0), ("h", 3600.0, 48 * 3600.0)):
        if seconds < most:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds / 86400:.2g} days"


class BenchProgress:
    """Tells a session's console how a benchmark goes.

    Parameters
    ----------
    cells
        How many are to be trained; 0 where nobody knows, and then no time is told.
    hours
        What cells are expected to take, by their folder; all alike by default.

    Attributes
    ----------
    failed
        Cells that failed, with what they said.
    """

    def __init__(
        self, session: Session, cells: int, hours: Mapping[Path, float] | None = None
    ) -> None:
        self.failed: list[str] = []
        self._hours = hours or {}
        self._left = sum(self._hours.values()) if self._hours else float(cells)
        self._done = self._worked = self._spent_s = 0.0
        self._pace = Pace(session, "cells")
        self._console = session.console
        self._began: dict[Cell, tuple[float, float]] = {}
        columns = (TextColumn("cell"), MofNCompleteColumn(), BarColumn(), NEWS)
        self._bar = bar_on(session, *columns, TimeElapsedColumn())
        self._task = self._bar.add_task("cells", total=cells or None, news="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bar.stop()
        if kind is KeyboardInterrupt:
            self._console.print("the same command goes on where this one stopped")

    def began(self, cell: Cell) -> None:
        """Remember when, and how far it was."""
        self._began[cell] = time.monotonic(), cell.share_done()

    def ended(self, cell: Cell, error: str | None) -> None:
        """Write a line: what came of the cell."""
        from painet_cli.benchmark.cells import read_results

        results = [] if error else read_results([cell])
        minutes = self.advanced(cell, well=bool(results))
        if not results:
            said = error or "it left no result"
            self.failed.append(f"{cell}: {said}")
            self._console.print(f"{cell}: failed, {said}", soft_wrap=True)
            return
        record, evaluation = results[0].record, results[0].evaluation
        self._console.print(
            f"{cell}: test MSE {evaluation['mse']:.4g}, {record['epochs']} epochs, ended by "
            f"{record['stopped_by']}, {minutes:.1f} min",
            soft_wrap=True,
        )

    def advanced(self, cell: Cell, *, well: bool) -> float:
        """Count a cell as ended; minutes that it took.

        One that failed tells nothing of how long the others take.
        """
        began, before = self._began.pop(cell)
        seconds, size = time.monotonic() - began, self._size(cell)
        self._left -= size
        if well:
            self._done += size
            self._worked += size * (1 - before)
            self._spent_s += seconds
        self._bar.advance(self._task)
        return seconds / 60

    def waiting(self, running: Sequence[Cell]) -> None:
        """Say which cells are being trained, how far all are, and how long the rest takes."""
        now, spent_s, worked, done = time.monotonic(), self._spent_s, self._worked, self._done
        for cell in running:
            began, before = self._began[cell]
            share = cell.share_done()
            spent_s += now - began
            worked += self._size(cell) * max(0.0, share - before)
            done += self._size(cell) * share
        left = self._left - (done - self._done)
        if self._hours:  # until as much as a cell is done, the rest of one takes what is expected
            expected = max(0.0, max(map(self._size, running), default=0.0) - worked)
            spent_s, worked = spent_s + 3600 * expected, worked + expected
        if worked > 0 and left > 0:
            failed = f", {len(self.failed)} failed" if self.failed else ""
            left_s = spent_s / worked * left / len(running)
            self._pace.say(done / (done + left), left_s, failed)
        if self._console.is_terminal:
            news = ", ".join(
                f"{cell} {cell.epochs_done()}/{cell.preset.train.epochs}" for cell in running
            )
            self._bar.update(self._task, news=news)

    def _size(self, cell: Cell) -> float:
        """What share a cell has in the whole, in the unit of all."""
        return self._hours.get(cell.folder, 1.0)


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
