"""What stands under a benchmark's tables, each once."""

from __future__ import annotations

import pytest

from painet_cli.benchmark.rows import bench_rows
from painet_cli.benchmark.tables.notes import footnotes, of_presets
from pretend_results import planned

EVERY = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize(
    ("some", "every", "said"),
    [
        (EVERY, EVERY, "all presets"),
        (("a",), ("a",), "a"),
        (("d", "a", "b", "c"), EVERY, "all but e"),
        (("b", "a"), EVERY, "a, b"),
        (("b", "b"), ("b", "b", "a", "a"), "b"),
    ],
)
def test_presets_are_named_as_briefly_as_they_can_be(
    some: tuple[str, ...], every: tuple[str, ...], said: str
) -> None:
    assert of_presets(some, every) == said


def test_worse_than_the_best_yardstick_is_explained_where_a_model_is() -> None:
    for still, explained in ((0.2, True), (0.4, False)):
        one = planned(0.3)
        one.evaluation["yardsticks"] = {"nothing moves": [still], "straight on": [0.9]}
        said = [note.startswith("§: worse") for note in footnotes(bench_rows([one]), None)]
        assert any(said) == explained


def test_a_machine_is_named_once_with_its_threads() -> None:
    results = [planned(0.3, "egnn"), planned(0.4, "rf"), planned(0.5, "mpnn")]
    results[2].record["threads"] = 2
    said = [note for note in footnotes(bench_rows(results), None) if "Measured on" in note]
    assert [note.partition("cpu, ")[2].rstrip(".").partition(";")[0] for note in said] == [
        "1 thread",
        "2 threads",
    ]


def test_a_p_of_some_of_the_windows_says_of_how_many() -> None:
    results = [planned(0.3, "painet"), planned(0.4, "egnn")]
    count = len(results[0].window_mse)
    for windows, said in ((count, False), (100 * count, True)):
        for one in results:
            one.evaluation["windows"] = windows
        wanted = f"p over windows: of {count} at most, evenly spaced over the test's."
        assert (wanted in footnotes(bench_rows(results), None)) == said


def test_settings_that_are_not_the_presets_are_named() -> None:
    rows = bench_rows([planned(0.3)])
    said = footnotes(rows, None, ["data.dataset=mine", "train.epochs=2"])
    assert "Changed in every preset: data.dataset=mine, train.epochs=2." in said
    assert not any(note.startswith("Changed") for note in footnotes(rows, None))
