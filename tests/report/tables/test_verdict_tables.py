"""What stands above a prediction."""

import numpy as np
import pytest

from painet_cli.prediction.adapting.verdict import Verdict
from painet_cli.report.tables.verdict import opening_sentences, verdict_sentences


def test_where_nothing_was_measured_that_is_said_with_what_it_takes() -> None:
    none, bars = opening_sentences(None, None, "angstrom")
    assert none.startswith("No yardstick was measured: that takes enough frames before the start")
    assert "adapt" in none
    assert bars.startswith("No error bars")


@pytest.mark.parametrize(
    ("mse", "said"),
    [(0.5, "50% below the best"), (1.2, "20% above the best"), (400.0, "4e+02 times that of the")],
)
def test_how_far_from_the_best_yardstick_is_said_in_percent_or_times(mse: float, said: str) -> None:
    errors = {"mine": [mse], "nothing moves": [1.0]}
    verdict = Verdict("mine", 20, 200, errors, errors, ("nothing moves",), np.array([1.0]))
    assert said in verdict_sentences(verdict, "angstrom")[0]


def test_what_a_mean_is_of_is_told_apart_though_names_have_commas() -> None:
    errors = {name: [0.5] for name in ("weighted mean", "own", "own, trained further")}
    errors["nothing moves"] = [1.0]
    weights = {"own": 0.4, "own, trained further": 0.6}
    verdict = Verdict(
        "weighted mean", 20, 200, errors, errors, ("nothing moves",), np.array([1.0]), (), weights
    )
    said = verdict_sentences(verdict, "angstrom")[0]
    assert "weighted mean (0.40 own; 0.60 own, trained further)" in said
