"""The verdict of a prediction: what predicted, how good on held-out frames, how sure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.console import RenderableType

from painet_cli.errors import option
from painet_cli.prediction.adapting.verdict import Verdict
from painet_cli.report.pictures.canvas import short_unit
from painet_cli.report.tables.layout import Columns, digits, lay_out

_MOST_RADII = 4
_MANY = 9.0
"""How far above the best yardstick, in shares of its error, percent say little."""


def opening_sentences(
    verdict: Verdict | None, radius_90: NDArray[np.float64] | None, length_unit: str
) -> list[str]:
    """What stands above a prediction: the verdict, or that there is none."""
    if verdict is not None:
        return verdict_sentences(verdict, length_unit)
    none = (
        "No yardstick was measured: that takes enough frames before the start to hold some out, "
        f"and {option('adapt', 'auto')}."
    )
    return [none, sure_sentence(radius_90, length_unit)]


def verdict_sentences(verdict: Verdict, length_unit: str) -> list[str]:
    """Say the verdict in two or three sentences."""
    unit, means = short_unit(length_unit), verdict.means
    best, chosen, skill = verdict.best_yardstick, verdict.chosen, verdict.skill
    where = f"on {verdict.windows:,} windows held out before the start"
    own, rival = digits(means[chosen]), f"{best}, {digits(means[best])} {unit}²"
    if chosen in verdict.yardsticks:
        said = f"Predicted by a yardstick, {chosen}: {where} nothing beats it"
        learned = [name for name in means if name not in verdict.yardsticks]
        if learned:
            near = min(learned, key=lambda name: means[name])
            said += f" (MSE {own}, {near} {digits(means[near])} {unit}²)"
    elif skill is None:
        said = f"Predicted by {chosen}: {where} the yardstick {best} makes no error"
    else:
        how = f"{abs(skill):.0%} {'below' if skill >= 0 else 'above'}"
        if skill < -_MANY:
            how = f"{1 - skill:.2g} times that of"
        said = (
            f"Predicted by {chosen}{_weights(verdict)}: {where} its MSE is {own} {unit}², {how} "
            f"the best yardstick ({rival})"
        )
    sentences = [f"{said}."]
    if verdict.loses_to and chosen not in verdict.yardsticks:
        sentences.append(f"It loses to {'; '.join(verdict.loses_to)}.")
    best_of_all = min(means, key=lambda name: means[name])
    if best_of_all != chosen and means[best_of_all] < means[chosen]:
        sentences.append(f"{best_of_all} would be better: {digits(means[best_of_all])} {unit}².")
    sentences.append(sure_sentence(verdict.radius_90, length_unit))
    return sentences


def _weights(verdict: Verdict) -> str:
    """What a mean is of, in brackets; empty of anything else."""
    said = "; ".join(f"{weight:.2f} {name}" for name, weight in verdict.weights.items())
    return f" ({said})" if said else ""


def sure_sentence(radius_90: NDArray[np.float64] | None, length_unit: str) -> str:
    """Say how far nine in ten particles are off at most, at some steps."""
    if radius_90 is None:
        return (
            "No error bars: too few frames before the start to measure them on, and the "
            "checkpoint keeps none of this many steps."
        )
    count, unit = len(radius_90), short_unit(length_unit)
    shown = sorted({round(k * (count - 1) / (_MOST_RADII - 1)) for k in range(_MOST_RADII)})
    within = ", ".join(f"{digits(float(radius_90[k]))} {unit} at step {k + 1}" for k in shown)
    return f"90 % of particles within {within}."


def held_out_title(verdict: Verdict, length_unit: str) -> str:
    """What the figures of the held-out windows are."""
    return f"MSE in {length_unit}² on {verdict.windows:,} windows held out"


def held_out_figures(verdict: Verdict) -> tuple[Columns, Columns]:
    """Names, with who is a yardstick and who loses to one, and figures, the best first."""
    means, best = verdict.means, verdict.means[verdict.best_yardstick]
    names = sorted(means, key=lambda name: means[name])

    def is_what(name: str) -> str:
        if name in verdict.yardsticks:
            return "yardstick"
        return "loses" if means[name] > best else ""

    def column(errors: dict[str, list[float]], of: int | None) -> list[str]:
        return [
            digits(sum(errors[name]) / len(errors[name]) if of is None else errors[name][of])
            for name in names
        ]

    columns = {
        "mean": column(verdict.mse, None),
        "superposed": column(verdict.superposed, None),
        "first step": column(verdict.mse, 0),
        "last step": column(verdict.mse, -1),
    }
    return {"": names, " ": [is_what(name) for name in names]}, columns


def verdict_table(verdict: Verdict, length_unit: str) -> list[RenderableType]:
    """Lay out what was measured on the held-out windows."""
    return lay_out(held_out_title(verdict, length_unit), *held_out_figures(verdict))
