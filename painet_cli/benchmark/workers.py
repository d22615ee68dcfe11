"""A benchmark at work: every cell trained, then evaluated, in processes of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol

import torch

from painet_cli.benchmark.cells import Cell
from painet_cli.benchmark.child import Child
from painet_cli.config.presets import load_preset
from painet_cli.errors import PainetError, RequestError
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.evaluation import save_evaluation
from painet_cli.storage.atomic import check_writable, write_text
from painet_cli.training.device import reuse_freed_memory
from painet_cli.training.run import resume_run
from painet_cli.training.run_folder import CONFIG
from painet_cli.training.trainer import EpochRecord, Trainer
from painet_cli.training.watching.callback import Callback

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
    until: int | None = None,
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
    until
        Train to the end of this epoch, and evaluate nothing but what training does.

    Raises
    ------
    RequestError
        A cell's folder cannot be written.
    """
    threads = max(1, torch.get_num_threads() // jobs)
    train: Work = _train_cell if until is None else partial(_train_until, until=until)
    waiting = deque(cells)
    running: list[tuple[Cell, Work, Child[None]]] = []

    def start(cell: Cell, work: Work) -> None:
        arguments = (cell.folder, data_dir, str(device), budget_s, threads)
        running.append((cell, work, Child.start(work, *arguments)))

    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                cell = waiting.popleft()
                _write_preset(cell)
                start(cell, train)
                listener.began(cell)
            running[0][2].is_done(_POLL_S)
            listener.waiting([cell for cell, _, _ in running])
            for ended in [one for one in running if one[2].is_done()]:
                running.remove(ended)
                cell, work, child = ended
                error = _error(child)
                if error is None and work is _train_cell:
                    # by itself: memory that training has had would not be counted again
                    start(cell, _evaluate_cell)
                else:
                    listener.ended(cell, error)
    finally:
        for _, _, child in running:
            child.process.terminate()
        for _, _, child in running:
            child.process.join()


def _error(child: Child[None]) -> str | None:
    """What the ended process said went wrong; None where nothing did."""
    try:
        child.result()
    except PainetError as error:
        return error.what
    return None


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
    write_text(cell.folder / CONFIG, preset.to_yaml())


def _train_cell(
    folder: Path, data_dir: Path, device: str, budget_s: float | None, threads: int
) -> None:
    torch.set_num_threads(threads)
    reuse_freed_memory()
    resume_run(folder, data_dir, torch.device(device), Callback(), budget_s=budget_s)


class _StopAfter(Callback):
    """Interrupts a training after an epoch."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.reached = False

    def epoch(self, record: EpochRecord, trainer: Trainer) -> None:
        """Interrupt it where more would come."""
        if record.epoch >= self.last and trainer.finished_by is None:
            self.reached = True
            raise KeyboardInterrupt


def _train_until(
    folder: Path, data_dir: Path, device: str, budget_s: float | None, threads: int, *, until: int
) -> None:
    torch.set_num_threads(threads)
    reuse_freed_memory()
    stop = _StopAfter(until)
    try:
        resume_run(folder, data_dir, torch.device(device), stop, budget_s=budget_s)
    except KeyboardInterrupt:
        if not stop.reached:
            raise


def _evaluate_cell(
    folder: Path, data_dir: Path, device: str, budget_s: float | None, threads: int
) -> None:
    torch.set_num_threads(threads)
    save_evaluation(evaluate_run(folder, data_dir, torch.device(device), rivals=True))
