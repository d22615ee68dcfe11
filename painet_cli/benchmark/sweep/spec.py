"""A sweep's file: which settings are tried, how they are chosen, with how many seeds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import product
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, PositiveInt, ValidationError, model_validator

from painet_cli.config.messages import request_error
from painet_cli.config.model_table import Strict
from painet_cli.config.yaml_document import read_document
from painet_cli.errors import RequestError, option

FOLDER = Path(__file__).parent / "specs"
"""Specs that come with the package."""
_MOST_RUNS = 100_000
_MOST_DRAWS = 100
"""Draws in a row that were all had before, after which a space is taken for exhausted."""

Scalar = bool | int | float | str | list[str] | None
Settings = dict[str, Scalar]


class Between(Strict):
    """Numbers between two others, both included: whole ones where both are whole."""

    low: int | float
    high: int | float
    log: bool = False
    """Whether equal ratios count as equal distances."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Between:
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError("expected low < high, and low > 0 with log")
        return self

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)


class Halving(Strict):
    """Successive halving: all settings are trained a little, the best of them longer."""

    first: PositiveInt
    """Epochs that every setting is trained."""
    factor: Annotated[int, Field(ge=2, le=16)] = 3
    """One in so many goes on, to so many times the epochs."""


class Sweep(Strict):
    """What is searched, and how."""

    preset: str
    """Name or file of the preset that all trials change."""
    search: Literal["grid", "random", "optuna"] = "random"
    """`grid` tries all combinations, `random` draws them, `optuna` learns from those before."""
    trials: PositiveInt | None = None
    """How many settings; null: all of a grid, else 20."""
    seeds: PositiveInt = 1
    """Seeds that each setting is trained with; it is ranked by their mean."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Of the search itself."""
    settings: Annotated[Settings, Field(default_factory=dict)]
    """Changes of the preset that all trials share, by dotted key."""
    space: Annotated[
        dict[str, Annotated[list[Scalar], Field(min_length=1)] | Between], Field(min_length=1)
    ]
    """What is tried, by dotted key: a list of values, or `{low, high, log}`."""
    halving: Halving | None = None
    """null: every trial is trained to its end."""

    @model_validator(mode="after")
    def _can_be_searched(self) -> Sweep:
        ranges = [key for key, values in self.space.items() if isinstance(values, Between)]
        if self.search == "grid" and ranges:
            raise ValueError(f"a grid takes lists, and space.{ranges[0]} is a range")
        if self.search == "optuna" and self.halving:
            raise ValueError("halving goes with a grid or random search")
        if (runs := self.most_trials * self.seeds) > _MOST_RUNS:
            raise ValueError(
                f"{self.most_trials:,} trials of {self.seeds:,} seeds are {runs:,} runs; at most "
                f"{_MOST_RUNS:,}"
            )
        return self

    @property
    def most_trials(self) -> int:
        """How many settings are tried at most."""
        if self.search == "grid":
            size = prod(len(values) for values in self.space.values() if isinstance(values, list))
            return min(self.trials or size, size)
        return self.trials or 20


def spec_names() -> tuple[str, ...]:
    """Names of the specs that come with the package."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def read_spec(name_or_path: str, changes: Mapping[str, Any]) -> Sweep:
    """Read a spec that comes with the package, or a file.

    Parameters
    ----------
    changes
        Values that take the place of the file's, by key; those that are None do not.

    Raises
    ------
    RequestError
        There is none, or it is not valid; says where and what is allowed.
    """
    names = spec_names()
    path = FOLDER / f"{name_or_path}.yaml" if name_or_path in names else Path(name_or_path)
    if not path.is_file():
        near = get_close_matches(name_or_path, names, n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise RequestError(
            f"{name_or_path}: no such sweep", f"{guess}a file, or one of {', '.join(names)}"
        )
    document = read_document(path, str(path))
    for key, value in changes.items():
        if value is not None:
            document.tree[key] = value
            document.marks[(key,)] = option(key)
    try:
        return Sweep.model_validate_json(json.dumps(document.tree), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"][:1] == ("space",) and len(first["loc"]) > 1:
            key = str(first["loc"][1])
            raise RequestError(
                f"{document.marks.get(('space', key), path)}: space.{key}: not what can be tried",
                "expected a list of values, or a range `{low: 1e-4, high: 1e-2, log: true}` with "
                "low < high",
            ) from error
        if first["type"] == "value_error" and not first["loc"]:  # of the spec as a whole
            raise RequestError(f"{path}: {first['ctx']['error']}") from error
        raise request_error(error, document, str(path), Sweep) from error


def settings_of(sweep: Sweep) -> list[Settings]:
    """Settings of all trials of a grid or a random search, in their order.

    A random search of more trials has those of one of fewer, and none twice.
    """
    keys = list(sweep.space)
    combined = _grid(sweep) if sweep.search == "grid" else _drawn(sweep)
    return [dict(zip(keys, values, strict=True)) for values in combined]


def _grid(sweep: Sweep) -> Iterator[tuple[Scalar, ...]]:
    lists = [values for values in sweep.space.values() if isinstance(values, list)]
    for number, values in enumerate(product(*lists)):
        if number == sweep.most_trials:
            return
        yield values


def _drawn(sweep: Sweep) -> Iterator[tuple[Scalar, ...]]:
    random = np.random.default_rng(sweep.seed)
    seen: set[str] = set()
    again = 0
    while len(seen) < sweep.most_trials and again < _MOST_DRAWS:
        values = tuple(_draw(random, choices) for choices in sweep.space.values())
        again = again + 1 if repr(values) in seen else 0
        if not again:
            seen.add(repr(values))
            yield values


def _draw(random: np.random.Generator, choices: list[Scalar] | Between) -> Scalar:
    if isinstance(choices, list):
        return choices[int(random.integers(len(choices)))]
    share = float(random.random())
    top = choices.high + 1 if choices.whole else choices.high
    if choices.log:
        value = float(choices.low * (top / choices.low) ** share)
    else:
        value = choices.low + share * (top - choices.low)
    return min(int(value), int(choices.high)) if choices.whole else float(f"{value:.4g}")
