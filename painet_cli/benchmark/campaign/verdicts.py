"""What a table says in one sentence: who is best, and whether seeds could have said otherwise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from painet_cli.benchmark.campaign.plan import parts
from painet_cli.benchmark.cells import Result
from painet_cli.benchmark.layout import spread
from painet_cli.benchmark.rows import Row
from painet_cli.report.tables.layout import digits

_ENDS = {
    "patience": "by patience",
    "schedule": "with a learning rate that had come down to nothing",
    "closed form": "in a closed form",
    "epochs": "by their last epoch at full rate",
    "budget": "by a budget",
}


_STILL_LEARNING = {"budget": "stopped by a budget", "epochs": "stopped while it was learning"}
_FEWEST_SEEDS = 3
"""Seeds whose standard deviation is taken for the spread of seeds."""


def verdict(rows: Sequence[Row]) -> str:
    """Sentences on the rows of one preset: best and next, who loses to a yardstick, who lacks."""
    ranked = sorted(rows, key=lambda row: math.inf if math.isnan(row.mse) else row.mse)
    best, *others = ranked
    split = f"{best.split_kind} split, {100 * best.leak:.3g} % overlap"
    start = f"`{best.preset}` ({split}): "
    lacking = _lacking(best.preset, [row.model for row in rows])
    if math.isnan(best.mse):
        return f"{start}no model has a finite error.{lacking}"
    first = f"{best.model} is first with {_told(best)}"
    against = _against(best, others[0]) if others else "and the only one"
    return f"{start}{first}, {against}.{_losers(ranked)}{lacking}"


def _lacking(preset: str, models: Sequence[str]) -> str:
    """Models that the plan has and nobody trained, so that the first may not stay it."""
    planned = dict.fromkeys(
        model for part in parts() if preset in part.presets for model in part.models
    )
    lacking = [model for model in planned if model not in models]
    return f" Not trained yet: {', '.join(lacking)}." if lacking else ""


def _against(best: Row, second: Row) -> str:
    if math.isnan(second.mse):
        return "and the only one with a finite error"
    spreads = _spread_of_seeds(best), _spread_of_seeds(second)
    if spreads[0] is None or spreads[1] is None:
        return (
            f"{second.model} second with {_told(second)}; "
            f"fewer than {_FEWEST_SEEDS} seeds do not tell how much seeds vary"
        )
    beyond = best.mse + spreads[0] < second.mse - spreads[1]
    return (
        f"beyond the spread of seeds of {second.model} ({_told(second)})"
        if beyond
        else f"within the spread of seeds of {second.model} ({_told(second)})"
    )


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


def _losers(ranked: Sequence[Row]) -> str:
    """Models that the best yardstick beats, where yardsticks were measured."""
    known = {name: mse for row in ranked for name, mse in row.yardsticks.items()}
    if not known:
        return ""
    name = min(known, key=lambda one: known[one])
    lost = [row.model for row in ranked if not row.mse <= known[name]]
    worse = f"worse than it: {', '.join(lost)}" if lost else "no model is worse"
    return f" The best yardstick is *{name}*, {digits(known[name])}; {worse}."


def verdicts(rows: Sequence[Row]) -> list[str]:
    """A sentence a preset, in the order of the rows."""
    presets = dict.fromkeys(row.preset for row in rows)
    return [verdict([row for row in rows if row.preset == preset]) for preset in presets]


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
