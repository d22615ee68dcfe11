"""A benchmark at work: every cell trained, then evaluated, in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Protocol

import torch

from painet_cli.benchmark.cells import Cell
from painet_cli.config.presets import load_preset, preset_yaml
from painet_cli.errors import PainetError, RequestError
from painet_cli.evaluation.evaluate import evaluate_run, save_evaluation
from painet_cli.storage.atomic import check_writable, write_text
from painet_cli.storage.children import isolated_spawn
from painet_cli.training.run import CONFIG, resume_run
from painet_cli.training.trainer import EpochRecord, Trainer

_POLL_S = 0.5

Work = Callable[[Path, Path, str, float | None, int], None]
"""What a process does with a folder: data directory, device, budget and threads."""


class Listener(Protocol):
    """Someone who is told how a benchmark goes."""

    def began(self, cell: Cell) -> None:
        """A cell's training has begun, or goes on."""

    def ended(self, cell: Cell, error: str | None) -> None:
        """A cell is done, or has failed with a message."""

    def waiting(self, running: Sequence[Cell]) -> None:
        """Called while cells are trained, about twice a second."""


def run_cells(
    cells: Sequence[Cell],
    data_dir: Path,
    device: torch.device,
    listener: Listener,
    *,
    jobs: int = 1,
    budget_s: float | None = None,
) -> None:
    """Train and evaluate cells, each in a process of its own, so that memory is measured alone.

    Cells that fail are told to the listener; the others go on. An interrupt stops all, with every
    whole epoch kept.

    Parameters
    ----------
    jobs
        Cells at a time; each has its share of the processor's cores.
    budget_s
        Seconds of training a cell; None for no limit.

    Raises
    ------
    RequestError
        A cell's folder cannot be written.
    """
    threads = max(1, torch.get_num_threads() // jobs)
    waiting = deque(cells)
    running: list[_Running] = []

    def start(cell: Cell, work: Work) -> None:
        arguments = (cell.folder, data_dir, str(device), budget_s, threads)
        running.append(_Running.start(cell, work, arguments))

    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                cell = waiting.popleft()
                _write_preset(cell)
                start(cell, _train_cell)
                listener.began(cell)
            running[0].process.join(_POLL_S)
            listener.waiting([one.cell for one in running])
            for ended in [one for one in running if not one.process.is_alive()]:
                running.remove(ended)
                error = ended.error()
                if error is None and ended.work is _train_cell:
                    # by itself: memory that training has had would not be counted again
                    start(ended.cell, _evaluate_cell)
                else:
                    listener.ended(ended.cell, error)
    finally:
        for one in running:
            one.process.terminate()
        for one in running:
            one.process.join()


def _write_preset(cell: Cell) -> None:
    check_writable(cell.folder, force=True, place="out")
    cell.folder.mkdir(exist_ok=True)
    preset = cell.preset
    with suppress(RequestError):  # a cell that was stopped goes on as it began
        begun = load_preset(str(cell.folder / CONFIG))
        if preset.train.activations == "auto":
            preset = preset.changed({"train.activations": begun.train.activations})
        if preset == begun:
            return
    write_text(cell.folder / CONFIG, preset_yaml(preset))


def _train_cell(
    folder: Path, data_dir: Path, device: str, budget_s: float | None, threads: int
) -> None:
    torch.set_num_threads(threads)
    resume_run(folder, data_dir, torch.device(device), _Silent(), budget_s=budget_s)


def _evaluate_cell(
    folder: Path, data_dir: Path, device: str, budget_s: float | None, threads: int
) -> None:
    torch.set_num_threads(threads)
    save_evaluation(evaluate_run(folder, data_dir, torch.device(device), rivals=True))


def _told(work: Work, arguments: tuple[Any, ...], outbox: Connection) -> None:
    """Do the work in a process of its own; a failure is sent as text."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as in the parent
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        work(*arguments)
    except PainetError as error:
        outbox.send(error.what)
    except KeyboardInterrupt:
        outbox.send("interrupted")
    except Exception as error:  # noqa: BLE001 - one cell's failure must not end the others
        outbox.send(f"{type(error).__name__}: {error}")


def _end_with_parent() -> None:
    """Do not train on where a killed benchmark would want to go on."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


@dataclass(frozen=True)
class _Running:
    """A cell at work in a process, and where that says what went wrong."""

    cell: Cell
    work: Work
    process: SpawnProcess
    inbox: Connection

    @classmethod
    def start(cls, cell: Cell, work: Work, arguments: tuple[Any, ...]) -> _Running:
        spawn = multiprocessing.get_context("spawn")  # a fork would inherit torch's threads
        inbox, outbox = spawn.Pipe(duplex=False)
        process = spawn.Process(target=_told, args=(work, arguments, outbox))
        with isolated_spawn():
            process.start()
        outbox.close()
        return cls(cell, work, process, inbox)

    def error(self) -> str | None:
        """What the ended process said went wrong; None where nothing did."""
        try:
            return str(self.inbox.recv()) if self.inbox.poll() else None
        except EOFError:
            code = self.process.exitcode
            return None if code == 0 else f"its process ended with {code}"


class _Silent:
    def started(self, run: Path, trainer: Trainer) -> None: ...

    def epoch(self, record: EpochRecord, trainer: Trainer) -> None: ...
