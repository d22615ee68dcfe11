"""Which device computes, and how much memory it took."""

from __future__ import annotations

import ctypes
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import torch

from painet_cli.errors import RequestError, option
from painet_cli.training.distributed.launch import Launch

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # names of glibc's settings


def resolve_device(name: str) -> torch.device:
    """Device of a name; `auto` takes a GPU where there is one.

    Raises
    ------
    RequestError
        The name is not one of these, or the machine has no such device.
    """
    if name == "auto":
        name = (
            "cuda"
            if torch.cuda.is_available()
            else "mps"
            if torch.backends.mps.is_available()
            else "cpu"
        )
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and (kind != "cuda" or not index.isdecimal())):
        raise RequestError(
            f"{option('device', name)}: no such device", "choose auto, cpu, cuda, cuda:N or mps"
        )
    count = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }[kind]
    if int(index or 0) >= count:
        raise RequestError(
            f"{option('device', name)}: this machine has {count} {kind} devices",
            f"try {option('device', 'auto')}",
        )
    return torch.device(name)


def own_device(name: str, launch: Launch) -> torch.device:
    """Device of a process; on a machine with several, each has a GPU of its own.

    Raises
    ------
    RequestError
        The machine has no such device, or one that the processes cannot share.
    """
    device = resolve_device(name)
    if launch.size == 1 or device.type == "cpu":
        return device
    if device.index is not None or device.type != "cuda":
        raise RequestError(
            f"{option('device', name)}: {launch.size} processes cannot share {device}",
            f"{option('device', 'cuda')} gives each process of a machine a GPU of its own",
        )
    bound = launch.own_gpu and torch.cuda.device_count() == 1
    return resolve_device("cuda:0" if bound else f"cuda:{launch.local_rank}")


def seed_everything(seed: int, device: torch.device) -> None:
    """Seed torch and ask for the algorithms that give the same bits twice."""
    torch.manual_seed(seed)
    if device.type == "cuda":
        torch.use_deterministic_algorithms(mode=True, warn_only=True)


@contextmanager
def process_as_before(device: torch.device) -> Iterator[None]:
    """Work that seeds torch and asks for its deterministic algorithms, and put both back after."""
    devices = [device] if device.type == "cuda" else []
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(mode=deterministic, warn_only=warn_only)


@contextmanager
def drawing_by(seed: int, device: torch.device) -> Iterator[None]:
    """Work whose draws, of a model that makes some, are those of a seed and of no one else."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device now, less a tenth for what cannot be foreseen."""
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
    elif device.type == "mps":
        free = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    else:
        free = psutil.virtual_memory().available
    return int(0.9 * free)


def reuse_freed_memory() -> None:
    """Have the C library keep what a step frees for the next one, which allocates as much again.

    By default glibc gives it back to the system, and each step waits for every page to be mapped
    anew. Elsewhere nothing changes. It holds for the rest of the process, so it is for commands to
    ask for, not for a library.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library, or Windows
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, 2**25)  # the largest there is; else large ones are unmapped
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Round numbers below 1e-38 to zero: Adam's vanishing moments slow a CPU down many times."""
    before = not bool(torch.tensor(1e-40) * 1.0 > 0)  # torch does not say it otherwise
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


class MemoryMeter:
    """Peak memory since the meter was made.

    On a GPU what torch's allocator held at most; elsewhere the process's largest resident set less
    its size when the meter was made.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            with suppress(OSError):  # Linux: forget peaks of earlier work in this process
                Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
            self._before = psutil.Process().memory_info().rss

    @property
    def kind(self) -> str:
        """What is measured, for a table's footnote."""
        return "GPU memory allocated" if self.device.type == "cuda" else "resident set above start"

    def peak_gb(self) -> float:
        """Peak in GB (1e9 bytes)."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 1e9
        return max(0.0, _peak_rss() - self._before) / 1e9


def _peak_rss() -> float:
    """Largest resident set of this process in bytes."""
    with suppress(OSError):  # Linux, where getrusage also counts the process that started this one
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return 1024.0 * int(line.split()[1])
    unit = 1.0 if sys.platform == "darwin" else 1024.0
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
