"""Which cell of a sweep is trained next: chosen alike by all processes that share its folder."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

import torch

from painet_cli.benchmark.cells import Cell
from painet_cli.benchmark.sweep.optuna_search import OptunaSearch
from painet_cli.benchmark.sweep.spec import Sweep, settings_of
from painet_cli.benchmark.sweep.trials import Trial, TrialRow, is_trained, make_trial
from painet_cli.benchmark.workers import Listener, run_cells
from painet_cli.config.presets import Preset
from painet_cli.errors import RequestError
from painet_cli.storage.locks import LOCK, held, is_held
from painet_cli.training.setup.build import dataset_of

_CLAIM = ".claim.lock"
_WAIT_S = 1.0


class Search(Protocol):
    """The trials of a sweep, as they come to be known."""

    def trials(self) -> Sequence[Trial]:
        """All trials so far."""

    def more(self) -> bool:
        """Make another trial; False where there are enough."""

    def told(self, trial: Trial) -> None:
        """All cells of a trial are trained."""


@dataclass
class Listed:
    """A search whose trials are known from the start: a grid, or a random draw."""

    all_trials: Sequence[Trial]

    def trials(self) -> Sequence[Trial]:
        """All trials."""
        return self.all_trials

    def more(self) -> bool:
        """No more than those."""
        return False

    def told(self, trial: Trial) -> None:
        """It learns nothing."""


@dataclass
class Searching:
    """A sweep at work in one of the processes that share its folder.

    Attributes
    ----------
    failed
        Cells that failed in this process, which does not try them again.
    """

    sweep: Sweep
    folder: Path
    data_dir: Path
    device: torch.device
    budget_s: float | None = None
    failed: set[Path] = field(default_factory=set)
    _sha256: dict[str, str] = field(default_factory=dict)

    @cached_property
    def search(self) -> Search:
        """The sweep's trials.

        Raises
        ------
        RequestError
            A setting is not valid, the dataset is not prepared, or Optuna is not installed.
        """
        make = partial(make_trial, sweep=self.sweep, folder=self.folder, sha256_of=self._sha256_of)
        if self.sweep.search == "optuna":
            return OptunaSearch(self.sweep, self.folder, make)
        found = settings_of(self.sweep)
        return Listed([make(number, settings) for number, settings in enumerate(found)])

    def _sha256_of(self, preset: Preset) -> str:
        """Digest of a preset's dataset, which is read once."""
        name = preset.data.dataset
        if name not in self._sha256:
            self._sha256[name] = dataset_of(preset, self.data_dir).sha256
        return self._sha256[name]

    def run(self, listener: Listener) -> None:
        """Train what is not trained and nobody is at, until there is no more.

        Under halving a process waits for those that are at the rest of a rung; otherwise it leaves
        the rest to them.
        """
        search = self.search
        while True:
            epochs, wanted = self.rung(search.trials())
            if self._train_one(epochs, wanted, listener):
                continue
            left = [cell for trial in wanted for cell in self._left(trial, epochs)]
            for trial in wanted:
                if not self._left(trial, epochs):
                    search.told(trial)
            if search.more():
                continue
            if not left or self.sweep.halving is None:
                return
            time.sleep(_WAIT_S)

    def _train_one(self, epochs: int, trials: Sequence[Trial], listener: Listener) -> bool:
        """Train the first cell that needs it and that no other process is at; False for none."""
        for cell in (cell for trial in trials for cell in self._left(trial, epochs)):
            with _claimed(cell) as mine:
                if mine and not is_trained(cell, epochs, self.budget_s):
                    heard = _Heard(listener)
                    run_cells(
                        [cell],
                        self.data_dir,
                        self.device,
                        heard,
                        budget_s=self.budget_s,
                        until=epochs,
                    )
                    if heard.error is not None:
                        self.failed.add(cell.folder)
                    return True
        return False

    def _left(self, trial: Trial, epochs: int) -> list[Cell]:
        """Cells of a trial that are to be trained yet, less those that failed."""
        cells = [cell for cell in trial.cells if cell.folder not in self.failed]
        return [cell for cell in cells if not is_trained(cell, epochs, self.budget_s)]

    def cells_left(self) -> int:
        """How many cells of the trials that are known are to be trained yet."""
        trials = self.search.trials()
        return sum(len(self._left(trial, self._last_epochs(trials))) for trial in trials)

    def _last_epochs(self, trials: Sequence[Trial]) -> int:
        return max((c.preset.train.epochs for t in trials for c in t.cells), default=0)

    def rung(self, trials: Sequence[Trial]) -> tuple[int, Sequence[Trial]]:
        """Epochs that are asked for next, and of which trials.

        Without halving all epochs of all trials. With it the best of those that were trained as
        long as asked for so far go on; which they are follows from what is on disk.
        """
        last = self._last_epochs(trials)
        if self.sweep.halving is None:
            return last, trials
        epochs = self.sweep.halving.first
        while epochs < last and not any(self._left(trial, epochs) for trial in trials):
            scored = [(trial.score(epochs), trial) for trial in trials]
            ranked = sorted(
                ((score, trial.number, trial) for score, trial in scored if score is not None),
                key=lambda one: one[:2],
            )
            kept = max(1, len(trials) // self.sweep.halving.factor)
            trials = [trial for _, _, trial in ranked[:kept]]
            epochs = min(last, epochs * self.sweep.halving.factor)
        return min(epochs, last), trials

    def rows(self) -> list[TrialRow]:
        """What is known of all trials, the best first."""
        trials = self.search.trials()
        _, wanted = self.rung(trials)
        numbers = {trial.number for trial in wanted}
        rows = [trial.row(self._state(trial, wanted=trial.number in numbers)) for trial in trials]
        return sorted(
            rows,
            key=lambda row: (
                # what halving stopped was trained less than what went on, which may end early
                -math.inf if row.trial in numbers else -min(row.epochs),
                math.inf if row.val_mse is None else row.val_mse,
                row.trial,
            ),
        )

    def _state(self, trial: Trial, *, wanted: bool) -> str:
        if all(is_trained(c, c.preset.train.epochs, self.budget_s) for c in trial.cells):
            return "done"
        if any(is_held(cell.folder / LOCK) for cell in trial.cells):
            return "going"
        if any(cell.folder in self.failed for cell in trial.cells):
            return "failed"
        return "waiting" if wanted else "stopped"


@contextmanager
def _claimed(cell: Cell) -> Iterator[bool]:
    """Whether this process alone works on a cell, while the block runs."""
    cell.folder.parent.mkdir(parents=True, exist_ok=True)
    lock = cell.folder.with_name(f".{cell.folder.name}{_CLAIM}")
    with ExitStack() as stack:
        try:
            stack.enter_context(held(lock, cell.folder))
        except RequestError:
            yield False
        else:
            yield True


class _Heard:
    """A listener that also remembers what went wrong."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.error: str | None = None

    def began(self, cell: Cell) -> None:
        self._listener.began(cell)

    def ended(self, cell: Cell, error: str | None) -> None:
        self.error = error
        self._listener.ended(cell, error)

    def waiting(self, running: Sequence[Cell]) -> None:
        self._listener.waiting(running)
