"""Work in a process of its own: its memory is its own, and it can be stopped."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Generic, TypeVar

from painet_cli.errors import PainetError, PluginWarning, in_a_line
from painet_cli.storage.children import isolated_spawn

T = TypeVar("T")


class StoppedError(PainetError):
    """The work took longer than it was given."""


@dataclass(frozen=True)
class Child(Generic[T]):
    """A function at work in a fresh process, and the end of the pipe that its result comes by."""

    process: SpawnProcess
    inbox: Connection

    @classmethod
    def start(
        cls, work: Callable[..., T], *arguments: Any, memory_gb: float | None = None
    ) -> Child[T]:
        """Begin with `work(*arguments)`.

        Parameters
        ----------
        work
            A function of a module, with arguments and a result that can be pickled.
        memory_gb
            Memory it may ask the system for, where the system enforces that (Linux does); None for
            as much as there is. The kernel is also told to end it before others when memory runs
            out.
        """
        spawn = multiprocessing.get_context("spawn")  # a fork would inherit torch's threads
        inbox, outbox = spawn.Pipe(duplex=False)
        process = spawn.Process(target=_work, args=(work, arguments, outbox, memory_gb))
        with isolated_spawn():
            process.start()
        outbox.close()
        return cls(process, inbox)

    def is_done(self, wait_s: float = 0.0) -> bool:
        """Whether it has ended, or does so within some seconds."""
        return self.inbox.poll(wait_s)

    def result(self) -> T:
        """What the work gave; waits for it.

        Raises
        ------
        PainetError
            It failed; says with what.
        """
        try:
            done, value = self.inbox.recv()
        except EOFError:
            self.process.join()
            code = self.process.exitcode
            said = f"its process ended with {code}" + ", out of memory?" * (code == -9)
            raise PainetError(said) from None
        self.process.join()
        if not done:
            raise PainetError(value)
        result: T = value
        return result


def run_in_child(
    work: Callable[..., T], *arguments: Any, limit_s: float, memory_gb: float | None
) -> T:
    """Result of `work(*arguments)`, done in a fresh process; see `Child.start`.

    Parameters
    ----------
    limit_s
        Seconds it may take, with its imports.

    Raises
    ------
    StoppedError
        It took longer.
    PainetError
        It failed; says with what.
    """
    child = Child.start(work, *arguments, memory_gb=memory_gb)
    try:
        if not child.is_done(limit_s):
            raise StoppedError(f"stopped after {limit_s:.3g} s")
        return child.result()
    finally:
        child.process.kill()
        child.process.join()


def _work(
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
    outbox: Connection,
    memory_gb: float | None,
) -> None:
    """Do the work and send its result; a failure is sent as text."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as in the parent
    threading.Thread(target=_end_with_parent, daemon=True).start()
    warnings.simplefilter("ignore", PluginWarning)  # the parent has said it
    if sys.platform == "linux":
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
        if memory_gb is not None:
            with suppress(OSError, ValueError):
                limit = int(memory_gb * 1e9)
                resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        outbox.send((True, work(*arguments)))
    except KeyboardInterrupt:
        outbox.send((False, "interrupted"))
    except PainetError as error:
        outbox.send((False, error.what))
    except Exception as error:  # noqa: BLE001 - told to the parent, which goes on
        outbox.send((False, in_a_line(error)))


def _end_with_parent() -> None:
    """Do not work on where a killed benchmark would want to go on."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
