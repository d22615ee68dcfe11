"""A benchmark's rows beside the paper's, laid out as its Tables 1 to 4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.benchmark.cells import Result
from painet_cli.benchmark.significance import LEVEL, over_seeds, over_windows
from painet_cli.evaluation.yardsticks import GAUSSIAN_KERNEL, reported
from painet_cli.report.tables.paper import PaperFigure, paper_figure

OURS = "painet"
MODELS = (
    "linear", "kernel", "rf", "mpnn", "egnn", "egno", "hegnn", "gf-node", "atom", OURS,
)  # fmt: skip
"""The order of models in every table and picture; others come after them."""
_CALLED_NOW = {"kernel": GAUSSIAN_KERNEL}
"""Yardsticks that evaluations of an older painet have by another name."""
_TARGETS = ("dataset", "horizon", "delta_frames", "delta_time", "sampling", "report")
"""What of a preset's data says which frames an error is of."""


@dataclass(frozen=True)
class Row:
    """One model on one preset, over its seeds; a row of `bench.json` and `bench.csv`."""

    table: int | None
    """Number of the paper's table; None where it has none."""
    preset: str
    model: str
    seeds: list[int]
    horizon: int
    mse: float
    """Mean over seeds, of F-MSE where the horizon is 1, else of A-MSE."""
    sd: float | None
    """Sample standard deviation over seeds; None for one seed."""
    step_mse: list[float]
    unit: str
    windows: int
    dataset: str
    label: str
    as_published: bool
    """Whether windows are cut as the shipped preset has it."""
    split_kind: str
    leak: float
    epochs: list[int]
    stopped_by: list[str]
    """`patience`, `schedule`, `closed form`, `epochs` or `budget`, a seed (`Result.end`)."""
    epoch_s: float
    """Seconds of a training epoch, mean over seeds."""
    peak_memory_gb: float
    """Of training, the largest of the seeds."""
    predict_s: float
    """Seconds to predict the test windows, mean over seeds."""
    predict_memory_gb: float
    """Of prediction, the largest of the seeds."""
    memory_kind: str
    parameters: int
    device: str
    threads: int
    paper_mse: float | None
    paper_sd: float | None
    paper_step_mse: list[float]
    paper_epoch_s: float | None
    paper_predict_s: float | None
    paper_memory_gb: float | None
    """Of prediction in Table 4, else of training."""
    paper_doubt: str = ""
    """Why the paper's windows may be others although ours are cut as it says; empty where not."""
    against: str | None = None
    """The model that this one was tested against, where it was."""
    p_value: float | None = None
    """Of the Wilcoxon signed-rank test over test windows, errors averaged over seeds."""
    p_seeds: float | None = None
    """Of the paired t-test over seeds; None for fewer than three."""
    tested_windows: int | None = None
    """How many windows `p_value` is of: a record keeps some of them, evenly spaced."""
    windows_contradict: bool = False
    """Whether `p_value` is significant for the model with the higher MSE."""
    seeds_contradict: bool = False
    """The same of `p_seeds`."""
    yardsticks: dict[str, float] = field(default_factory=dict)
    """Mean MSE of each prediction that needs no network, on the same windows."""
    superposed_mse: float | None = None
    """MSE after superposition, mean over seeds; None where it was not measured."""
    one_window: float = 0.0
    """Share of a single test window in the mean over all, the largest of the seeds."""
    best: bool = False
    """Smallest MSE of the preset, of several."""

    @property
    def compares(self) -> bool:
        """Whether its windows and frames are those of the paper's figure, as far as it says."""
        return self.as_published and not self.label

    @property
    def loses(self) -> bool:
        """Whether a yardstick is better."""
        return any(mse < self.mse for mse in self.yardsticks.values())

    @property
    def star(self) -> str:
        """What of the best is significant: `*w` over windows, `*s` over seeds, `*ws` over both."""
        tests = (
            ("w", self.p_value, self.windows_contradict),
            ("s", self.p_seeds, self.seeds_contradict),
        )
        over = "".join(
            mark
            for mark, p, contradicts in tests
            if p is not None and p < LEVEL and not contradicts
        )
        return f"*{over}" if self.best and over else ""


def bench_rows(results: Iterable[Result]) -> list[Row]:
    """Rows of a benchmark: presets as they come, models in the order of `MODELS`.

    PAINET is tested against the best of the others.
    """
    found: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        found.setdefault((result.cell.preset_name, result.cell.model), []).append(result)
    presets = list(dict.fromkeys(preset for preset, _ in found))
    models = in_order(model for _, model in found)
    groups = {
        (preset, model): found[preset, model]
        for preset in presets
        for model in models
        if (preset, model) in found
    }
    rows = {key: bench_row(group) for key, group in groups.items()}
    for preset in presets:
        models = sorted(
            (model for name, model in rows if name == preset),
            key=lambda model: np.nan_to_num(rows[preset, model].mse, nan=np.inf),
        )
        if len(models) > 1:
            _compare(preset, models, rows, groups)
    return list(rows.values())


def table_of(preset: str) -> int | None:
    """Number of the paper's table that has a preset; None where none has."""
    printed = paper_figure(preset, OURS)
    return printed.table if printed else None


def in_order(models: Iterable[str]) -> list[str]:
    """Names of models, each once, in the order of `MODELS`; those that it has not come last."""
    known = {model: place for place, model in enumerate(MODELS)}
    return sorted(dict.fromkeys(models), key=lambda model: known.get(model, len(known)))


def bench_row(group: Sequence[Result]) -> Row:
    """Row of results that differ in nothing but their seed."""
    first = group[0]
    evaluation, record = first.evaluation, first.record
    mses = [result.evaluation["mse"] for result in group]
    printed = paper_figure(first.cell.preset_name, first.cell.model)
    if printed and printed.horizon != evaluation["horizon"]:
        printed = None
    return Row(
        table=table_of(first.cell.preset_name),
        preset=first.cell.preset_name,
        model=first.cell.model,
        seeds=[result.cell.seed for result in group],
        horizon=evaluation["horizon"],
        mse=fmean(mses),
        sd=stdev(mses) if len(mses) > 1 else None,
        step_mse=np.mean([result.evaluation["step_mse"] for result in group], axis=0).tolist(),
        unit=evaluation["unit"],
        windows=evaluation["windows"],
        dataset=evaluation["dataset"],
        label=evaluation["label"],
        as_published=evaluation["as_published"],
        split_kind=evaluation["split_kind"],
        leak=evaluation["leak"],
        epochs=[result.record["epochs"] for result in group],
        stopped_by=[result.end for result in group],
        epoch_s=fmean(result.record["epoch_s"] for result in group),
        peak_memory_gb=max(result.record["peak_memory_gb"] for result in group),
        predict_s=fmean(result.evaluation["time_s"] for result in group),
        predict_memory_gb=max(result.evaluation["peak_memory_gb"] for result in group),
        memory_kind=record["memory_kind"],
        parameters=record["parameters"],
        yardsticks={
            _CALLED_NOW.get(name, name): reported(steps, evaluation["mse"], evaluation["f_mse"])
            for name, steps in (evaluation.get("yardsticks") or {}).items()
        },
        superposed_mse=_superposed(group),
        one_window=max(map(_largest_share, group)),
        device=" and ".join(dict.fromkeys(str(result.record["device"]) for result in group)),
        threads=record["threads"],
        **_of_paper(printed),
        paper_doubt=_doubt(first.cell.preset_name),
    )


def _superposed(group: Sequence[Result]) -> float | None:
    each = [result.evaluation for result in group]
    if not all(one.get("superposed_step_mse") for one in each):
        return None
    return fmean(reported(one["superposed_step_mse"], one["mse"], one["f_mse"]) for one in each)


def _largest_share(result: Result) -> float:
    """Share of the worst window in the sum of all."""
    whole = result.evaluation["mse"] * result.evaluation["windows"]
    largest = result.window_mse.max() if result.largest is None else result.largest
    return float(largest / whole) if np.isfinite(whole) and whole else 0.0


def _of_paper(printed: PaperFigure | None) -> dict[str, Any]:
    return {
        "paper_mse": printed and printed.mse,
        "paper_sd": printed and printed.sd,
        "paper_step_mse": list(printed.step_mse) if printed else [],
        "paper_epoch_s": printed and printed.epoch_s,
        "paper_predict_s": printed and printed.predict_s,
        "paper_memory_gb": printed and printed.memory_gb,
    }


def _doubt(preset: str) -> str:
    printed = paper_figure(preset, OURS)
    return printed.doubt if printed else ""


def unlike_windows(one: Result, other: Result) -> str:
    """What tells the test windows of a result from another's, in words; empty where nothing does.

    Frames that must lie before a start leave windows out and change none: with as many windows they
    are the same.
    """
    ours, theirs = (
        {f"data.{key}": getattr(result.cell.preset.data, key) for key in _TARGETS}
        | {"evaluation.horizon": result.cell.preset.evaluation.horizon}
        | {"the dataset's content": result.record["dataset_sha256"]}
        for result in (one, other)
    )
    keys = [key for key in ours if ours[key] != theirs[key]]
    if keys:
        return f"{' and '.join(keys)} differ{'s' * (len(keys) == 1)} from the preset's"
    counts = [result.evaluation["windows"] for result in (one, other)]
    same = counts[0] == counts[1]
    return "" if same else f"{counts[0]} test windows, and the preset has {counts[1]}"


def mean_window_mse(group: Sequence[Result]) -> NDArray[np.float64]:
    """(S,) MSE of each test window, over steps and seeds."""
    mean: NDArray[np.float64] = np.mean([result.window_mse for result in group], axis=0)
    return mean


def mse_by_seed(group: Sequence[Result]) -> dict[int, float]:
    """MSE of each seed."""
    return {result.cell.seed: float(result.evaluation["mse"]) for result in group}


def tests_between(first: Sequence[Result], second: Sequence[Result]) -> dict[str, Any]:
    """Fields of a row that tests of two models on the same windows give."""
    windows = over_windows(mean_window_mse(first), mean_window_mse(second))
    seeds = over_seeds(mse_by_seed(first), mse_by_seed(second))
    means = [fmean(result.evaluation["mse"] for result in group) for group in (first, second)]
    return {
        "p_value": windows.p,
        "p_seeds": None if seeds is None else seeds.p,
        "windows_contradict": windows.contradicts(*means),
        "seeds_contradict": seeds is not None and seeds.contradicts(*means),
    }


def _compare(
    preset: str,
    models: Sequence[str],  # by rising MSE
    rows: dict[tuple[str, str], Row],
    groups: dict[tuple[str, str], list[Result]],
) -> None:
    """Mark the best model, and test PAINET against the best of the others."""
    lowest = rows[preset, models[0]].mse  # not a number, where none is one: best is none
    tested: dict[str, dict[str, Any]] = {
        model: {"best": rows[preset, model].mse == lowest} for model in models
    }
    if OURS in models:
        other = next(model for model in models if model != OURS)
        own, theirs = groups[preset, OURS], groups[preset, other]
        found = {**tests_between(own, theirs), "tested_windows": len(own[0].window_mse)}
        tested[OURS] |= {"against": other, **found}
        tested[other] |= {"against": OURS, **found}
    for model, changes in tested.items():
        rows[preset, model] = Row(**{**asdict(rows[preset, model]), **changes})
