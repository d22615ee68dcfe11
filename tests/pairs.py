"""Two processes that train together, as torchrun would have started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from unittest.mock import patch

from painet_cli.cli.app import main
from painet_cli.errors import PainetError
from painet_cli.training.distributed.join import joined
from painet_cli.training.distributed.launch import Launch

T = TypeVar("T")
PATIENCE_S = 60.0  # a pair that waits for longer has come apart, and its test fails


@dataclass(frozen=True)
class Ended:
    """How a task ended in one process."""

    value: Any = None
    error: str = ""
    """Name of the exception's class."""
    what: str = ""
    hint: str = ""
    code: int = 0
    """Exit status of a process that left silently."""


class Typed(NamedTuple):
    """How a command ended in one process, and what it said."""

    status: int
    out: str
    err: str


class Pair:
    """Two processes at hand for one task after another, so that torch is imported once."""

    def __enter__(self) -> Self:
        self._pool = multiprocessing.get_context("spawn").Pool(2)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._pool.terminate()  # ends one that hangs, too
        self._pool.join()

    def run(
        self,
        task: Callable[..., Any],  # world, *arguments
        *arguments: object,
        devices: tuple[str, str] = ("cpu", "cpu"),
    ) -> tuple[Ended, Ended]:
        """Do a task in both; gives how it ended at rank 0 and at rank 1."""
        port = free_port()
        return self._both(
            _in_process,
            *(
                (Launch(rank, 2, rank, "127.0.0.1", port), device, task, arguments)
                for rank, device in enumerate(devices)
            ),
        )

    def type(self, *words: object) -> tuple[Typed, Typed]:
        """Type a command in both, as two tasks of a step that srun has started."""
        step = {
            "SLURM_STEP_NUM_TASKS": "2",
            "SLURM_STEP_NODELIST": "127.0.0.1",
            "MASTER_PORT": str(free_port()),
        }
        tasks = ({**step, "SLURM_PROCID": rank, "SLURM_LOCALID": rank} for rank in "01")
        return self._both(_typed, *((task, [str(word) for word in words]) for task in tasks))

    def _both(self, work: Callable[..., T], *arguments: tuple[object, ...]) -> tuple[T, T]:
        first, second = (self._pool.apply_async(work, one) for one in arguments)
        return first.get(2 * PATIENCE_S), second.get(2 * PATIENCE_S)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _in_process(
    launch: Launch, device: str, task: Callable[..., Any], arguments: tuple[object, ...]
) -> Ended:
    try:
        with joined(launch, device, timedelta(seconds=PATIENCE_S)) as (world, _):
            return Ended(task(world, *arguments))
    except PainetError as error:
        return Ended(error=type(error).__name__, what=error.what, hint=error.hint)
    except KeyboardInterrupt:
        return Ended(error="KeyboardInterrupt")
    except SystemExit as left:
        return Ended(error="SystemExit", code=int(str(left.code)))
    finally:
        _can_be_ended()


def _typed(environment: dict[str, str], words: list[str]) -> Typed:
    out, err = StringIO(), StringIO()
    told = {**environment, "COLUMNS": "80", "NO_COLOR": "1"}
    with patch.dict(os.environ, told), redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(words)
        except SystemExit as left:
            status = int(str(left.code))
        finally:
            _can_be_ended()
    return Typed(status, out.getvalue(), err.getvalue())


def _can_be_ended() -> None:
    """Heed SIGTERM again, which a process whose work has failed no longer does."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
