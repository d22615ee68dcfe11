"""Tables of evaluations, no wider than 80 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from painet_cli.config.differences import APART, Flat, as_words, differing_keys
from painet_cli.report.tables.evaluation_notes import SeedRow, footnotes
from painet_cli.report.tables.layout import Columns, digits, lay_out, spread
from painet_cli.report.tables.paper import PaperFigure

if TYPE_CHECKING:  # a prediction lays out its own tables, and need not wait for the training's code
    from painet_cli.evaluation.evaluation import Evaluation


def evaluation_table(
    evaluations: Sequence[Evaluation], epoch_s: Mapping[Path, float] | None = None
) -> list[RenderableType]:
    """Lay out evaluations: their errors, what they cost, MSE a step, and a footnote.

    Runs that differ in nothing but their seed share a row of mean ± sample standard deviation.

    Parameters
    ----------
    evaluations
        At least one, in the order of the rows.
    epoch_s
        Mean seconds of a training epoch by run, where known.
    """
    rows = _rows(evaluations)
    parts = ", ".join(dict.fromkeys(e.split for e in evaluations))
    multi_step = [row for row in rows if row.first.horizon > 1]
    return [
        *lay_out(f"Errors, {parts} windows", _names(rows), _errors(rows)),
        *lay_out("Cost", _names(rows), _costs(rows, epoch_s or {})),
        *(lay_out("MSE a step", *_steps(multi_step)) if multi_step else ()),
        *_yardsticks(rows),
        *_error_bars(rows),
        *(part for e in evaluations if e.systems for part in _systems(e)),
        Text("\n".join(footnotes(rows))),
    ]


def _yardsticks(rows: Sequence[SeedRow]) -> list[RenderableType]:
    """What needs no network, on the windows of each preset, and what loses to it.

    Runs of one preset may have other windows, steps or data, and then yardsticks of their own.
    """
    apart: dict[str, Evaluation] = {}
    for e in (row.first for row in rows if row.first.yardsticks):
        apart.setdefault(repr((e.preset, e.dataset, e.horizon, e.windows, _data_of(e))), e)
    measured = list(apart.values())
    if not measured:
        return []
    lines = [(name, e) for e in measured for name in e.yardsticks]
    names = {
        "Without a network": [name for name, _ in lines],
        "Preset": [e.preset for _, e in lines],
    }
    if keys := differing_keys(list(map(_data_of, measured)), [e.preset for e in measured]):
        names["Setting"] = [_said_of(keys, _data_of(e)) for _, e in lines]
    columns = {"A-MSE": [digits(fmean(e.yardsticks[name])) for name, e in lines]}
    if any(len(e.yardsticks[name]) > 1 for name, e in lines):
        columns["F-MSE"] = [digits(e.yardsticks[name][-1]) for name, e in lines]
    if any(e.superposed_yardsticks for e in measured):
        columns["superposed"] = [
            digits(fmean(e.superposed_yardsticks[name])) if e.superposed_yardsticks else "-"
            for name, e in lines
        ]
    return lay_out("Yardsticks", names, columns)


def _data_of(e: Evaluation) -> Flat:
    """Settings that say what windows there are to learn from and to predict."""
    return {
        key: value
        for key, value in e.settings.items()
        if key.startswith("data.") or key == "train.windows"
    }


def _said_of(keys: Sequence[str], settings: Flat) -> str:
    return as_words({key: settings[key] for key in keys if key in settings})


def _error_bars(rows: Sequence[SeedRow]) -> list[RenderableType]:
    """Radii, and what they hold of the windows that were measured."""
    lines: list[tuple[list[str], str, list[str]]] = []
    called = _names(rows)
    for row, *own in zip(rows, *called.values(), strict=True):
        if (bars := row.first.coverage) is not None:
            lines += [
                (own, "radius", [digits(value, 3) for value in bars.radius_90]),
                (own, "hold", [f"{100 * share:.1f} %" for share in bars.coverage]),
            ]
    if not lines:
        return []
    names = {name: [own[k] for own, _, _ in lines] for k, name in enumerate(called)}
    names[""] = [what for _, what, _ in lines]
    steps = max(len(cells) for _, _, cells in lines)
    columns = {
        f"t={k + 1}": [cells[k] if k < len(cells) else "-" for _, _, cells in lines]
        for k in range(steps)
    }
    return lay_out("90 % error bars", names, columns)


def _rows(evaluations: Iterable[Evaluation]) -> list[SeedRow]:
    """Group replicates; a seed that comes again is another run, not another replicate."""
    rows: dict[tuple[object, ...], list[Evaluation]] = {}
    seen: Counter[tuple[object, ...]] = Counter()
    for e in evaluations:
        own = {key: value for key, value in e.settings.items() if key not in APART}
        alike = (e.model, e.preset, e.split, e.horizon, e.dataset, e.windows, e.parameters)
        setting = (*alike, e.called.name, repr(own))
        repeat = seen[*setting, e.seed]
        seen[*setting, e.seed] += 1
        rows.setdefault((*setting, repeat), []).append(e)
    return [SeedRow(runs) for runs in rows.values()]


def _names(rows: Sequence[SeedRow]) -> Columns:
    """Model and preset, and where those are equal what else tells the rows apart."""
    called = [(row.first.model, row.first.preset) for row in rows]
    settings = [row.first.settings for row in rows]
    names: Columns = {
        "Model": [model for model, _ in called],
        "Preset": [row.first.preset + " (!)" * row.first.answer_given for row in rows],
    }
    keys = differing_keys(settings, called)
    apart = [_said_of(keys, one) for one in settings]
    if any(row.first.called.name for row in rows) or (
        len(set(zip(called, apart, strict=True))) < len(rows)
    ):
        names["Run"] = [row.first.called.name or row.first.run.name for row in rows]
    return {**names, "Setting": apart} if keys else names


def _errors(rows: Sequence[SeedRow]) -> Columns:
    f_mse = [_spread([e.f_mse for e in row.runs]) for row in rows]
    columns = {
        "T": [str(row.first.horizon) for row in rows],
        "Seeds": [str(len(row.runs)) for row in rows],
    }
    if all(row.first.horizon == 1 for row in rows):  # F-MSE and A-MSE are the same
        columns["F-MSE"] = f_mse
    else:
        columns["A-MSE"] = [_spread([e.a_mse for e in row.runs]) for row in rows]
    if any(row.paper for row in rows):
        columns["Paper"] = [_printed(row.paper) for row in rows]
    columns |= {"F-MSE": f_mse, "MSD": [_spread([e.msd for e in row.runs]) for row in rows]}
    if any(row.first.superposed_step_mse for row in rows):
        columns["superposed"] = [
            _spread([fmean(e.superposed_step_mse) for e in row.runs])
            if row.first.superposed_step_mse
            else "-"
            for row in rows
        ]
    return columns


def _costs(rows: Sequence[SeedRow], epoch_s: Mapping[Path, float]) -> Columns:
    columns = {
        "Windows": [str(row.first.windows) for row in rows],
        "predict s": [digits(fmean(e.time_s for e in row.runs), 3) for row in rows],
    }
    known = [[epoch_s[e.run] for e in row.runs if e.run in epoch_s] for row in rows]
    if any(known):
        columns["s/epoch"] = [digits(fmean(times), 3) if times else "-" for times in known]
    peaks = [max(e.peak_memory_gb for e in row.runs) for row in rows]
    return columns | {"Peak memory GB": [digits(peak, 3) for peak in peaks]}


def _steps(rows: Sequence[SeedRow]) -> tuple[Columns, Columns]:
    """Names and MSE at each step, of every row and where printed of the paper's beneath it."""
    columns = _names(rows)
    lines: list[tuple[tuple[str, ...], Sequence[float]]] = []
    for row, (model, preset, *apart) in zip(rows, zip(*columns.values(), strict=True), strict=True):
        means = [fmean(values) for values in zip(*(e.step_mse for e in row.runs), strict=True)]
        lines.append(((model, preset, *apart), means))
        if row.paper and row.paper.step_mse:
            blank = [""] * len(apart)
            lines.append(((f"{model}, paper", preset, *blank), row.paper.step_mse))
    names = {name: [words[k] for words, _ in lines] for k, name in enumerate(columns)}
    steps = {
        f"t={step + 1}": [digits(mse[step]) if step < len(mse) else "-" for _, mse in lines]
        for step in range(max(len(mse) for _, mse in lines))
    }
    return names, steps


def _systems(evaluation: Evaluation) -> list[RenderableType]:
    """Errors of each system at the last step, beside what needs no learning."""
    systems = evaluation.systems
    return lay_out(
        f"F-MSE by system, {evaluation.run.parent.name}/{evaluation.run.name}",
        {"System": [one.name for one in systems]},
        {
            "Windows": [f"{one.windows:,}" for one in systems],
            evaluation.model: [digits(one.step_mse[-1]) for one in systems],
            "Nothing moves": [digits(one.still[-1]) for one in systems],
            "Straight on": [digits(one.straight[-1]) for one in systems],
            "Skill": [f"{one.skill[-1]:.2f}" for one in systems],
        },
    )


def _spread(values: Sequence[float]) -> str:
    return spread(fmean(values), stdev(values) if len(values) > 1 else None)


def _printed(paper: PaperFigure | None) -> str:
    if paper is None:
        return "-"
    return digits(paper.mse) if paper.sd is None else f"{digits(paper.mse)} ± {digits(paper.sd)}"
