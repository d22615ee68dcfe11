"""How many threads of the processor a training computes with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch

_WORTH = 2**18  # numbers in the largest rows of a step that a thread more is worth
_LOOK_S = 0.2


def threads_for(numbers: int, before: int | None = None) -> int:
    """Threads for a step whose largest rows hold so many numbers.

    As many as a run began with, `before`, since sums over other parts round otherwise; else as many
    as the size of the work is worth. Threads that wait spin by default, and on a busy
    machine spin for one that does not run: there no more than there are free cores. Under
    `OMP_WAIT_POLICY=PASSIVE`, as `painet` sets it, they sleep, and what else runs is of no account.
    `OMP_NUM_THREADS` is obeyed.
    """
    most = torch.get_num_threads()
    if "OMP_NUM_THREADS" in os.environ:
        return most
    if before is not None:
        return min(before, most)
    threads = min(max(numbers // _WORTH, 1), most)
    if threads > 1 and os.environ.get("OMP_WAIT_POLICY", "").upper() != "PASSIVE":
        threads = min(threads, free_cores())
    return threads


def free_cores() -> int:
    """Cores that nobody uses now, at least one."""
    busy = psutil.cpu_percent(interval=_LOOK_S) / 100
    return max(round((psutil.cpu_count() or 1) * (1 - busy)), 1)


@contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """Compute with so many threads, and then with as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
