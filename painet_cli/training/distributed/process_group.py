"""Many processes that train one model, on one machine or on many, over `torch.distributed`.

Flags, metrics and names go over gloo, gradients and weights over NCCL where they are on GPUs.
"""

from __future__ import annotations

import json
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import NoReturn, Protocol

import torch
from torch import Tensor, distributed, nn

from painet_cli.data.batches.windows import Windows
from painet_cli.errors import PainetError, RequestError, option, out_of_memory
from painet_cli.training.distributed.launch import Launch
from painet_cli.training.distributed.world import Share, World

_INTERRUPTED = 130
_EXIT_CODES = (0, _INTERRUPTED, PainetError.exit_code, RequestError.exit_code)
"""How a process stands, from good to bad: the worst is how all of them stand."""


class Store(Protocol):
    """Where processes leave short texts for each other: a store of `torch.distributed`."""

    def set(self, key: str, value: str) -> None:
        """Leave a text."""

    def get(self, key: str) -> bytes:
        """Wait for a text."""


class ProcessGroup(World):
    """The processes of a `torch.distributed` group.

    An error in one of them is an error of all: rank 0 raises it, the others leave silently with the
    same exit status. SIGINT or SIGTERM to any of them stops all at the end of the same block.

    Parameters
    ----------
    launch
        Which process this is.
    store
        Where short texts are left for each other.
    signals
        Those that have arrived so far.
    """

    def __init__(self, launch: Launch, store: Store, signals: Sequence[signal.Signals]) -> None:
        self.rank, self.size = launch.rank, launch.size
        self._store = store
        self._signals = signals
        self._gradients: distributed.ProcessGroup | None = None  # the default group, gloo
        self._times_told = 0
        self._pending: list[BaseException] = []  # errors of making batches
        self._agreed = False  # whether all know that they stop here

    def connect(self, device: torch.device) -> None:
        """Let gradients and weights travel between devices of this kind.

        Raises
        ------
        RequestError
            Some processes have a GPU and some have none.
        """
        first = self.broadcast_text(lambda: device.type)
        with self.all_or_none():
            if device.type != first:
                raise RequestError(
                    f"it computes on {device.type} and process 0 on {first}",
                    f"{option('device', 'cpu')} or {option('device', 'cuda')} means the same in "
                    "all of them",
                )
        if device.type == "cuda":
            torch.cuda.set_device(device)
            self._gradients = distributed.new_group(backend="nccl")

    def leave(self, *, failed: bool) -> None:
        """Part from the others; where all are known to be here, when rank 0 has written all."""
        if self._agreed or not failed:
            with suppress(RuntimeError):  # the others may have gone
                distributed.barrier()
            distributed.destroy_process_group()

    def shares(
        self, windows: Windows, batch_size: int, order: Tensor | None = None
    ) -> Iterator[Share]:
        """Parts of every batch that fall to this process: its share of each, however unequal."""
        order = torch.arange(len(windows)) if order is None else order
        whole = torch.split(order, batch_size)
        own = [self._part(indices) for indices in whole]
        batches = windows.batches_of([indices for indices in own if len(indices)])
        for part, indices in zip(own, whole, strict=True):
            batch = None
            with _caught() as self._pending:
                batch = next(batches) if len(part) else None
            yield Share(batch, len(part) / len(indices))
            if self._pending:
                return

    def _part(self, indices: Tensor) -> Tensor:
        return indices.tensor_split(self.size)[self.rank]

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """A block that ends well in all processes or raises in all of them."""
        with _caught() as errors:
            yield
        self._agree(errors)

    @contextmanager
    def averaging(self, model: nn.Module, weight: float) -> Iterator[None]:
        """A block after which gradients are those of the whole batch.

        They travel as one vector. A parameter that no process has a gradient of keeps none, as it
        does alone: an optimiser passes over it.
        """
        with _caught() as errors:
            yield
        parameters = [p for p in model.parameters() if p.requires_grad]
        learned = self._agree(errors, [p.grad is not None for p in parameters])
        parameters = [p for p, flag in zip(parameters, learned, strict=True) if flag]
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        vector = torch.cat([part.flatten() for part in parts]).mul_(weight)
        self._all_reduce(vector, self._gradients)
        for p, part in zip(
            parameters, torch.split(vector, [p.numel() for p in parameters]), strict=True
        ):
            p.grad = part.view_as(p)

    def broadcast_weights(self, models: Iterable[nn.Module], identity: str) -> None:
        """Give all processes the weights of rank 0; raises where one was given something else."""
        first = self.broadcast_text(lambda: identity)
        with self.all_or_none():
            if first != identity:
                raise RequestError(
                    "its preset, dataset or version of painet is not that of process 0",
                    "start all with the same command on the same data",
                )
        for tensor in chain.from_iterable(model.state_dict().values() for model in models):
            distributed.broadcast(tensor, 0, group=self._gradients)

    def all_reduce(self, own: Tensor) -> Tensor:
        """Sums over the processes of numbers on the CPU."""
        sums = own.clone()
        self._all_reduce(sums)
        return sums

    def broadcast_number(self, own: float) -> float:
        """The number of rank 0."""
        return float(
            self.all_reduce(torch.tensor(own if self.rank == 0 else 0.0, dtype=torch.float64))
        )

    def gather_rows(self, own: Sequence[Tensor], windows: Windows, batch_size: int) -> Tensor:
        """Rows of all windows in their order, (S, T) float64 on the CPU, each window once."""
        whole = torch.split(torch.arange(len(windows)), batch_size)
        mine = torch.cat([self._part(indices) for indices in whole])
        # a row is zero in all processes but one, and adding zero changes no bit
        rows = torch.zeros(len(windows), len(windows.offsets), dtype=torch.float64)
        if own:
            rows[mine] = super().gather_rows(own, windows, batch_size)
        return self.all_reduce(rows)

    def broadcast_text(self, make: Callable[[], str]) -> str:
        """What rank 0 makes, in all processes."""
        key = f"painet/told/{self._times_told}"
        self._times_told += 1
        with self.all_or_none():
            if self.rank == 0:
                self._store.set(key, make())
        return self._store.get(key).decode()

    def _agree(self, errors: Sequence[BaseException], flags: Sequence[bool] = ()) -> list[bool]:
        """Learn how all processes stand, and raise in all of them where one stands badly.

        Returns
        -------
        list[bool]
            Which of the flags are set in any process.
        """
        stopped = [KeyboardInterrupt()] if self._signals else []
        error = next(iter([*self._pending, *errors, *stopped]), None)
        code = _exit_code(error)
        failed = code not in (0, _INTERRUPTED)
        if failed:
            self._store.set(_failure_of(self.rank), _as_text(error))
        first = self.size - self.rank if failed else 0  # the largest is that of the lowest rank
        seen = torch.tensor([_EXIT_CODES.index(code), first, *flags], dtype=torch.int32)
        self._all_reduce(seen, largest=True)
        state, first, *any_flags = seen.tolist()
        if state:
            self._stop(_EXIT_CODES[state], self.size - first, error)
        return [bool(flag) for flag in any_flags]

    def _stop(self, code: int, culprit: int, error: BaseException | None) -> NoReturn:
        self._agreed = True
        if self.rank != 0:
            raise SystemExit(code) from error
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
        if culprit == 0 and error is not None:
            raise error
        raise _from_text(culprit, code, self._store.get(_failure_of(culprit)))

    def _all_reduce(
        self,
        tensor: Tensor,
        group: distributed.ProcessGroup | None = None,
        *,
        largest: bool = False,
    ) -> None:
        operation = distributed.ReduceOp.MAX if largest else distributed.ReduceOp.SUM
        try:
            distributed.all_reduce(tensor, operation, group)
        except RuntimeError as error:
            raise PainetError(
                f"process {self.rank} of {self.size}: another process is gone, or does not answer",
                "`painet train --resume RUN` goes on after the last whole epoch",
            ) from error


@contextmanager
def _caught() -> Iterator[list[BaseException]]:
    """What a block raises, kept until the other processes know of it."""
    errors: list[BaseException] = []
    try:
        yield errors
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - `_agree` raises it
        errors.append(error)


def _exit_code(error: BaseException | None) -> int:
    if error is None:
        return 0
    if isinstance(error, KeyboardInterrupt):
        return _INTERRUPTED
    return error.exit_code if isinstance(error, PainetError) else PainetError.exit_code


def _failure_of(rank: int) -> str:
    return f"painet/failure/{rank}"


def _as_text(error: BaseException | None) -> str:
    """An error as JSON: nothing is unpickled, not even what another process sends."""
    what, hint = f"{type(error).__name__}: {error}".splitlines()[0], ""
    if isinstance(error, PainetError):
        what, hint = error.what, error.hint
    elif error is not None and out_of_memory(error):
        what, hint = "out of memory", "lower train.batch_size or model.hidden"
    traces = "".join(traceback.format_exception(error))
    return json.dumps({"what": what, "hint": hint, "traceback": traces})


def _from_text(rank: int, code: int, text: bytes) -> PainetError:
    told = json.loads(text)
    kind = RequestError if code == RequestError.exit_code else PainetError
    error = kind(f"process {rank}: {told['what']}", told["hint"])
    error.add_note(f"In process {rank}:\n{told['traceback']}")
    return error
