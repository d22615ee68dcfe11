"""Who is at work on a folder: one at a time, and the others are told who it is."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from painet_cli.errors import RequestError, cannot_write

LOCK = ".lock"
"""A lock inside the folder that it keeps."""


@contextmanager
def held(lock: Path, what: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Keep all others away from `what` while the block runs.

    The operating system holds the lock, so it ends with the process, however that ends; a file left
    by a killed one locks nothing.

    Parameters
    ----------
    lock
        The file that is locked, in a folder that exists; it is gone after the block.
    what
        The file or folder that is worked on, for the message.
    wait_s
        Seconds to wait for another process that holds it.

    Raises
    ------
    PainetError
        The disk is full.
    RequestError
        Another process holds it, or the lock cannot be written.
    """
    own = FileLock(lock)
    try:
        own.acquire(timeout=wait_s)
    except Timeout as error:
        raise RequestError(
            f"{what}: {_holder(lock)} is at work on it",
            "wait until it is done, or choose another folder",
        ) from error
    except OSError as error:
        raise cannot_write(what, error) from error
    try:
        with suppress(OSError):  # a full disk: the lock holds all the same
            lock.write_text(_myself(), encoding="utf-8", errors="replace")
        yield
    finally:
        # before it is released: a file that another has locked since must not be removed
        with suppress(OSError):
            lock.unlink()
        own.release()


def is_held(lock: Path) -> bool:
    """Whether a process holds a lock at this moment."""
    if not lock.is_file():
        return False
    probe = FileLock(lock)
    try:
        probe.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:  # a folder that can only be read
        return False
    probe.release()
    return False


def _myself() -> str:
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    return f"process {os.getpid()} on {platform.node()} (`{command}`)"


def _holder(lock: Path) -> str:
    try:
        said = lock.read_text(encoding="utf-8", errors="replace")[:300].strip()
    except OSError:
        said = ""
    return said if said.startswith("process ") and said.isprintable() else "another process"
