"""What stands under a benchmark's tables: what figures are of, and what marks mean, each once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from painet_cli.benchmark.rows import OURS, Row
from painet_cli.benchmark.significance import CONTRADICTS_MEANS, LEVEL, p_words
from painet_cli.evaluation.yardsticks import GAUSSIAN_KERNEL
from painet_cli.report.tables.paper import best_printed, letters, paper_rows

_MOST_LEFT_OUT = 3
_SAME = "of the same windows"
UNFINISHED = {
    "budget": "training ended by its budget, not by patience or its last epoch",
    "epochs": "its last epoch ended a training that was still at its full rate",
}
"""Ends of a training that was still learning, in words."""
_APART = "in [ ], of other {}: not comparable"


def footnotes(
    rows: Sequence[Row], budget_min: float | None, changes: Sequence[str] = ()
) -> list[str]:
    """Lines under tables.

    Parameters
    ----------
    budget_min
        Minutes that a cell was given, where it was.
    changes
        Settings `dotted.key=value` that are not as the presets have them.
    """
    return [*marks(rows, budget_min), *changed(changes), *notes_of(rows)]


def changed(changes: Sequence[str]) -> list[str]:
    """What was set otherwise than the presets have it; nothing where nothing was."""
    return [f"Changed in every preset: {', '.join(changes)}."] if changes else []


def marks(rows: Sequence[Row], budget_min: float | None) -> list[str]:
    """What figures and marks mean in any table, of those that these rows have."""
    return [
        "MSE: mean over windows, particles and coordinates; F-MSE at T = 1, else A-MSE.",
        *_marks(rows, budget_min),
        *_machines(rows),
    ]


def notes_of(rows: Sequence[Row]) -> list[str]:
    """What the figures of these rows are of."""
    return [*_windows(rows), *_beside_the_paper(rows), *_tests(rows)]


def of_presets(some: Iterable[str], every: Iterable[str]) -> str:
    """Name some of several presets: one, a few, all of them, or all but a few."""
    known = list(dict.fromkeys(every))
    chosen = set(some)
    others = [preset for preset in known if preset not in chosen]
    if not others and len(known) > 1:
        return "all presets"
    if len(others) <= _MOST_LEFT_OUT and 2 * len(others) < len(known) - 1:
        return f"all but {', '.join(others)}"
    return ", ".join(preset for preset in known if preset in chosen)


def _windows(rows: Sequence[Row]) -> list[str]:
    """What the windows are, once for all presets with the same."""
    said: dict[str, list[str]] = {}
    for row in rows:
        data = f"{row.label}; " if row.label else ""
        text = (
            f"{data}T = {row.horizon}, {row.windows} test windows; {row.split_kind} split, "
            f"{100 * row.leak:.3g} % of test windows overlap training."
        )
        said.setdefault(text, []).append(row.preset)
    every = [row.preset for row in rows]
    return [f"{of_presets(some, every)}: {text}" for text, some in said.items()]


def _marks(rows: Sequence[Row], budget_min: float | None) -> Iterator[str]:
    if any(row.best for row in rows) or any(row.yardsticks for row in rows):
        yield "←: the lowest, of models or of yardsticks."
    if any(len(row.seeds) > 1 for row in rows):
        yield "±: sample standard deviation over seeds; 0 below half of the last digit."
    if any(row.yardsticks for row in rows):
        yield "Yardsticks: predictions that need no network, on the same windows."
    if any(GAUSSIAN_KERNEL in row.yardsticks for row in rows):
        yield (
            f"kernel is a model, {GAUSSIAN_KERNEL} a yardstick: both are kernel ridge regression "
            "in the body's frame, the model with its settings, the yardstick always of "
            "displacements, with a Gaussian alone and no more than 400 windows kept."
        )
    if any(row.loses for row in rows):
        yield "§: worse than the best yardstick."
    if any("budget" in row.stopped_by for row in rows):
        budget = f" of {budget_min:g} minutes a cell" if budget_min is not None else ""
        yield f"†: training ended by the budget{budget}, not by patience or its last epoch."
    if any("epochs" in row.stopped_by for row in rows):
        yield f"°: {UNFINISHED['epochs']}."


def _beside_the_paper(rows: Sequence[Row]) -> Iterator[str]:
    """Which of the paper's figures compare, and who printed the lowest ones."""
    every = [row.preset for row in rows]
    printed = paper_rows()
    beside: dict[str, list[str]] = {}
    for row in rows:
        if row.preset in printed:
            said = _SAME
            if not row.compares:
                said = _APART.format("frames" if row.label else "windows")
            elif row.paper_doubt:
                said = f"‡, {row.paper_doubt}: compares in kind, not window by window"
            beside.setdefault(said, []).append(row.preset)
    for said, some in beside.items():
        yield f"The paper's figures of {of_presets(some, every)}: {said}."
    lowest = [best_printed(preset) for preset in dict.fromkeys(every)]
    for (source, note), letter in letters().items():
        if (source, note) in [(one.source, one.note) for one in lowest if one]:
            yield f"({letter}): {'; '.join(filter(None, (source, note)))}."


def _tests(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.model == OURS and row.against is not None:
            windows = p_words(row.p_value, contradicts=row.windows_contradict)
            seeds = p_words(row.p_seeds, contradicts=row.seeds_contradict)
            yield (
                f"{row.preset}: {OURS} against {row.against}, p {windows} over windows, "
                f"{seeds} over seeds."
            )
    tested = [(row.tested_windows or row.windows, row.windows) for row in rows]
    if some := [count for count, of in tested if count < of]:
        yield f"p over windows: of {max(some)} at most, evenly spaced over the test's."
    if any(row.windows_contradict or row.seeds_contradict for row in rows):
        yield CONTRADICTS_MEANS
    if any(row.star for row in rows):
        yield (
            f"*: best, and p < {LEVEL} between {OURS} and the best other model; w: over test "
            "windows (Wilcoxon signed-rank test; they overlap in time, so that p is "
            "optimistic), s: over seeds (paired t-test on logarithms, three seeds or more)."
        )


def _machines(rows: Sequence[Row]) -> list[str]:
    printed = any(row.paper_epoch_s or row.paper_memory_gb for row in rows)
    paper = "; the paper's on one NVIDIA H20" * printed
    lines = [
        f"GB: {row.memory_kind}. Measured on {row.device}, {row.threads} "
        f"thread{'s' * (row.threads != 1)}{paper}."
        for row in rows
    ]
    return list(dict.fromkeys(lines))
