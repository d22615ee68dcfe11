"""From the records of cells to a page: tables and sentences between the marks of a Markdown file.

A mark is a line `<!-- painet bench report: NAME -->`; what stands up to `<!-- end -->` is replaced.
Names: `table 1` to `table 4`, `not in the paper`, `figures`, `other settings`, `marks`, `ends`,
`plan`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from painet_cli.benchmark.campaign.extent import extent, hours_left
from painet_cli.benchmark.campaign.failure import Failure
from painet_cli.benchmark.campaign.plan import parts
from painet_cli.benchmark.campaign.record import (
    data_key,
    mostly_alike,
    settings_key,
)
from painet_cli.benchmark.campaign.verdicts import share_of_ends, verdicts
from painet_cli.benchmark.cells import Cell, Result
from painet_cli.benchmark.layout import bullets, markdown_blocks, markdown_grids
from painet_cli.benchmark.rows import OURS, Row, bench_row, bench_rows
from painet_cli.benchmark.tables.notes import marks, notes_of
from painet_cli.config.models import PainetConfig
from painet_cli.config.presets import Preset, load_preset, preset_names
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import with_benchmark_velocity
from painet_cli.report.tables.layout import Columns, digits, spread
from painet_cli.storage.atomic import write_text

_MARK = re.compile(r"(<!-- painet bench report: ([\w ]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_PLAN = "plan"
_BLOCKS = {f"table {number}": number for number in (1, 2, 3, 4)}


def update_page(
    page: Path,
    results: Sequence[Result],
    failures: Sequence[Failure] = (),
    data_dir: Path | None = None,
) -> None:
    """Write what the records say between the marks of a page.

    Parameters
    ----------
    failures
        Cells that came to no result.
    data_dir
        Prepared datasets, from which it is known what the rest of the plan may take. Without them
        what the page says of that stays, as long as as many cells are trained.

    Raises
    ------
    RequestError
        The page cannot be read or written, or has a mark of another name.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{page}: cannot be read ({error.strerror})") from error
    blocks = make_blocks(results, failures)
    there = {name: old.strip() for _, name, old, _ in _MARK.findall(text)}
    for name in there:
        if name not in blocks:
            raise RequestError(f"{page}: no block {name}", f"there are {', '.join(blocks)}")
    if _PLAN in there:
        left = hours_left(results, data_dir) if data_dir else ""
        said = blocks[_PLAN].strip()
        as_it_stands = there[_PLAN] if there[_PLAN].startswith(said) else said
        blocks[_PLAN] = f"{said} {left}\n" if left else f"{as_it_stands}\n"
    write_text(page, _MARK.sub(lambda found: f"{found[1]}\n{blocks[found[2]]}\n{found[4]}", text))


def make_blocks(results: Sequence[Result], failures: Sequence[Failure] = ()) -> dict[str, str]:
    """Markdown of every block by name."""
    tables, others = of_the_plan(results)
    rows = bench_rows(tables)
    blocks = {name: _block([r for r in rows if r.table == at]) for name, at in _BLOCKS.items()}
    return {
        **blocks,
        "not in the paper": _block([row for row in rows if row.table is None]),
        "figures": _figures(results),
        "other settings": _other_settings(others),
        "marks": "\n".join([*bullets(marks(rows, None)), ""]),
        "ends": "\n".join([share_of_ends(results), *_failed(failures), ""]),
        _PLAN: f"{extent(results)}\n",
    }


def of_the_plan(results: Sequence[Result]) -> tuple[list[Result], list[Result]]:
    """Results with the plan's settings that are `mostly_alike`; others.

    Variants of an ablation are neither.
    """
    plain = [result for result in results if not result.cell.label]
    tables = mostly_alike(
        [one for one in plain if settings_key(one.cell.preset) in _planned_keys(one.cell)]
    )
    kept = {id(result) for result in tables}
    return tables, [result for result in plain if id(result) not in kept]


def _planned_keys(cell: Cell) -> set[str]:
    """Keys of the settings that the plan has for a cell's preset and model."""
    return {settings_key(planned) for planned in _planned(cell.preset_name, cell.model)}


def _planned(preset: str, model: str) -> Iterator[Preset]:
    """A preset with each of the settings that the plan has for a model there."""
    for part in parts():
        if preset in part.presets and model in part.models:
            yield load_preset(preset, [f"model.name={model}", *part.settings_of(model)])


def _block(rows: Sequence[Row]) -> str:
    if not rows:
        return "No cell is trained yet.\n"
    said = bullets(verdicts(rows))
    return "\n".join([*said, "", *markdown_grids(rows), *bullets(notes_of(rows)), ""])


def _failed(failures: Sequence[Failure]) -> list[str]:
    """Cells without a figure, so that it is known which seeds a mean is not of."""
    listed = bullets(f"{one.cell}{_unlike_the_plan(one.cell)}: {one.said}" for one in failures)
    return ["", "Failed, so that they are in no mean:", "", *listed] if listed else []


def _unlike_the_plan(cell: Cell) -> str:
    """What tells the settings of a cell from the plan's, in brackets; empty where nothing does."""
    if cell.label or settings_key(cell.preset) in _planned_keys(cell):
        return ""
    return f" ({_differences(cell.preset_name, cell.preset)})"


def _figures(results: Sequence[Result]) -> str:
    """Variants of PAINET beside PAINET itself, alike but for the model, a row for all seeds."""
    groups: dict[tuple[Any, ...], list[Result]] = {}
    for result in results:
        cell = result.cell
        if cell.model == OURS:
            common = settings_key(cell.preset.model_copy(update={"model": PainetConfig()}))
            shared = (cell.preset_name, common, data_key(result))
            own = (cell.label, cell.preset.model.model_dump_json())
            groups.setdefault((shared, *own), []).append(result)
    alike = {shared for shared, label, _ in groups if label}
    rows = [
        (label, bench_row(group)) for (shared, label, _), group in groups.items() if shared in alike
    ]
    if not rows:
        return "No variant is trained yet.\n"
    rows.sort(key=lambda one: (one[1].preset, _numbers_by_size(one[0])))
    outcome = _outcome([row for _, row in rows])
    columns = {
        "Preset": [row.preset for _, row in rows],
        "variant": [f"`{label}`" if label else "as the preset has it" for label, _ in rows],
        "seeds": outcome["seeds"],
        "MSE": outcome["MSE"],
        "worst window": [f"{row.one_window:.0%}" for _, row in rows],
        **outcome,
    }
    return "\n".join(markdown_blocks(columns))


def _numbers_by_size(text: str) -> list[tuple[int, str]]:
    """By which texts are sorted so that 10 comes after 9."""
    pieces = re.split(r"(\d+)", text)
    return [(int(part), "") if part.isdigit() else (0, part) for part in pieces]


def _outcome(rows: Sequence[Row]) -> Columns:
    return {
        "seeds": [" ".join(map(str, row.seeds)) for row in rows],
        "MSE": [spread(row.mse, row.sd) for row in rows],
        "s/epoch": [digits(row.epoch_s, 3) for row in rows],
        "epochs": [" ".join(map(str, row.epochs)) for row in rows],
        "end": [" ".join(dict.fromkeys(row.stopped_by)) for row in rows],
    }


def _other_settings(results: Sequence[Result]) -> str:
    """Cells with other settings than the plan's, a row for those that differ in the seed alone."""
    groups: dict[tuple[Any, ...], list[Result]] = {}
    for result in results:
        cell = result.cell
        key = (cell.preset_name, cell.model, settings_key(cell.preset), data_key(result))
        groups.setdefault(key, []).append(result)
    if not groups:
        return "None.\n"
    rows = [(bench_row(group), group[0].cell.preset) for group in groups.values()]
    columns = {
        "Preset": [row.preset for row, _ in rows],
        "Model": [row.model for row, _ in rows],
        "settings": [_differences(row.preset, preset) for row, preset in rows],
        "data": [row.label or row.dataset for row, _ in rows],
        **_outcome([row for row, _ in rows]),
    }
    return "\n".join(markdown_blocks(columns))


def _differences(name: str, preset: Preset) -> str:
    """Settings that tell a preset from the one it is named after, or from the plan's.

    Whichever are fewer, beside model and seed.
    """
    if name not in preset_names():
        return "a preset of one's own"
    shipped = load_preset(name, [f"model.name={preset.model.name}"])
    said = [_changes(preset, shipped) or "as the preset has it"]
    for planned in _planned(name, preset.model.name):
        changes = _changes(preset, planned)
        said += [f"the table's, {changes}" if changes else "the table's"]
    return min(said, key=len)


def _changes(preset: Preset, other: Preset) -> str:
    changed = []
    for section in ("data", "features", "model", "train"):
        ours, theirs = getattr(preset, section), getattr(other, section)
        if section == "data":
            ours, theirs = with_benchmark_velocity(ours), with_benchmark_velocity(theirs)
        for key, value in ours.model_dump().items():
            if key not in ("seed", "activations") and value != theirs.model_dump()[key]:
                changed.append(f"{section}.{key}={_short(value)}")
    return " ".join(changed)


def _short(value: object) -> str:
    return str(value["kind"]) if isinstance(value, dict) and "kind" in value else str(value)
