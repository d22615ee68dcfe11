"""What a table says in one sentence: who is best, and whether seeds could have said otherwise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

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


def verdict(rows: Sequence[Row]) -> str:
    """Sentences on the rows of one preset: the best, the next, and who loses to a yardstick."""
    ranked = sorted(rows, key=lambda row: math.inf if math.isnan(row.mse) else row.mse)
    best, *others = ranked
    split = f"{best.split_kind} split, {100 * best.leak:.3g} % overlap"
    start = f"`{best.preset}` ({split}): {best.model} is first with {_told(best)}"
    if not others:
        return f"{start}, and the only one.{_losers(ranked)}"
    return f"{start}, {_against(best, others[0])}.{_losers(ranked)}"


def _against(best: Row, second: Row) -> str:
    spreads = _spread_of_seeds(best), _spread_of_seeds(second)
    if spreads[0] is None or spreads[1] is None:
        return (
            f"{second.model} second with {_told(second)}; "
            "with one seed nothing is known of how much seeds vary"
        )
    beyond = best.mse + spreads[0] < second.mse - spreads[1]
    return (
        f"beyond the spread of seeds of {second.model} ({_told(second)})"
        if beyond
        else f"within the spread of seeds of {second.model} ({_told(second)})"
    )


def _spread_of_seeds(row: Row) -> float | None:
    """Standard deviation over seeds, on which a closed form does not depend; None of one seed."""
    return 0.0 if set(row.stopped_by) == {"closed form"} else row.sd


def _told(row: Row) -> str:
    count = len(row.seeds)
    closed = set(row.stopped_by) == {"closed form"}
    how = "closed form" if closed else f"{count} seed{'s' * (count > 1)}"
    return f"{spread(row.mse, row.sd)} ({how})"


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
