"""A trial: one setting, its cells of one seed each, and how far they have come."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from painet_cli.benchmark.cells import Cell, make_cell
from painet_cli.benchmark.sweep.spec import Settings, Sweep
from painet_cli.config.differences import as_words
from painet_cli.config.presets import Preset, load_preset, preset_name
from painet_cli.errors import spelling
from painet_cli.storage.archives import number, numbers_in, read_object
from painet_cli.training.run_folder import METRICS, RECORD


@dataclass(frozen=True)
class Trial:
    """One setting of a sweep.

    Attributes
    ----------
    number
        From 0 on, in the order of the search.
    settings
        What it tries, by dotted key.
    cells
        One a seed.
    """

    number: int
    settings: Settings
    cells: tuple[Cell, ...]

    def __str__(self) -> str:
        return f"trial {self.number} {as_words(self.settings)}"

    def val_mses(self, epochs: int | None = None) -> list[float]:
        """Smallest validation MSE of each cell that has one, within so many epochs."""
        found = (best_validation(cell.folder, epochs) for cell in self.cells)
        return [mse for mse in found if mse is not None]

    def score(self, epochs: int | None = None) -> float | None:
        """Mean of `val_mses`; None unless all of its cells have one."""
        mses = self.val_mses(epochs)
        return fmean(mses) if len(mses) == len(self.cells) else None

    def row(self, state: str) -> TrialRow:
        """What is known of it."""
        mses = self.val_mses()
        return TrialRow(
            trial=self.number,
            settings=self.settings,
            state=state,
            val_mse=self.score(),
            sd=stdev(mses) if len(mses) > 1 else None,
            epochs=[cell.epochs_done() for cell in self.cells],
            runs=[str(cell.folder) for cell in self.cells],
        )


@dataclass(frozen=True)
class TrialRow:
    """A row of `sweep.json` and `sweep.csv`."""

    trial: int
    settings: Settings
    state: str
    """`done`, `stopped` by successive halving, `going` or `waiting`."""
    val_mse: float | None
    """Mean over seeds of the smallest validation MSE; None before all have one."""
    sd: float | None
    """Sample standard deviation over seeds; None for one seed."""
    epochs: list[int]
    """Trained so far, a seed."""
    runs: list[str]
    """Run folders, a seed."""


def make_trial(
    number: int,
    settings: Settings,
    sweep: Sweep,
    folder: Path,
    sha256_of: Callable[[Preset], str],
) -> Trial:
    """Trial of a setting, with its cells' run folders below `folder`.

    Parameters
    ----------
    sha256_of
        Digest of a preset's dataset.

    Raises
    ------
    RequestError
        The setting is not valid for the preset, or the dataset is not prepared.
    """
    changes = [f"{key}={json.dumps(value)}" for key, value in (sweep.settings | settings).items()]
    with spelling(lambda *_: "the sweep"):  # whose file says so, not the command line
        first = load_preset(sweep.preset, changes)
    name, sha256, label = preset_name(sweep.preset), sha256_of(first), as_words(settings)
    cells = []
    for seed in range(first.train.seed, first.train.seed + sweep.seeds):
        preset = load_preset(sweep.preset, [*changes, f"train.seed={seed}"])
        cells.append(replace(make_cell(name, preset, sha256, folder), label=label))
    return Trial(number, settings, tuple(cells))


def best_validation(run: Path, epochs: int | None = None) -> float | None:
    """Smallest validation MSE of a run within so many epochs; None before the first."""
    mses = [
        line["val_mse"]
        for line in _lines(run / METRICS)
        if line.get("val_mse") is not None and (epochs is None or line["epoch"] <= epochs)
    ]
    # a training that its budget ended early was validated once, outside of its epochs
    return min(mses, default=None) if mses or epochs else number(_record(run).get("val_mse"))


def is_trained(cell: Cell, epochs: int, budget_s: float | None) -> bool:
    """Whether a cell has been trained so many epochs, or to its end."""
    record = _record(cell.folder)
    ended = record.get("stopped_by") if record.get("status") == "done" else None
    if ended == "budget":
        return budget_s is not None and (number(record.get("seconds")) or 0.0) >= budget_s
    if epochs < cell.preset.train.epochs and len(_lines(cell.folder / METRICS)) >= epochs:
        return True
    return ended is not None


def _record(run: Path) -> dict[str, Any]:
    return read_object(run / RECORD) or {}


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [numbers_in(text, ("epoch", "val_mse")) for text in lines]
    except (OSError, ValueError):  # none yet, or a line that is being written
        return []
