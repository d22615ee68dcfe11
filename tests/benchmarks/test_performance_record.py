"""The performance record says better, same or worse only where the noise allows it."""

from __future__ import annotations

import json
from types import ModuleType

import pytest

from scripts_of_benchmarks import BENCHMARKS, Script


@pytest.fixture(scope="module")
def record(script: Script) -> ModuleType:
    return script("record")


def test_a_ratio_is_the_median_turn_by_turn_and_knows_its_spread(record: ModuleType) -> None:
    theirs = [1.0, 2.0, 4.0, 1.0]
    same = record.ratio_of([0.5 * value for value in theirs], theirs)
    assert (same.ratio, same.error) == (0.5, 0.0)
    noisy = record.ratio_of([0.4, 1.0, 2.4, 0.5], theirs)
    assert noisy.ratio == pytest.approx(0.5)
    assert noisy.error > 0


@pytest.mark.parametrize(
    ("now", "error", "said"),
    [
        (0.40, 0.005, "better"),
        (0.60, 0.005, "worse"),
        (0.51, 0.0001, "same"),  # sure, but too small to speak of
        (0.40, 0.1, "same"),  # large, but not sure
    ],
)
def test_the_verdict(record: ModuleType, now: float, error: float, said: str) -> None:
    before = record.Ratio(0.50, 0.005, 100.0)
    assert record.verdict(record.Ratio(now, error, 80.0), before).startswith(said)


def test_what_is_kept_can_be_compared(record: ModuleType) -> None:
    kept = list((BENCHMARKS / "records").glob("*.json"))
    assert kept
    for path in kept:
        content = json.loads(path.read_bytes())
        assert path.stem == content["commit"]
        ratios = {name: record.Ratio(**ratio) for name, ratio in content["ratios"].items()}
        assert ratios.keys() == record.CASES.keys()
        assert all(0 < ratio.ratio < 10 and ratio.error >= 0 for ratio in ratios.values())


def test_every_case_has_something_to_be_held_against(record: ModuleType) -> None:
    assert record.CASES.keys() == record.REFERENCES.keys()
