"""Work in a process of its own: its result, its failure, its end."""

from __future__ import annotations

import math
import os
import sys
import time

import numpy as np
import pytest

from painet_cli.benchmark.child import StoppedError, run_in_child
from painet_cli.errors import PainetError


def test_gives_the_result() -> None:
    assert run_in_child(math.sqrt, 9.0, limit_s=60, memory_gb=None) == 3.0


def test_says_how_it_failed() -> None:
    with pytest.raises(PainetError, match=r"^ValueError: "):
        run_in_child(math.sqrt, -1.0, limit_s=60, memory_gb=None)


def test_stops_what_takes_too_long() -> None:
    begun = time.monotonic()
    with pytest.raises(StoppedError, match=r"after 0\.5 s"):
        run_in_child(time.sleep, 60.0, limit_s=0.5, memory_gb=None)
    assert time.monotonic() - begun < 30


def test_outlives_a_process_that_dies() -> None:
    with pytest.raises(PainetError, match="ended with 7"):
        run_in_child(os._exit, 7, limit_s=60, memory_gb=None)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces it")
def test_holds_it_to_its_memory() -> None:
    with pytest.raises(PainetError, match="MemoryError"):
        run_in_child(np.ones, 10**9, limit_s=60, memory_gb=2.0)
