"""What a table says in one sentence: who is best, and whether seeds could have said otherwise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from painet_cli.benchmark.cells import Result
from painet_cli.benchmark.layout import spread
from painet_cli.benchmark.rows import Row

STRAIGHT_ON = "linear"
_ENDS = {
    "patience": "by patience",
    "schedule": "with a learning rate that had come down to nothing",
    "epochs": "by their last epoch at full rate",
    "budget": "by a budget",
}


def verdict(rows: Sequence[Row]) -> str:
    """Sentences on the rows of one preset: the best, the runner-up, and who loses to `linear`."""
    ranked = sorted(rows, key=lambda row: math.inf if math.isnan(row.mse) else row.mse)
    best, *others = ranked
    split = f"{best.split_kind} split, {100 * best.leak:.3g} % overlap"
    start = f"`{best.preset}` ({split}): {best.model} is first with {_told(best)}"
    if not others:
        return f"{start}, and the only one."
    return f"{start}, {_against(best, others[0])}.{_losers(ranked)}"


def _against(best: Row, second: Row) -> str:
    if best.sd is None or second.sd is None:
        return (
            f"{second.model} second with {_told(second)}; "
            "with one seed nothing is known of how much seeds vary"
        )
    beyond = best.mse + best.sd < second.mse - second.sd
    return (
        f"beyond the spread of seeds of {second.model} ({_told(second)})"
        if beyond
        else f"within the spread of seeds of {second.model} ({_told(second)})"
    )


def _told(row: Row) -> str:
    count = len(row.seeds)
    return f"{spread(row.mse, row.sd)} ({count} seed{'s' * (count > 1)})"


def _losers(ranked: Sequence[Row]) -> str:
    """Models that a straight line beats, where one was trained."""
    names = [row.model for row in ranked]
    if STRAIGHT_ON not in names:
        return ""
    lost = names[names.index(STRAIGHT_ON) + 1 :]
    return f" Worse than a straight line: {', '.join(lost)}." if lost else ""


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
