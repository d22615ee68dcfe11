"""Titles and columns of a benchmark's tables, whatever they are written as."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from painet_cli.benchmark.rows import Row, in_order
from painet_cli.report.pictures.canvas import short_unit
from painet_cli.report.tables.layout import Columns, digits, spread
from painet_cli.report.tables.paper import best_printed, letters

TITLES = {
    1: "Table 1: motion capture",
    2: "Table 2: MD17, one step",
    3: "Table 3: MD17, several steps",
    4: "Table 4: AdK, trained on one step",
    None: "Not in the paper",
}
NAMES = ("Model", "Preset", "Yardstick", "variant")
"""Columns that name a row."""
_PRESETS_A_TABLE = 4


def grids(rows: Sequence[Row]) -> Iterator[tuple[str, Columns]]:
    """Titles and columns of every table: errors of models and of yardsticks, the best, costs."""
    for table, title in TITLES.items():
        inside = [row for row in rows if row.table == table]
        if inside:
            yield from _of_table(title, inside)


def _of_table(title: str, rows: Sequence[Row]) -> Iterator[tuple[str, Columns]]:
    presets = dict.fromkeys(row.preset for row in rows)
    short, pattern = shortened(list(presets))
    of_presets = f" ({pattern})" if pattern else ""
    models = in_order(row.model for row in rows)
    unit = f", {short_unit(rows[0].unit)}" if len({row.unit for row in rows}) == 1 else ""
    for part in _parts(rows):
        yield f"{title}{of_presets}: MSE{unit}", _errors(part, models, short)
    if any(row.yardsticks for row in rows):
        yield f"{title}{of_presets}: MSE of yardsticks{unit}", _yardsticks(rows, short)
    if any(row.paper_step_mse for row in rows):
        yield f"{title}: MSE a step", _steps(rows, short)
    if any(best_printed(row.preset) for row in rows):
        yield f"{title}{of_presets}: best", _best(rows, short)
    yield f"{title}{of_presets}: cost", _costs(rows, short)


def shortened(presets: Sequence[str]) -> tuple[dict[str, str], str]:
    """Names of presets without the words that all begin and end with, and those words.

    Examples
    --------
    >>> shortened(["md17-benzene-s2s", "md17-ethanol-s2s"])
    ({'md17-benzene-s2s': 'benzene', 'md17-ethanol-s2s': 'ethanol'}, 'md17-*-s2s')
    >>> shortened(["adk"])
    ({'adk': 'adk'}, '')
    """
    words = [preset.split("-") for preset in presets]
    room = min(map(len, words)) - 1
    first = _alike(words, room) if len(presets) > 1 else 0
    last = _alike([one[::-1] for one in words], room - first) if len(presets) > 1 else 0
    short = {
        preset: "-".join(one[first : len(one) - last])
        for preset, one in zip(presets, words, strict=True)
    }
    around = [*words[0][:first], "*", *words[0][len(words[0]) - last :]]
    return short, "-".join(around) if first + last else ""


def _alike(words: Sequence[Sequence[str]], most: int) -> int:
    """How many words all begin with."""
    same = [len(set(column)) == 1 for column in zip(*words, strict=False)]
    return min(same.index(False) if False in same else len(same), most)


def _parts(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows of a few presets at a time, as many as a page is wide."""
    presets = list(dict.fromkeys(row.preset for row in rows))
    for first in range(0, len(presets), _PRESETS_A_TABLE):
        inside = presets[first : first + _PRESETS_A_TABLE]
        yield [row for row in rows if row.preset in inside]


def _errors(rows: Sequence[Row], models: Sequence[str], short: Mapping[str, str]) -> Columns:
    """Models down, presets across, the paper's figure beside ours."""
    cells = {(row.preset, row.model): row for row in rows}
    columns: Columns = {"Model": list(models)}
    for preset in dict.fromkeys(row.preset for row in rows):
        own = [cells.get((preset, model)) for model in models]
        columns[short[preset]] = [shown_mse(row) if row else "-" for row in own]
        if any(row and row.paper_mse is not None for row in own):
            columns[f"{short[preset]}, paper"] = [_printed(row) for row in own]
    return columns


def _yardsticks(rows: Sequence[Row], short: Mapping[str, str]) -> Columns:
    """What needs no network, on the same windows."""
    of_preset = {row.preset: row.yardsticks for row in rows if row.yardsticks}
    names = list(dict.fromkeys(name for found in of_preset.values() for name in found))
    columns: Columns = {"Yardstick": names}
    for preset, found in of_preset.items():
        least = min(found.values())
        columns[short[preset]] = [
            digits(found[name]) + ("←" if found[name] == least else "") if name in found else "-"
            for name in names
        ]
    return columns


def shown_mse(row: Row) -> str:
    """A row's error with its marks."""
    ended = "†" if "budget" in row.stopped_by else "°" if "epochs" in row.stopped_by else ""
    best = "←" if row.best else ""
    return f"{spread(row.mse, row.sd)}{row.star}{'§' if row.loses else ''}{ended}{best}"


def _printed(row: Row | None) -> str:
    if row is None or row.paper_mse is None:
        return "-"
    return beside(spread(row.paper_mse, row.paper_sd), row)


def beside(figure: str, row: Row) -> str:
    """A paper's figure marked as what it is beside ours: plain, of other windows, or in doubt."""
    if not row.compares:
        return f"[{figure}]"
    return f"{figure}‡" if row.paper_doubt else figure


def best_rows(rows: Sequence[Row]) -> dict[str, Row]:
    """The row with the smallest error, by preset."""
    best: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: math.inf if math.isnan(row.mse) else row.mse):
        best.setdefault(row.preset, row)
    return {preset: best[preset] for preset in dict.fromkeys(row.preset for row in rows)}


def _best(rows: Sequence[Row], short: Mapping[str, str]) -> Columns:
    """The best model of every preset beside the lowest figure that any paper prints."""
    best = best_rows(rows)
    printed = [best_printed(preset) for preset in best]
    return {
        "Preset": [short[preset] for preset in best],
        "here": [f"{row.model} {spread(row.mse, row.sd)}" for row in best.values()],
        "best printed": [
            f"{one.model} {beside(digits(one.mse), row)}" if one else "-"
            for one, row in zip(printed, best.values(), strict=True)
        ],
        "by": [f"({letters()[one.source, one.note]})" if one else "-" for one in printed],
    }


def _steps(rows: Sequence[Row], short: Mapping[str, str]) -> Columns:
    lines = [
        (name, short[preset], steps)
        for row in rows
        for name, preset, steps in (
            (row.model, row.preset, row.step_mse),
            (f"{row.model}, paper", row.preset, row.paper_step_mse),
        )
        if steps
    ]
    count = max(len(steps) for _, _, steps in lines)
    return {
        "Model": [name for name, _, _ in lines],
        "Preset": [preset for _, preset, _ in lines],
        **{
            f"t={step + 1}": [digits(s[step]) if step < len(s) else "-" for _, _, s in lines]
            for step in range(count)
        },
    }


def _costs(rows: Sequence[Row], short: Mapping[str, str]) -> Columns:
    """Time and memory, of training and, where the paper printed it, of prediction."""

    def column(values: Iterable[float | None]) -> list[str]:
        return ["-" if value is None else digits(value, 3) for value in values]

    columns = {
        "Preset": [short[row.preset] for row in rows],
        "Model": [row.model for row in rows],
        "s/epoch": column(row.epoch_s for row in rows),
    }
    paper_gb = column(row.paper_memory_gb for row in rows)
    if any(row.paper_predict_s for row in rows):
        columns["predict s"] = column(row.predict_s for row in rows)
        columns["paper s"] = column(row.paper_predict_s for row in rows)
        columns["predict GB"] = column(row.predict_memory_gb for row in rows)
        columns["paper GB"] = paper_gb
    else:
        if any(row.paper_epoch_s for row in rows):
            columns["paper s"] = column(row.paper_epoch_s for row in rows)
        columns["GB"] = [digits(row.peak_memory_gb, 2) for row in rows]
        if any(row.paper_memory_gb for row in rows):
            columns["paper GB"] = paper_gb
    return {
        **columns,
        "parameters": [f"{row.parameters:,}" for row in rows],
        "seeds": [str(len(row.seeds)) for row in rows],
        "epochs and end": [_ended(row) for row in rows],
    }


def _ended(row: Row) -> str:
    """Fewest and most epochs of a row's seeds, and what ended them."""
    low, high = min(row.epochs), max(row.epochs)
    ends = " ".join(dict.fromkeys(row.stopped_by))
    return ends if ends == "closed form" else f"{low}{f'-{high}' * (high > low)} {ends}"
