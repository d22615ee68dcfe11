"""What the sentences above a table say, and what they do not."""

from __future__ import annotations

from painet_cli.benchmark.campaign.plan import parts
from painet_cli.benchmark.campaign.verdicts import share_of_ends, verdicts
from painet_cli.benchmark.cells import Result
from painet_cli.benchmark.rows import bench_rows
from pretend_results import planned, result

FEW = "Fewer than 3 seeds do not tell how much seeds vary."


def said(*results: Result) -> list[str]:
    return verdicts(bench_rows(results))


def of_seeds(model: str, *mses: float) -> list[Result]:
    return [planned(mse, model, seed) for seed, mse in enumerate(mses, 1)]


def test_the_best_is_named_with_the_next() -> None:
    first, *common = said(planned(0.3, "painet"), planned(0.4), planned(0.5, "egno"))
    assert first == "`mocap-run-s2s`: painet 0.3 (1 seed) leads egnn 0.4 (1 seed)."
    assert FEW in common


def test_what_holds_of_all_presets_is_said_once() -> None:
    presets = ("mocap-run-s2s", "mocap-walk-s2s")
    text = said(*(planned(0.3, model, preset=p) for p in presets for model in ("egnn", "rf")))
    assert [one[:16] for one in text[:2]] == ["`mocap-run-s2s`:", "`mocap-walk-s2s`"]
    assert text[2] == FEW
    (lacking,) = text[3:]
    assert lacking.startswith("Not trained yet: linear, kernel, egno, hegnn")
    assert "egnn on mocap-run-s2t, mocap-walk-s2t" in lacking
    assert "linear, kernel, egno, hegnn, gf-node, atom, painet on all presets" in lacking


def test_a_difference_counts_beyond_the_spread_of_seeds_alone() -> None:
    best = of_seeds("painet", 0.30, 0.32, 0.34)
    assert "by less than seeds vary" in said(*best, *of_seeds("egnn", 0.33, 0.35, 0.37))[0]
    assert "by more than seeds vary" in said(*best, *of_seeds("egnn", 0.40, 0.41, 0.42))[0]
    assert "seeds vary" not in said(*best, *of_seeds("egnn", 9.0, 9.1))[0], "two have no spread"


def test_a_closed_form_has_no_spread_of_seeds() -> None:
    kernel = planned(0.2, "kernel")
    kernel.record.update(stopped_by="epochs", epochs=1)
    assert kernel.end == "closed form"
    text = said(kernel, *of_seeds("egnn", 0.40, 0.41, 0.42))
    assert "kernel 0.2 (closed form) leads egnn" in text[0]
    assert text[0].endswith("by more than seeds vary.")
    assert FEW not in text


def test_who_was_not_trained_or_stopped_too_early_is_said() -> None:
    stopped = planned(0.4)
    stopped.record["stopped_by"] = "budget"
    assert "egnn 0.4 (1 seed, stopped by a budget)" in said(planned(0.3, "painet"), stopped)[0]
    everyone = [
        planned(0.3, model, preset=preset)
        for part in parts()
        if part.name == "Table 1" and "mocap-run-s2s-last" not in part.presets
        for preset in part.presets
        for model in part.models
    ]
    assert not any("Not trained yet" in one for one in said(*everyone))


def test_one_model_alone_leads_nobody() -> None:
    first, *common = said(planned(0.3))
    assert first == "`mocap-run-s2s`: egnn alone has a figure, 0.3 (1 seed)."
    assert FEW not in common, "nothing was compared"


def test_an_error_that_is_no_number_is_nobodys_win() -> None:
    lost, kept = planned(float("nan"), "egno"), planned(0.3)
    assert said(lost, kept)[0].endswith(
        "egnn alone has a figure, 0.3 (1 seed). No finite error: egno."
    )
    assert "no finite error of egno" in said(lost)[0]


def test_who_is_worse_than_the_best_yardstick_is_said() -> None:
    results = [planned(0.3, "painet"), planned(0.4, "linear"), planned(0.5, "egno")]
    assert "yardstick" not in said(*results)[0]
    for one in results:
        one.evaluation["yardsticks"] = {"nothing moves": [9.0], "straight on": [0.45]}
    best = "worse than the best yardstick, *straight on* 0.45."
    assert said(*results)[0].endswith("Worse than the best yardstick, *straight on* 0.45: egno.")
    assert said(*results[:2])[0].endswith(f"None is {best}")
    assert said(results[0])[0].endswith(f"It is not {best}")
    assert said(results[2])[0].endswith(f"It is {best}")


def test_a_mean_that_is_one_windows_is_told() -> None:
    runaway = planned(0.4)
    runaway.squared[7] = 64.0  # of 400 windows
    text = said(planned(0.3, "painet"), runaway)[0]
    assert text.endswith("One window is much of the mean, in one seed at least: egnn 40%.")


def test_how_trainings_ended_is_counted() -> None:
    recipe = parts()[0].settings_of("painet")
    ends = [
        result(1.0),
        result(1.0, settings=[*recipe, "train.epochs=40"], stopped_by="epochs"),
        result(1.0, settings=["train.epochs=40"], stopped_by="epochs"),
        result(1.0, stopped_by="budget"),
    ]
    assert [one.end for one in ends] == ["patience", "schedule", "epochs", "budget"]
    assert share_of_ends(ends).startswith("How the training of 4 cells ended: 1 (25 %) by patience")
    assert share_of_ends([]) == "No cells."
