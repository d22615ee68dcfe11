"""Time and memory against the number of particles N and of steps T, in the manner of Figure 7.

Every point is measured in a process of its own and kept in a file as soon as it is there. What
would not fit into memory or time, by the points before it, is left out with its reason.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
from pydantic import TypeAdapter

from painet_cli.benchmark.child import StoppedError, run_in_child
from painet_cli.benchmark.measurement import (
    MODES,
    Measurement,
    Mode,
    code_digest,
    least_gb,
    measure,
    point_preset,
)
from painet_cli.config.dotted import comma_list
from painet_cli.config.messages import tag_of, variants
from painet_cli.config.models import MODEL_CONFIGS
from painet_cli.config.presets import Preset
from painet_cli.errors import PainetError, RequestError, option
from painet_cli.storage.atomic import write_text
from painet_cli.training.device import free_memory

Axis = Literal["N", "T"]
AXES: tuple[Axis, ...] = ("N", "T")

_MODEL = Preset.model_fields["model"]
_START_S = 120.0  # a process may take this long beside its measurement, and longer for more edges
_EDGE_S = 5e-5  # a particle: to make its edges, on a busy machine
_RUNS = 3  # how many times the limit of a run a point may take, on a busy machine


def forms() -> dict[str, tuple[str, ...]]:
    """Settings of each form that is measured: models that take steps, PAINET also densely."""
    stepwise = (name for name, one in MODEL_CONFIGS.usable().items() if not one.closed_form)
    found = {name: (f"model.name={name}",) for name in stepwise}
    dense = ("model.name=painet", "model.attention=dense")
    return {"painet": found.pop("painet"), "painet-dense": dense, **found}


def _one_step(form: str) -> bool:
    return form in MODEL_CONFIGS and MODEL_CONFIGS[form].one_step


@dataclass(frozen=True)
class Sweep:
    """What is varied, and what is held.

    Attributes
    ----------
    sizes
        Numbers of particles, at `horizon` steps; ascending.
    horizons
        Numbers of steps, with `particles` particles; ascending.
    """

    sizes: tuple[int, ...]
    horizons: tuple[int, ...]
    particles: int
    horizon: int

    def along(self, axis: Axis) -> list[tuple[int, int]]:
        """(N, T) of every point along an axis."""
        if axis == "N":
            return [(size, self.horizon) for size in self.sizes]
        return [(self.particles, horizon) for horizon in self.horizons]


@dataclass(frozen=True)
class Point:
    """One model in one form on one system, in one mode, along one axis."""

    form: str
    mode: Mode
    axis: Axis
    particles: int
    horizon: int

    @property
    def size(self) -> int:
        """What the axis counts."""
        return self.particles if self.axis == "N" else self.horizon

    def __str__(self) -> str:
        return f"{self.form} {self.mode}, N = {self.particles:,}, T = {self.horizon}"


Outcome = Measurement | str
"""What was found, or why nothing was."""


class Listener(Protocol):
    """Someone who is told how the measuring goes."""

    def began(self, point: Point) -> None:
        """A point is being measured."""

    def ended(self, point: Point, outcome: Outcome, *, before: bool) -> None:
        """A point is done, by this call or one before, or left out."""


@dataclass(frozen=True)
class Bench:
    """Where and how points are measured.

    Attributes
    ----------
    folder
        Where their files are kept.
    settings
        Changes `dotted.key=value` to the preset that models and features come from.
    time_limit_s
        A run that would take longer is left out.
    again
        Measure what is there already.
    """

    folder: Path
    device: torch.device
    threads: int = 1
    settings: tuple[str, ...] = ()
    time_limit_s: float = 300.0
    again: bool = False

    def preset(self, point: Point) -> Preset:
        """Preset of a point, with the settings that its model has."""
        form = forms()[point.form]
        return point_preset([*_suiting(self.settings, form[0]), *form], point.horizon)

    def file(self, point: Point) -> Path:
        """Where a point's measurement is kept: by all that it depends on."""
        kind = (self.preset(point).to_yaml(), str(self.device), str(self.threads))
        made_by = (code_digest(), torch.__version__, *kind)
        digest = hashlib.sha256("\n".join(made_by).encode()).hexdigest()[:8]
        mode = point.mode.replace(" ", "-")
        name = f"{point.form}-{mode}-N{point.particles}-T{point.horizon}-{digest}.json"
        return self.folder / name


def _suiting(settings: Sequence[str], form: str) -> list[str]:
    """Settings less those of the model that other models have and this one has not."""
    keys = {tag_of(kind, "name"): set(kind.model_fields) for kind in variants(_MODEL)}
    name = form.removeprefix("model.name=")
    elsewhere = set().union(*keys.values()) - keys[name]
    return [
        setting
        for setting in settings
        if setting.partition("=")[0].strip() not in {f"model.{key}" for key in elsewhere}
    ]


def choose_forms(names: str | None) -> list[str]:
    """Forms of a comma-separated list; all where there is none.

    Raises
    ------
    RequestError
        One is not known.
    """
    known = forms()
    chosen = list(known) if names is None else comma_list(names)
    for name in chosen:
        if name not in known:
            raise RequestError(
                f"{option('models')}: no model {name}", f"choose of {', '.join(known)}"
            )
    return list(dict.fromkeys(chosen))


def scaling_points(
    forms: Sequence[str], sweep: Sweep, modes: Sequence[Mode] = MODES
) -> list[Point]:
    """Points of all forms: along N, then along T, each from the least size up.

    Models that predict one step are not asked for more.
    """
    return [
        Point(form, mode, axis, particles, horizon)
        for form in forms
        for mode in modes
        for axis in AXES[: 1 if _one_step(form) else 2]
        for particles, horizon in sweep.along(axis)
        if horizon == 1 or not _one_step(form)
    ]


def run_points(points: Sequence[Point], bench: Bench, listener: Listener) -> dict[Point, Outcome]:
    """Measure the points in their order, or say why not.

    Raises
    ------
    RequestError
        The folder cannot be written, or a preset is not valid.
    """
    for point in {point.form: point for point in points}.values():
        bench.preset(point)
    try:
        bench.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"{bench.folder}: cannot be written ({error.strerror})") from error
    found: dict[Point, Outcome] = {}
    for point in points:
        measured = None if bench.again else _read(bench.file(point))
        if measured is not None:
            found[point] = measured
            listener.ended(point, measured, before=True)
            continue
        former = list(_former(point, found))
        found[point] = why_not(point, former, bench) or _measured(point, bench, listener)
        listener.ended(point, found[point], before=False)
    return found


def _former(point: Point, found: Mapping[Point, Outcome]) -> Iterator[tuple[int, Outcome]]:
    for other, outcome in found.items():
        if (other.form, other.mode, other.axis) == (point.form, point.mode, point.axis):
            yield other.size, outcome


def _measured(point: Point, bench: Bench, listener: Listener) -> Outcome:
    listener.began(point)
    memory_gb = free_gb(bench.device)
    try:
        measured = run_in_child(
            measure,
            bench.preset(point),
            point.particles,
            point.mode,
            str(bench.device),
            bench.threads,
            memory_gb,
            limit_s=_START_S + _EDGE_S * point.particles + _RUNS * bench.time_limit_s,
            memory_gb=None if bench.device.type == "cuda" else memory_gb,
        )
    except StoppedError as error:
        return f"not finished: {error.what}"
    except PainetError as error:
        return f"failed: {error.what}"
    write_text(bench.file(point), json.dumps(asdict(measured), indent=2) + "\n")
    return measured


def why_not(point: Point, former: Sequence[tuple[int, Outcome]], bench: Bench) -> str | None:
    """Why a point should not be tried, by the smaller ones; None where nothing is against it.

    Time and memory are extrapolated along the line through the last two points, and grow at least
    in proportion.
    """
    if former and isinstance(former[-1][1], str):
        return f"not run: the one before, {former[-1][0]:,}, has no figure"
    known = [(size, outcome) for size, outcome in former if isinstance(outcome, Measurement)]
    if not known:
        return None
    seconds = _extrapolated([(size, one.seconds) for size, one in known], point.size)
    if seconds > bench.time_limit_s:
        return f"not run: would take about {seconds:.2g} s, more than {bench.time_limit_s:g} s"
    gb = _extrapolated([(size, one.peak_gb) for size, one in known], point.size)
    free = free_gb(bench.device)
    if gb > free:
        # what was measured kept all it could; some models can do with less
        least = least_gb(bench.preset(point), point.particles, point.mode)
        if least is None or least > free:
            gb = gb if least is None else least
            return f"not run: would need about {gb:.2g} GB, and {free:.2g} GB are free"
    return None


def _extrapolated(known: Sequence[tuple[int, float]], size: int) -> float:
    last, value = known[-1]
    slope = 1.0
    if len(known) > 1 and known[-2][1] > 0 and value > 0:
        slope = max(slope, math.log(value / known[-2][1]) / math.log(last / known[-2][0]))
    return float(value * (size / last) ** slope)


def free_gb(device: torch.device) -> float:
    """Memory of a device that a point may take, in GB (1e9 bytes)."""
    return free_memory(device) / 1e9


def _read(file: Path) -> Measurement | None:
    try:
        return TypeAdapter(Measurement).validate_json(file.read_bytes())
    except (OSError, ValueError):
        return None
