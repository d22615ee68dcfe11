"""Which cells there are in all, and in which order.

Tables that have a turn are trained once, with all models; after that comes what tells most an hour.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from painet_cli.benchmark.ablation import ABLATIONS, cells_of, make_points
from painet_cli.benchmark.campaign.hours import expected_hours
from painet_cli.benchmark.campaign.record import cell_key, result_key, settings_key
from painet_cli.benchmark.cells import Cell, Result, is_whole, make_cells
from painet_cli.benchmark.rows import OURS
from painet_cli.config.dotted import expanded
from painet_cli.config.presets import Preset, load_preset
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.errors import RequestError
from painet_cli.models.registry import registered_models
from painet_cli.training.record import ERRORS
from painet_cli.training.setup.build import dataset_of


@dataclass(frozen=True)
class Part:
    """Presets by models, or figures of ablations, that are trained alike.

    Attributes
    ----------
    name
        What it belongs to, `Table 1`.
    worth
        What the first seed of a cell tells; the k-th tells 1 / k of it.
    turn
        When its first seeds are trained, the lowest turn first; without one, after all turns.
    seeds
        How many, by model; `default` for the others.
    settings, own
        Changes to the preset, key by value, of all models and, instead, of single ones.
    """

    name: str
    worth: float
    presets: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    seeds: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    turn: float = math.inf

    def seeds_of(self, model: str) -> int:
        """Seeds that a model is trained with."""
        return self.seeds.get(model, self.seeds.get("default", 1))

    def settings_of(self, model: str) -> list[str]:
        """Changes to the preset for a model, as `KEY=VALUE`."""
        changes = self.own.get(model, self.settings)
        return [f"{key}={json.dumps(value)}" for key, value in changes.items()]


@dataclass(frozen=True)
class Planned:
    """A cell, what it belongs to, its turn, what it tells and what all of it is expected to take.

    One whose last training failed waits until all others are done.
    """

    cell: Cell
    part: str
    turn: float
    worth: float
    hours: float
    done: bool
    failed: bool

    @property
    def place(self) -> tuple[bool, float, float]:
        """Cells are trained in ascending order of this."""
        return self.failed, self.turn, -self.worth / max(self.hours, 1e-3)

    @property
    def hours_left(self) -> float:
        """What it is expected to take, less the epochs that are trained."""
        return self.hours * (1 - self.cell.share_done())


@cache
def parts() -> tuple[Part, ...]:
    """The plan that ships with the package."""
    text = files("painet_cli.benchmark.campaign").joinpath("plan.yaml").read_text("utf-8")
    written: list[dict[str, Any]] = yaml.safe_load(text)["parts"]
    for part in written:
        for key in {"presets", "models", "figures"} & part.keys():
            part[key] = tuple(part[key])
    return tuple(Part(**part) for part in written)


def make_plan(
    folder: Path,
    data_dir: Path,
    kept: Sequence[Result],
    *,
    presets: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    seeds: int | None = None,
    budget_s: float | None = None,
) -> list[Planned]:
    """Cells of all parts whose dataset is prepared, in the order in which they are trained.

    Parameters
    ----------
    folder
        Where the cells' run folders are.
    kept
        Results whose cells are done, wherever they were trained, unless a budget ended them.
    presets, models
        Leave out the others.
    seeds
        Of the plan's seeds the first ones; None for all.
    budget_s
        Seconds of training a cell, after which it is done too; None for no limit.

    Raises
    ------
    RequestError
        A preset or a setting is not valid.
    """
    ended = [one for one in kept if is_whole(one.cell.preset, one.record, budget_s)]
    done = {result_key(result) for result in ended}
    like: dict[str, list[Result]] = {}
    for result in ended:
        like.setdefault(settings_key(result.cell.preset), []).append(result)
    planned: dict[str, Planned] = {}
    datasets: dict[tuple[str, str], Dataset] = {}
    for part in parts():
        for cell in _cells(part, folder, data_dir, presets, models):
            earlier = cell.seed - _shipped(cell.preset_name).train.seed
            if seeds is not None and earlier >= seeds:
                continue
            trained_on = cell.preset.data.dataset, cell.preset.train.windows
            if trained_on not in datasets:  # which is checked whenever it is opened
                datasets[trained_on] = dataset_of(cell.preset, data_dir)
            dataset = datasets[trained_on]
            key = cell_key(cell.preset, dataset.sha256)
            one = Planned(
                cell,
                part.name,
                turn=math.inf if earlier else part.turn,
                worth=part.worth / (1 + earlier),
                hours=expected_hours(cell, dataset, like.get(settings_key(cell.preset), ())),
                done=key in done or cell.is_done(budget_s),
                failed=(cell.folder / ERRORS).exists(),
            )
            planned.setdefault(key, one)
    return sorted(planned.values(), key=lambda one: one.place)


@cache
def _shipped(name: str) -> Preset:
    return load_preset(name)


def missing_datasets(data_dir: Path) -> dict[str, list[str]]:
    """Presets of the plan whose dataset is not prepared, by dataset."""
    missing: dict[str, list[str]] = {}
    for preset in dict.fromkeys(name for part in parts() for name in _presets(part)):
        dataset = _shipped(preset).data.dataset
        if not (data_dir / dataset).exists():
            missing.setdefault(dataset, []).append(preset)
    return missing


def _presets(part: Part) -> Iterator[str]:
    yield from part.presets
    for figure in part.figures:
        yield from ABLATIONS[figure].presets


def _cells(
    part: Part,
    folder: Path,
    data_dir: Path,
    presets: Sequence[str] | None,
    models: Sequence[str] | None,
) -> Iterator[Cell]:
    known = registered_models()
    ready = [
        name
        for name in dict.fromkeys(_presets(part))
        if (presets is None or name in presets)
        and (data_dir / _shipped(name).data.dataset).exists()
    ]
    for preset in ready:
        fitted = _fitted(preset, data_dir)
        for model in part.models:
            if model in known and (models is None or model in models):
                changes = [*fitted, *part.settings_of(model)]
                seeds = part.seeds_of(model)
                yield from make_cells([preset], [model], seeds, changes, folder, data_dir)
        if models is None or OURS in models:
            yield from _figure_cells(part, preset, fitted, folder, data_dir)


def _figure_cells(
    part: Part, preset: str, fitted: Iterable[str], folder: Path, data_dir: Path
) -> list[Cell]:
    figures = [ABLATIONS[name] for name in part.figures if preset in ABLATIONS[name].presets]
    chosen = [replace(figure, presets=(preset,)) for figure in figures]
    changes = [*fitted, *part.settings_of(OURS)]
    return cells_of(make_points(chosen, part.seeds_of(OURS), changes, folder, data_dir))


def _fitted(preset: str, data_dir: Path) -> list[str]:
    """Windows as long as the dataset has them, where they are shorter than the preset's."""
    data = _shipped(preset).data
    longest = dataset_of(_shipped(preset), data_dir).manifest.split.delta_frames
    return [f"data.delta_frames={longest}"] if longest < data.delta_frames else []


def choose(
    presets: Sequence[str] | None, models: Sequence[str] | None
) -> tuple[Sequence[str] | None, Sequence[str] | None]:
    """Presets and models of the plan by names and patterns such as `mocap-*-s2s`; None for all.

    Raises
    ------
    RequestError
        No part of the plan has one, or none has any of the models on any of the presets.
    """
    named = {name for part in parts() for name in _presets(part)}
    trained = {name for part in parts() for name in part.models} | {OURS}
    presets = _known("--presets", presets, sorted(named))
    models = _known("--models", models, sorted(trained))
    if presets and models and not any(_trains(part, presets, models) for part in parts()):
        raise RequestError(
            f"the plan has no {' or '.join(models)} on {' or '.join(presets)}",
            "leave out --models for those that it has, or --all for tables of your own",
        )
    return presets, models


def _known(option: str, given: Sequence[str] | None, known: Sequence[str]) -> Sequence[str] | None:
    if given is None:
        return None
    names = expanded(given, known)
    for name in names:
        if name not in known:
            raise RequestError(f"{option}: the plan has no {name}", f"it has {', '.join(known)}")
    return names


def _trains(part: Part, presets: Iterable[str], models: Iterable[str]) -> bool:
    """Whether a part has one of the models on one of the presets."""
    of_figures = [OURS] if part.figures else []
    return bool({*part.models, *of_figures}.intersection(models)) and bool(
        set(_presets(part)).intersection(presets)
    )
