"""What a table says in words: who leads, and whether seeds or a yardstick say otherwise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from painet_cli.benchmark.campaign.plan import parts
from painet_cli.benchmark.cells import Result
from painet_cli.benchmark.rows import Row, in_order, table_of
from painet_cli.benchmark.tables.notes import of_presets
from painet_cli.report.tables.layout import digits, spread

_ENDS = {
    "patience": "by patience",
    "schedule": "with a learning rate that had come down to nothing",
    "closed form": "in a closed form",
    "epochs": "by their last epoch at full rate",
    "budget": "by a budget",
}


_STILL_LEARNING = {"budget": "stopped by a budget", "epochs": "stopped while it was learning"}
_MUCH = 0.25
"""Share of one window in a mean that is said."""
_FEWEST_SEEDS = 3
"""Seeds whose standard deviation is taken for the spread of seeds."""


def verdicts(rows: Sequence[Row]) -> list[str]:
    """A sentence or two a preset, in the order of the rows, then what is common to them."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.preset, []).append(row)
    said = [f"`{preset}`: {_verdict(group)}" for preset, group in groups.items()]
    return [*said, *_untold(groups.values()), *_lacking(groups, rows[0].table)]


def _verdict(rows: Sequence[Row]) -> str:
    """Best and next of one preset, and who is worse than the best yardstick."""
    ranked = sorted(rows, key=lambda row: math.inf if math.isnan(row.mse) else row.mse)
    finite = [row for row in ranked if not math.isnan(row.mse)]
    if not finite:
        return f"no finite error of {', '.join(row.model for row in ranked)}."
    lost = [row.model for row in ranked if row not in finite]
    also = f" No finite error: {', '.join(lost)}." if lost else ""
    return f"{_first(finite)}.{_beside_yardsticks(finite)}{_single_windows(finite)}{also}"


def _first(ranked: Sequence[Row]) -> str:
    best, *others = ranked
    if not others:
        return f"{best.model} alone has a figure, {_told(best)}"
    second = others[0]
    how = {None: "", True: ", by more than seeds vary", False: ", by less than seeds vary"}
    leads = f"{best.model} {_told(best)} leads {second.model} {_told(second)}"
    return leads + how[_beyond(best, second)]


def _beyond(best: Row, second: Row) -> bool | None:
    """Whether two errors differ by more than their seeds spread; None where that is not known."""
    spreads = _spread_of_seeds(best), _spread_of_seeds(second)
    if spreads[0] is None or spreads[1] is None:
        return None
    return best.mse + spreads[0] < second.mse - spreads[1]


def _spread_of_seeds(row: Row) -> float | None:
    """Standard deviation over seeds, on which a closed form does not depend; None of too few."""
    if set(row.stopped_by) == {"closed form"}:
        return 0.0
    return row.sd if len(row.seeds) >= _FEWEST_SEEDS else None


def _told(row: Row) -> str:
    count = len(row.seeds)
    closed = set(row.stopped_by) == {"closed form"}
    how = "closed form" if closed else f"{count} seed{'s' * (count > 1)}"
    stopped = [
        _STILL_LEARNING[end] for end in dict.fromkeys(row.stopped_by) if end in _STILL_LEARNING
    ]
    return f"{spread(row.mse, row.sd)} ({', '.join([how, *stopped])})"


def _beside_yardsticks(ranked: Sequence[Row]) -> str:
    """Models that the best yardstick beats, where yardsticks were measured."""
    known = {name: mse for row in ranked for name, mse in row.yardsticks.items()}
    if not known:
        return ""
    name = min(known, key=lambda one: known[one])
    lost = [row.model for row in ranked if not row.mse <= known[name]]
    than = f"than the best yardstick, *{name}* {digits(known[name])}"
    if not lost:
        return f" {'None is' if len(ranked) > 1 else 'It is not'} worse {than}."
    if len(lost) == len(ranked):
        return f" {'All are' if len(lost) > 1 else 'It is'} worse {than}."
    return f" Worse {than}: {', '.join(lost)}."


def _single_windows(ranked: Sequence[Row]) -> str:
    """Models with a seed of whose mean one window is much."""
    much = [f"{row.model} {row.one_window:.0%}" for row in ranked if row.one_window > _MUCH]
    return (
        f" One window is much of the mean, in one seed at least: {', '.join(much)}." if much else ""
    )


def _untold(groups: Iterable[Sequence[Row]]) -> list[str]:
    few = any(_spread_of_seeds(row) is None for rows in groups for row in rows if len(rows) > 1)
    return [f"Fewer than {_FEWEST_SEEDS} seeds do not tell how much seeds vary."] if few else []


def _lacking(groups: Mapping[str, Sequence[Row]], table: int | None) -> list[str]:
    """Models that the plan has and nobody trained, so that who leads may not stay ahead."""
    planned: dict[str, list[str]] = {}
    for part in parts():
        for preset in part.presets:
            if table_of(preset) == table:
                planned.setdefault(preset, []).extend(part.models)
    models: dict[tuple[str, ...], list[str]] = {}
    for model in in_order(model for wanted in planned.values() for model in wanted):
        where = tuple(
            preset
            for preset, wanted in planned.items()
            if model in wanted and model not in [row.model for row in groups.get(preset, ())]
        )
        if where:
            models.setdefault(where, []).append(model)
    said = [
        f"{', '.join(names)} on {of_presets(where, planned)}" for where, names in models.items()
    ]
    return [f"Not trained yet: {'; '.join(said)}."] if said else []


def share_of_ends(results: Iterable[Result]) -> str:
    """How many cells ended in which way."""
    ends = Counter(result.end for result in results)
    total = sum(ends.values())
    parts = [
        f"{ends[end]} ({100 * ends[end] / total:.0f} %) {how}"
        for end, how in _ENDS.items()
        if ends[end]
    ]
    return f"How the training of {total} cells ended: {', '.join(parts)}." if total else "No cells."
