"""How processes that were started together meet, and how they part."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

import torch
from torch import distributed

from painet_cli.errors import PainetError
from painet_cli.training.device import own_device
from painet_cli.training.distributed.launch import Launch
from painet_cli.training.distributed.process_group import ProcessGroup, Store
from painet_cli.training.distributed.world import SINGLE, World

_TO_MEET = timedelta(minutes=10)
_TO_ANSWER = timedelta(minutes=30)  # rank 0 may be writing, drawing, checking


@contextmanager
def joined(
    launch: Launch, device_name: str, patience: timedelta | None = None
) -> Iterator[tuple[World, torch.device]]:
    """Meet the other processes, and part from them when the block ends.

    Parameters
    ----------
    launch
        Which process this is.
    device_name
        `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
    patience
        How long to wait for the others; by default 10 minutes at the start and 30 later.

    Yields
    ------
    tuple[World, torch.device]
        The processes, and where this one computes.

    Raises
    ------
    PainetError
        The others did not come.
    RequestError
        There is no such device, or some processes have a GPU and some have none.
    """
    if launch.size == 1:
        yield SINGLE, own_device(device_name, launch)
        return
    with _noted_signals() as signals:
        world = ProcessGroup(launch, _meet(launch, patience), signals)
        try:
            with world.all_or_none():
                device = own_device(device_name, launch)
            world.connect(device)
            yield world, device
        except BaseException:
            world.leave(failed=True)
            raise
        world.leave(failed=False)


def _meet(launch: Launch, patience: timedelta | None) -> Store:
    # not every build of PyTorch has it
    from torch.distributed.rendezvous import rendezvous

    place = f"tcp://{launch.address}:{launch.port}"
    try:
        store, rank, size = next(
            rendezvous(place, launch.rank, launch.size, timeout=patience or _TO_MEET)
        )
        distributed.init_process_group(
            "gloo", store=store, rank=rank, world_size=size, timeout=patience or _TO_ANSWER
        )
    except (RuntimeError, ValueError) as error:
        raise PainetError(
            f"process {launch.rank} of {launch.size}: not all processes came to "
            f"{launch.address}:{launch.port}",
            "do all machines reach it? MASTER_ADDR and MASTER_PORT choose another place",
        ) from error
    return cast("Store", store)


@contextmanager
def _noted_signals() -> Iterator[list[signal.Signals]]:
    """Note what asks to stop, so that all processes stop at the same place.

    After a failure they stay noted: a launcher sends SIGTERM to those that are about to end.
    """
    noted: list[signal.Signals] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    asking = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    kinds = [kind for kind in asking if signal.getsignal(kind) is not signal.SIG_IGN]  # nohup
    before = [
        signal.signal(kind, lambda number, _: noted.append(signal.Signals(number)))
        for kind in kinds
    ]
    yield noted
    for kind, handler in zip(kinds, before, strict=True):
        signal.signal(kind, handler)
