"""What decodes a file in a process of its own, and what may become of it; see `storage.decoder`."""

from __future__ import annotations

import ctypes
import os
import signal

import numpy as np

from painet_cli.errors import RequestError
from painet_cli.storage.decoder import Answer, Opened


def good(path: str) -> Opened:
    def answer(number: int) -> Answer:
        return {"number": number}, [np.full((2, 3), number, dtype=np.float32), np.zeros(0)]

    return {"path": path, "child": os.getpid(), "server": os.getppid()}, answer


def crashes(path: str) -> Opened:
    ctypes.string_at(0)
    return good(path)


def crashes_later(path: str) -> Opened:
    told, _ = good(path)
    return told, lambda number: ({}, [np.frombuffer(ctypes.string_at(number), dtype=np.uint8)])


def is_killed(path: str) -> Opened:
    os.kill(os.getpid(), signal.SIGKILL)
    return good(path)


def goes_round(path: str) -> Opened:
    signal.setitimer(signal.ITIMER_PROF, 0.1)  # `_MOST_S` of it
    while True:
        pass


def takes_all(path: str) -> Opened:
    return {}, lambda number: ({}, [np.ones(number, dtype=np.uint8)])


def refuses(path: str) -> Opened:
    raise RequestError(f"{path}: no", "get it again")
