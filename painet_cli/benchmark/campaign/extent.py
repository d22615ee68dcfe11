"""How much the plan is: cells in all, cells that are trained, hours that are left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from painet_cli.benchmark.ablation import ABLATIONS
from painet_cli.benchmark.campaign.plan import make_plan, missing_datasets, parts
from painet_cli.benchmark.campaign.record import mostly_alike, settings_key
from painet_cli.benchmark.cells import Result, is_whole
from painet_cli.benchmark.rows import OURS
from painet_cli.config.presets import load_preset


def extent(results: Sequence[Result]) -> str:
    """Say how many cells the plan has, and how many of them are trained; no data are needed."""
    planned: dict[str, set[int]] = {}
    for key, seeds in _cells():
        planned.setdefault(key, set()).update(seeds)
    ended = [
        one
        for one in results
        if one.cell.seed in planned.get(settings_key(one.cell.preset), ())
        and is_whole(one.cell.preset, one.record, None)
    ]
    done = {(settings_key(one.cell.preset), one.cell.seed): one for one in mostly_alike(ended)}
    hours = sum(map(_hours, done.values()))
    cells = sum(map(len, planned.values()))
    return f"The plan has {cells} cells; {len(done)} are trained, in {hours:.2g} hours in all."


def _hours(result: Result) -> float:
    """Hours of a training: of its last start, or of all its epochs where it was stopped."""
    record = result.record
    epochs_s = float(record["epoch_s"] * record["epochs"])
    return max(float(record.get("wall_s", 0.0)), epochs_s) / 3600


def hours_left(results: Sequence[Result], data_dir: Path) -> str:
    """Say what the cells that are not trained may take; nothing where no dataset is prepared."""
    # no runs lie among the data: what is done is what was recorded
    todo = [one for one in make_plan(data_dir, data_dir, results) if not one.done]
    if not todo:
        return ""
    without = ", ".join(missing_datasets(data_dir))
    hours = sum(one.hours_left for one in todo)
    return (
        f"The others may take some {hours:.0f} hours of one core"
        f"{f', {without} not counted' if without else ''}."
    )


def _cells() -> Iterator[tuple[str, range]]:
    """Keys of settings, and their seeds."""
    for part in parts():
        for preset in part.presets:
            for model in part.models:
                own = [f"model.name={model}", *part.settings_of(model)]
                yield _key_and_seeds(preset, own, part.seeds_of(model))
        for figure in (ABLATIONS[name] for name in part.figures):
            for preset in figure.presets:
                for variant in figure.variants:
                    own = [*part.settings_of(OURS), *variant.settings]
                    yield _key_and_seeds(preset, own, part.seeds_of(OURS))


def _key_and_seeds(preset: str, settings: Sequence[str], count: int) -> tuple[str, range]:
    chosen = load_preset(preset, settings)
    first = chosen.train.seed
    return settings_key(chosen), range(first, first + count)
