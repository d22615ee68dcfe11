"""A benchmark: cells of preset, model and seed, each trained once and kept.

A cell is a run folder whose name holds a digest of its preset and of its dataset: asked for again
it is read, stopped half-way it goes on, and with another setting it is another cell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.benchmark.tables.taken import check_taken
from painet_cli.config.dotted import expanded
from painet_cli.config.presets import Preset, load_preset, preset_name, preset_names
from painet_cli.config.schema import ConstantSchedule, TimedSchedule
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluation import WINDOW_ERRORS, Evaluation, read_window_errors
from painet_cli.storage.archives import read_object
from painet_cli.storage.provenance import is_unchanged
from painet_cli.training.run_folder import EVALUATION, METRICS, RECORD
from painet_cli.training.setup.build import dataset_of


@dataclass(frozen=True)
class Cell:
    """One model on one preset with one seed.

    Attributes
    ----------
    preset_name
        Name of the preset that `preset` was made from.
    preset
        With the cell's model, seed and settings.
    folder
        Its run folder.
    label
        What tells it from the preset's other cells, beside model and seed.
    """

    preset_name: str
    preset: Preset
    folder: Path
    label: str = ""

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.preset.model.name

    @property
    def seed(self) -> int:
        """Seed of weights and order."""
        return self.preset.train.seed

    def __str__(self) -> str:
        what = f"{self.model} {self.label}".rstrip()
        return f"{self.preset_name} {what} seed {self.seed}"

    def is_done(self, budget_s: float | None) -> bool:
        """Whether it is trained to its end, or as long as the budget allows, and evaluated."""
        record = read_object(self.folder / RECORD) or {}
        try:
            ended = record["status"] == "done" and is_whole(self.preset, record, budget_s)
        except (ValueError, KeyError, TypeError, OverflowError):
            return False
        return bool(ended and (self.folder / WINDOW_ERRORS).exists() and _evaluation(self, record))

    def epochs_done(self) -> int:
        """Epochs trained so far."""
        try:
            return (self.folder / METRICS).read_bytes().count(b"\n")
        except OSError:
            return 0

    def share_done(self) -> float:
        """How much of its epochs is trained; a closed form has one, whatever the preset says."""
        epochs = 1 if self.preset.model.closed_form else self.preset.train.epochs
        return min(1.0, self.epochs_done() / epochs)


@dataclass(frozen=True)
class Result:
    """What came of a cell.

    Attributes
    ----------
    cell
        The cell.
    record
        Its `run.json`.
    evaluation
        Its `evaluation.json`.
    squared
        (S, T) errors of its test windows; of a record some of them, their mean over T.
    largest
        Of `squared`, where that does not hold all windows.
    """

    cell: Cell
    record: dict[str, Any]
    evaluation: dict[str, Any]
    squared: NDArray[np.float64]
    largest: float | None = None

    @property
    def end(self) -> str:
        """What ended its training: `patience`, `schedule`, `closed form`, `epochs` or `budget`.

        `schedule` is the last epoch of a rate that had come down to nothing, `epochs` the last one
        at a rate at which more could have been learned. A closed form needs no more than one.
        """
        train, ended = self.cell.preset.train, str(self.record["stopped_by"])
        if ended != "epochs":
            return ended
        if self.cell.preset.model.closed_form:
            return "closed form"
        schedule = train.schedule
        if isinstance(schedule, ConstantSchedule | TimedSchedule):
            return ended
        return "schedule" if schedule.final_fraction == 0 else ended

    @cached_property
    def window_mse(self) -> NDArray[np.float64]:
        """(S,) MSE of each test window, over the steps that the preset reports."""
        reported = self.squared[:, -1:] if self.cell.preset.data.report == "last" else self.squared
        mean: NDArray[np.float64] = reported.mean(axis=1)
        return mean


def is_whole(preset: Preset, record: Mapping[str, Any], budget_s: float | None) -> bool:
    """Whether a training that ended has come to its end, or as far as a budget allows.

    What ended by a smaller budget, or by fewer epochs than the preset has, goes on.
    """
    ended = record["stopped_by"]
    if ended == "budget":
        spent = float(record.get("seconds", record["epoch_s"] * record["epochs"]))
        return budget_s is not None and spent >= budget_s
    if ended == "epochs":
        return preset.model.closed_form or int(record["epochs"]) >= preset.train.epochs
    return bool(ended == "patience")


def make_cells(
    presets: Sequence[str],
    models: Sequence[str],
    seeds: int,
    settings: Sequence[str],
    folder: Path,
    data_dir: Path,
) -> list[Cell]:
    """Cells of every preset, model and seed, in the order of the presets.

    Parameters
    ----------
    presets
        Names or files.
    models
        Names of models; all on every preset.
    seeds
        How many, from the preset's own on.
    settings
        Changes `dotted.key=value` to every preset.
    folder
        Where the cells' folders are.

    Raises
    ------
    RequestError
        A preset is not valid or its dataset is not prepared.
    """
    cells = []
    for name_or_path in presets:
        name = preset_name(name_or_path)
        sha256 = ""
        for model in models:
            own = [*settings, f"model.name={model}"]
            plain = load_preset(name_or_path, own)
            sha256 = sha256 or dataset_of(plain, data_dir).sha256
            first = plain.train.seed
            for seed in range(first, first + seeds):
                train = plain.train.model_copy(update={"seed": seed})
                preset = plain.model_copy(update={"train": train})
                cells.append(make_cell(name, preset, sha256, folder))
    return cells


def distinct(presets: Iterable[str]) -> list[str]:
    """Presets less those that are given again, as rows and folders tell them by their names.

    Parameters
    ----------
    presets
        Names, patterns of names such as `mocap-*-s2s`, or files.

    Raises
    ------
    RequestError
        Two have one name: a row would be the mean of both.
    """
    named: dict[str, str] = {}
    for preset in expanded(presets, preset_names()):
        other = named.setdefault(name := preset_name(preset), preset)
        if other != preset:
            raise RequestError(
                f"{other} and {preset}: two presets called {name}", "rename one of the files"
            )
    return list(named.values())


def make_cell(name: str, preset: Preset, dataset_sha256: str, folder: Path) -> Cell:
    """Cell of a preset with all its settings, its run folder below `folder / name`."""
    digest = hashlib.sha256(f"{preset.to_yaml()}{dataset_sha256}".encode()).hexdigest()[:8]
    run = f"{preset.model.name}-seed{preset.train.seed}-{digest}"
    return Cell(name, preset, folder / name / run)


def read_results(cells: Sequence[Cell]) -> list[Result]:
    """Results of the cells that have any, in their order."""
    return list(_results(cells))


def _results(cells: Sequence[Cell]) -> Iterator[Result]:
    for cell in cells:
        record = read_object(cell.folder / RECORD) or {}
        if evaluation := _evaluation(cell, record):
            with suppress(OSError, ValueError, RequestError):
                squared = read_window_errors(cell.folder)
                check_taken(record, evaluation)
                yield Result(cell, record, evaluation, squared)


def _evaluation(cell: Cell, record: Mapping[str, Any]) -> dict[str, Any] | None:
    """A cell's `evaluation.json`; None where there is none, or one of an older painet.

    Nor is there one where a kill left errors of single windows that are of another evaluation, or
    `is_asked` says that it is another.
    """
    content = read_object(cell.folder / EVALUATION)
    if content is None or not content.keys() >= set(Evaluation.plain_names()):
        return None
    asked = is_asked(content, cell.preset, record)
    return content if asked and is_unchanged(content, cell.folder, WINDOW_ERRORS) else None


def is_asked(evaluation: Mapping[str, Any], preset: Preset, record: Mapping[str, Any]) -> bool:
    """Whether an evaluation is of the test windows, the preset's own steps and the best weights.

    `painet evaluate` may have measured another part of the split or other steps since, and a
    training that went on may have found better weights, of which an older painet says nothing.
    """
    steps = preset.evaluation.horizon or preset.data.horizon
    epoch = evaluation.get("epochs")
    return (evaluation["split"], evaluation["horizon"]) == ("test", steps) and (
        epoch is None or epoch == record.get("best_epoch", epoch)
    )
