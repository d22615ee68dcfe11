"""What came of an ablation: a row a variant, and tables in the order of the paper's figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from painet_cli.benchmark.ablation import Point, ablation_named
from painet_cli.benchmark.cells import Result, read_results
from painet_cli.benchmark.layout import grid_markdown, grid_tables
from painet_cli.benchmark.rows import bench_row, tests_between, unlike_windows
from painet_cli.benchmark.significance import CONTRADICTS_MEANS, p_words
from painet_cli.benchmark.tables.notes import UNFINISHED, changed
from painet_cli.report.tables.layout import Columns, digits, spread


@dataclass(frozen=True)
class AblationRow:
    """One variant on one preset in one figure, over its seeds; a row of `bench.json`."""

    figure: str
    """Name of the figure, as `--figures` has it."""
    preset: str
    model: str
    variant: str
    settings: list[str]
    """Changes to the preset that make the variant."""
    plain: bool
    """Whether it is PAINET as the preset has it."""
    seeds: list[int]
    horizon: int
    mse: float
    """Mean over seeds, of F-MSE where the horizon is 1, else of A-MSE."""
    sd: float | None
    """Sample standard deviation over seeds; None for one seed."""
    seed_mse: list[float]
    p_value: float | None
    """Of the Wilcoxon signed-rank test against the plain one, over test windows, errors averaged
    over seeds; None for the plain one, where it has no result, or where `untested` says why."""
    p_seeds: float | None
    """Of the paired t-test against it over seeds; None for fewer than three, and as above."""
    windows_contradict: bool
    """Whether `p_value` is significant for the one with the higher MSE."""
    seeds_contradict: bool
    """The same of `p_seeds`."""
    unit: str
    windows: int
    dataset: str
    label: str
    epochs: list[int]
    stopped_by: list[str]
    """`epochs`, `patience` or `budget`, a seed."""
    epoch_s: float
    """Seconds of a training epoch, mean over seeds."""
    peak_memory_gb: float
    """Of training, the largest of the seeds."""
    memory_kind: str
    parameters: int
    device: str
    threads: int
    untested: str = ""
    """Why nothing was tested: the variant's windows are others than the plain one's."""


def ablation_rows(points: Iterable[Point]) -> list[AblationRow]:
    """Rows of the points that have results, in their order."""
    points = list(points)
    results = {id(point): read_results(point.cells) for point in points}
    plain = {
        (point.ablation.name, point.preset_name): results[id(point)]
        for point in points
        if point.plain and results[id(point)]
    }
    return [
        _row(point, group, plain.get((point.ablation.name, point.preset_name)))
        for point in points
        if (group := results[id(point)])
    ]


def _row(point: Point, group: Sequence[Result], plain: Sequence[Result] | None) -> AblationRow:
    shared = bench_row(group)
    names = {field.name for field in fields(shared)}
    taken: dict[str, Any] = {
        field.name: getattr(shared, field.name)
        for field in fields(AblationRow)
        if field.name in names
    }
    untested = unlike_windows(group[0], plain[0]) if plain else ""
    if plain and not point.plain and not untested:
        taken |= tests_between(plain, group)
    return AblationRow(
        **taken,
        figure=point.ablation.name,
        variant=point.variant.label,
        settings=list(point.variant.settings),
        plain=point.plain,
        seed_mse=[result.evaluation["mse"] for result in group],
        untested=untested,
    )


def panels(rows: Sequence[AblationRow]) -> Iterator[tuple[str, str, list[AblationRow]]]:
    """Figure, preset and rows of every table or panel, in the order of the rows."""
    for name, preset in dict.fromkeys((row.figure, row.preset) for row in rows):
        yield (
            name,
            preset,
            [row for row in rows if (row.figure, row.preset) == (name, preset)],
        )


def ablation_tables(
    rows: Sequence[AblationRow], changes: Sequence[str] = ()
) -> list[RenderableType]:
    """Rows for a terminal: a table a figure and preset, and footnotes.

    Parameters
    ----------
    changes
        Settings `dotted.key=value` of all variants that are not as the presets have them.
    """
    return grid_tables(_grids(rows), [*_footnotes(rows), *changed(changes)])


def ablation_markdown(
    rows: Sequence[AblationRow], plots: Sequence[Path], changes: Sequence[str] = ()
) -> str:
    """Rows as GitHub shows them, with the plots, which lie beside."""
    shown = [f"![{plot.stem}]({plot.name})\n" for plot in plots]
    notes = [f"- {note}" for note in (*_footnotes(rows), *changed(changes))]
    return "\n".join([*grid_markdown(_grids(rows)), *shown, *notes, ""])


def _grids(rows: Sequence[AblationRow]) -> Iterator[tuple[str, Columns]]:
    for name, preset, inside in panels(rows):
        columns = {
            (ablation_named(name).counts or "variant"): [row.variant for row in inside],
            "MSE": [
                spread(row.mse, row.sd) + ("†" if "budget" in row.stopped_by else "")
                for row in inside
            ],
            "p": [_p(row, row.p_value, row.windows_contradict) for row in inside],
            "p, seeds": [_p(row, row.p_seeds, row.seeds_contradict) for row in inside],
            "s/epoch": [digits(row.epoch_s, 3) for row in inside],
            "GB": [digits(row.peak_memory_gb, 3) for row in inside],
            "parameters": [f"{row.parameters:,}" for row in inside],
            "epochs": [" ".join(map(str, row.epochs)) for row in inside],
            "end": [" ".join(dict.fromkeys(row.stopped_by)) for row in inside],
        }
        yield f"{ablation_named(name).title}, {preset}", columns


def _p(row: AblationRow, p: float | None, contradicts: bool) -> str:
    return "as it is" if row.plain else p_words(p, contradicts=contradicts)


def _footnotes(rows: Sequence[AblationRow]) -> list[str]:
    lines = [
        "MSE: mean over windows, particles and coordinates; F-MSE at T = 1, else A-MSE.",
        "p: Wilcoxon signed-rank test against the preset `as it is`, over "
        "test windows, which overlap in time: p is optimistic. p, seeds: paired t-test on "
        "logarithms over seeds, three or more."
        if any(row.plain for row in rows)
        else "No p: no variant is the preset as it is, against which it would be.",
    ]
    if any(row.windows_contradict or row.seeds_contradict for row in rows):
        lines.append(CONTRADICTS_MEANS)
    for row in rows:
        data = f"{row.dataset} ({row.label})" if row.label else row.dataset
        lines.append(
            f"{row.preset}: {data}, T = {row.horizon}, {row.windows} test windows, {row.unit}."
        )
        lines.append(
            f"GB: of training, {row.memory_kind}. Measured on {row.device}, "
            f"{row.threads} thread{'s' * (row.threads != 1)}."
        )
        if len(row.seeds) > 1:
            lines.append("±: sample standard deviation over seeds.")
        if row.untested:
            lines.append(f"{row.preset}, {' '.join(row.settings)}: no p, {row.untested}.")
        if "budget" in row.stopped_by:
            lines.append(f"†: {UNFINISHED['budget']}.")
    return list(dict.fromkeys(lines))
