"""How preparing shows itself: bars on a terminal, a line a downloaded file in a log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from painet_cli.cli.session import Session

if TYPE_CHECKING:
    from painet_cli.storage.progress import OnBytes, OnCount


class _Displays:
    """What is being done, a bar of downloads and one of frames; a terminal shows one at a time."""

    def __init__(self, session: Session, doing: str) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        self._console = session.console
        bar = partial(
            Progress, console=self._console, transient=True, disable=not self._console.is_terminal
        )
        text = TextColumn("{task.description}")
        self._doing = doing
        self._status = self._console.status(doing)
        self._downloads = bar(text, BarColumn(), DownloadColumn(), Remaining())
        self._counter = bar()
        self._tasks: dict[str, Any] = {}
        self._counted: Any = None
        self._shown: Any = None

    def show(self, display: Any) -> None:
        """Show one of the displays, or none."""
        if display is not self._shown:
            if self._shown is not None:
                self._shown.stop()
            if display is not None:
                display.start()
            self._shown = display

    def start(self) -> None:
        """Say what is being done."""
        self.show(self._status)

    def downloaded(self, name: str, done: int, total: int | None) -> None:
        """Show how a download goes."""
        self.show(self._downloads)
        if name not in self._tasks:
            size = "" if total is None else f" ({total / 1e6:,.1f} MB)"
            self._console.print(f"downloading {name}{size}", soft_wrap=True)
            self._tasks[name] = self._downloads.add_task(name, total=total)
        self._downloads.update(self._tasks[name], completed=done, total=total)
        if done == total:
            self.show(self._status)

    def counted(self, done: int, total: int) -> None:
        """Show how many frames are read or steps simulated."""
        self.show(self._counter)
        if self._counted is None:
            self._counted = self._counter.add_task(self._doing)
        self._counter.update(self._counted, completed=done, total=total)

    def interrupted(self) -> None:
        """Say what becomes of a download that was cut."""
        if self._tasks and not self._downloads.finished:
            self._console.print(
                "what was downloaded is kept: the same command goes on", soft_wrap=True
            )


@contextmanager
def working(session: Session, doing: str) -> Iterator[tuple[OnCount, OnBytes]]:
    """Say what is being done, and how counting and downloads go while it is.

    Parameters
    ----------
    session
        Whose console is told.
    doing
        What to say while nothing is counted or downloaded.

    Yields
    ------
    tuple
        `progress` and `downloading` of a `Destination`.
    """
    displays = _Displays(session, doing)
    displays.start()
    try:
        yield displays.counted, displays.downloaded
    except KeyboardInterrupt:
        displays.interrupted()
        raise
    finally:
        displays.show(None)
