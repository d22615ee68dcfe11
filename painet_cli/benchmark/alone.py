"""Work in a process of its own: its memory is its own, and it can be stopped."""

from __future__ import annotations

import multiprocessing
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from painet_cli.errors import PainetError
from painet_cli.storage.children import isolated_spawn

T = TypeVar("T")


class StoppedError(PainetError):
    """The work took longer than it was given."""


def run_alone(
    work: Callable[..., T], *arguments: Any, limit_s: float, memory_gb: float | None
) -> T:
    """Result of `work(*arguments)`, done in a fresh process.

    Parameters
    ----------
    work
        A function of a module, with arguments and a result that can be pickled.
    limit_s
        Seconds it may take, with its imports.
    memory_gb
        Memory it may ask the system for, where the system enforces that (Linux does); None for as
        much as there is. The kernel is also told to end it before others when memory runs out.

    Raises
    ------
    StoppedError
        It took longer.
    PainetError
        It failed; says with what.
    """
    spawn = multiprocessing.get_context("spawn")  # a fork would inherit torch's threads
    inbox, outbox = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_work, args=(work, arguments, outbox, memory_gb))
    with isolated_spawn():
        process.start()
    outbox.close()
    try:
        if not inbox.poll(limit_s):
            raise StoppedError(f"stopped after {limit_s:.3g} s")
        done, value = inbox.recv()
    except EOFError:
        process.join()
        raise PainetError(
            f"its process ended with {process.exitcode}"
            + (", out of memory?" if process.exitcode == -9 else "")
        ) from None
    finally:
        process.terminate()
        process.join()
    if not done:
        raise PainetError(value)
    result: T = value
    return result


def _work(
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
    outbox: Connection,
    memory_gb: float | None,
) -> None:
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
    except Exception as error:  # noqa: BLE001 - told to the parent, which goes on
        said = str(error).strip().splitlines() or [""]
        outbox.send((False, f"{type(error).__name__}: {said[0]}"))
